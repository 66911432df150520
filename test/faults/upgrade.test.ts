/**
 * Two releases on one Redis: one that keeps its data alike takes over with calls on, and gives them back; one that keeps them
 * otherwise, older or newer, is refused before it touches anything.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { parse, stringify } from 'yaml'
import { freePort } from '../../src/phones/ports.ts'
import { DATA_VERSION } from '../../src/store/keys.ts'
import { runCommand } from '../support/command.ts'
import { otherBuild } from '../support/other-build.ts'
import { TALKS } from '../support/talks.ts'
import { beginAll, reach } from './people.ts'
import { type Instance, startScene } from './scene.ts'

t.setTimeout(180_000)

const builds = mkdtempSync(join(tmpdir(), 'apel-builds-'))
t.teardown(() => rmSync(builds, { recursive: true, force: true }))
const newer = otherBuild(join(builds, 'newer'), { version: '99.1.2' })
const scene = await startScene({
  flows: TALKS,
  instances: 2,
  secondMain: newer,
  config: { drain_timeout: '1s' },
})
t.teardown(() => scene.stop())
const [first, second] = scene.instances as [Instance, Instance]
const kinds = ['plays', 'waits', 'records', 'holds', 'bridged', 'rings'] as const

t.test('the older release is asked to end with calls on: they go on at the newer one, and back again', async (t) => {
  const described = await (await fetch(`${second.service.url}/docs/json`)).json()
  t.match(described, { info: { version: '99.1.2' } })
  const all = await beginAll(scene, kinds)
  t.equal(await first.service.end('SIGTERM'), 0)
  await reach(t, scene, all, 'upgrade')
  await first.service.start()
  const more = await beginAll(scene, kinds, { instance: second })
  t.equal(await second.service.end('SIGTERM'), 0)
  await reach(t, scene, more, 'back')
  await second.service.start()
})

t.test('a release that keeps its data otherwise does not start, says why, and harms no call', async (t) => {
  await scene.ready()
  const all = await beginAll(scene, kinds)
  const config = parse(readFileSync(join(scene.folder, 'apel.yaml'), 'utf8'))
  const file = join(scene.folder, 'third.yaml')
  const own = { instance: 'third', data_dir: join(scene.folder, 'third') }
  writeFileSync(file, stringify({ ...config, ...own, api: { host: '127.0.0.1', port: await freePort('tcp') } }))
  for (const dataVersion of [DATA_VERSION - 1, DATA_VERSION + 1]) {
    const main = otherBuild(join(builds, `data-${dataVersion}`), { version: '99.0.0', dataVersion })
    const { code, stderr } = await runCommand(['serve', '-c', file], { main })
    t.ok(code, 'it ends')
    t.match(stderr, `The data in Redis is of version ${DATA_VERSION}, this program reads ${dataVersion}`)
    t.match(stderr, /use the release that wrote it, or start with an empty Redis/)
  }
  await reach(t, scene, all, 'another format')
})

t.test('the promises hold', async (t) => {
  await scene.holds(t)
})
