/** The shelf of flows: what a reload changes, and what it leaves alone. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import t from 'tap'
import type { Dialer } from '../../../src/dialer/dialer.ts'
import type { Problem } from '../../../src/errors.ts'
import { simulate, TEST_NOW, testCall } from '../../../src/flow/simulate.ts'
import { begin, step } from '../../../src/flow/step.ts'
import { loadCampaignFiles } from '../../../src/service/campaign-files.ts'
import { openShelf } from '../../../src/service/shelf.ts'

const facts = { sounds: () => false, allowHost: () => true }
const hello = (name: string, words: string) =>
  `flow: ${name}\nstart: a\nsteps:\n  a: { say: "${words}" }\n  b: { menu: "${words} Press 1.", options: { "1": hangup } }\n`

async function aShelf(t: { teardown(run: () => unknown): unknown }, flows: Record<string, string>) {
  const folder = mkdtempSync(join(tmpdir(), 'apel-shelf-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'flows'))
  mkdirSync(join(folder, 'library'))
  const put = (name: string, text: string) => writeFileSync(join(folder, 'flows', `${name}.yaml`), text)
  for (const [name, text] of Object.entries(flows)) put(name, text)
  const shelve = (name: string, text: string) => writeFileSync(join(folder, 'library', `${name}.yaml`), text)
  const drop = (name: string) => unlinkSync(join(folder, 'flows', `${name}.yaml`))
  return { shelf: await openShelf(folder, facts), put, drop, shelve }
}

const said = (program: Parameters<typeof simulate>[0] | undefined) =>
  simulate(program!, [{ hangs_up: true }], { context: testCall(), now: TEST_NOW }).lines[0]!.text

t.test('a reload swaps what is sound; a bad file keeps its former version and stops no other', async (t) => {
  const { shelf, put, drop } = await aShelf(t, { one: hello('one', 'One.'), two: hello('two', 'Two.') })
  const before = shelf.get('one')!.version
  put('one', 'flow: one\nstart: nowhere\nsteps:\n  a: { sya: "One." }\n')
  put('two', hello('two', 'Two again.'))
  put('three', hello('three', 'Three.'))
  const problems = await shelf.reload()
  t.ok(problems.length > 0)
  t.ok(problems.every(({ file }) => file.endsWith('one.yaml')))
  t.equal(said(shelf.get('one')), 'One.')
  t.equal(shelf.get('one')!.version, before)
  t.match(shelf.views().find(({ name }) => name === 'one')?.problems, [{ severity: 'error' }])
  t.equal(said(shelf.get('two')), 'Two again.')
  t.equal(said(shelf.get('three')), 'Three.')

  put('one', hello('one', 'One, mended.'))
  drop('two')
  t.strictSame(await shelf.reload(), [])
  t.equal(said(shelf.get('one')), 'One, mended.')
  t.equal(shelf.get('two'), undefined)
})

t.test('a flow that was never right is not there', async (t) => {
  const { shelf } = await aShelf(t, { bad: 'flow: bad\nsteps: {}\n', good: hello('good', 'Good.') })
  t.equal(shelf.get('bad'), undefined)
  t.equal(said(shelf.get('good')), 'Good.')
})

t.test('a call that is on keeps the version that it began with', async (t) => {
  const { shelf, put } = await aShelf(t, { one: hello('one', 'One.') })
  const program = shelf.get('one')!
  const first = step(program, begin(program, testCall()), { type: 'start', at: TEST_NOW, verdict: 'human' })
  put('one', hello('one', 'Other words.'))
  await shelf.reload()
  const played = first.effects.find((effect) => effect.type === 'play')!
  const { effects } = step(program, first.state, { type: 'played', at: TEST_NOW + 1000, id: played.id, ok: true })
  t.match(
    effects.find((effect) => effect.type === 'play'),
    { parts: [{ text: 'One. Press 1.' }] },
  )
  t.equal(said(shelf.get('one')), 'Other words.')
})

t.test('a reload reads libraries again; a bad one keeps the flows that include it as they were', async (t) => {
  const flow = 'flow: one\ninclude: [library/words.yaml]\nstart: a\nsteps:\n  a: { goto: hello }\n'
  const words = (text: string) => `steps:\n  hello: { say: "${text}", next: hangup }\n`
  const { shelf, put, shelve } = await aShelf(t, { two: hello('two', 'Two.') })
  put('one', flow)
  shelve('words', words('One.'))
  t.strictSame(await shelf.reload(), [])
  const first = shelf.get('one')!
  t.strictSame(
    shelf.texts(first)?.map(({ path }) => path),
    ['flows/one.yaml', 'flows/two.yaml', 'library/words.yaml'],
  )
  shelve('words', words('One again.'))
  await shelf.reload()
  t.equal(said(shelf.get('one')), 'One again.')
  t.not(shelf.get('one')!.version, first.version)
  t.equal(said(first), 'One.')
  shelve('words', 'steps:\n  hello: { sya: "One." }\n')
  t.match(await shelf.reload(), [{ file: /library\/words\.yaml$/, line: 2 }])
  t.equal(said(shelf.get('one')), 'One again.')
  t.match(shelf.views().find(({ name }) => name === 'one')?.problems, [{ code: 'unknown-key' }])
  t.strictSame(shelf.views().find(({ name }) => name === 'two')?.problems, [])
})

t.test(
  'what an editor hides is passed over; what is no file, or leads nowhere, is told and stops no other',
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'apel-shelf-'))
    t.teardown(() => rmSync(folder, { recursive: true }))
    for (const part of ['flows', 'campaigns']) {
      mkdirSync(join(folder, part))
      symlinkSync('ana@desk.1234:1', join(folder, part, '.#visit.yaml'))
      symlinkSync('/nowhere/lost.yaml', join(folder, part, 'lost.yaml'))
      symlinkSync('/dev/zero', join(folder, part, 'endless.yaml'))
      mkdirSync(join(folder, part, 'folder.yaml'))
    }
    writeFileSync(join(folder, 'flows/one.yaml'), hello('one', 'One.'))
    writeFileSync(join(folder, 'campaigns/spring.yaml'), 'campaign: spring\nflow: one\n')
    const shelf = await openShelf(folder, facts)
    t.ok(shelf.get('one'))
    const names = (problems: Problem[]) => problems.map(({ file, code }) => [basename(file), code])
    const unreadable = ['endless', 'folder', 'lost'].map((name) => [`${name}.yaml`, 'unreadable'])
    t.same(names(await shelf.reload()), unreadable)
    const kept: string[] = []
    const dialer = { campaigns: { put: async (name: string) => void kept.push(name) } } as unknown as Dialer
    const loaded = await loadCampaignFiles(folder, dialer, { flows: ['one'], trunks: null })
    t.same(names(loaded.problems), unreadable)
    t.same(kept, ['spring'])
  },
)
