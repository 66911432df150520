/**
 * The product as users run it: `apel serve` with its own Redis, a campaign of contacts that pass the queue and the gate, a
 * flow, a journal, a record an attempt. The window begins with the import of its contacts and ends when the campaign says
 * that it is finished.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, createWriteStream, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { freePort } from '../../../src/phones/ports.ts'
import { waitFor } from '../../../test/support/wait.ts'
import { type Arm, numbers } from '../arm.ts'
import { ACCOUNT, type Stage } from '../stage.ts'

const MAIN = fileURLToPath(new URL('../../../src/main.js', import.meta.url))
const WITHOUT_JOURNAL = fileURLToPath(new URL('../without-journal.js', import.meta.url))

const FLOW = `flow: survey
start: ask
steps:
  ask:
    menu: { sound: question }
    options:
      "1": { say: { sound: answer }, outcome: answered, goto: hangup }
`

export interface ProductOptions {
  transport: 'websocket' | 'ari-client'
  /** Whether the inputs of a call are written down before their effects, as always; left out for the comparison. */
  journal?: boolean
  /** More of node's own options, such as those of a profiler. */
  node?: string[]
}

export async function productArm(name: string, stage: Stage, options: ProductOptions): Promise<Arm> {
  const folder = join(stage.folder, name.replaceAll(/\W+/g, '-'))
  const flows = join(folder, 'scripts-yaml')
  mkdirSync(join(flows, 'flows'), { recursive: true })
  cpSync(stage.sounds, join(flows, 'sounds'), { recursive: true })
  writeFileSync(join(flows, 'flows/survey.yaml'), FLOW)
  const port = await freePort('tcp')
  const trunk = { name: 'carrier', endpoint: 'PJSIP/{number}@carrier', channels: 10_000, cps: 1000 }
  const node = { name: 'pbx', url: stage.asterisk.url, ...ACCOUNT, transport: options.transport }
  const sounds = { shared: join(folder, 'data/sounds') }
  const config = {
    ...{ instance: name.replaceAll(/\W+/g, '-'), data_dir: join(folder, 'data'), flows },
    asterisk: [{ ...node, sounds, trunks: [{ ...trunk, caller_ids: ['+40311234567'] }] }],
    policy: { allow: ['+40'], windows: { 'mon-sun': '00:00-24:00' } },
    api: { host: '127.0.0.1', port },
  }
  writeFileSync(join(folder, 'apel.yaml'), stringify(config))
  const imports = options.journal === false ? ['--import', WITHOUT_JOURNAL] : []
  const inspectPort = await freePort('tcp')
  const args = [
    `--inspect-port=${inspectPort}`,
    ...(options.node ?? []),
    ...imports,
    MAIN,
    'serve',
    '-c',
    join(folder, 'apel.yaml'),
  ]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const log = createWriteStream(join(folder, 'service.log'))
  child.stdout.pipe(log)
  child.stderr.pipe(log)
  const api = (method: string, path: string, body?: unknown) => ask(`http://127.0.0.1:${port}${path}`, method, body)
  const ready = () => (child.exitCode === null ? api('GET', '/health/ready').catch(() => null) : 'ended')
  const state = await waitFor(ready, { timeout: 30_000, every: 50, what: `${name} to be ready` })
  if (state === 'ended') throw new Error(`${name} ended: ${readFileSync(join(folder, 'service.log'), 'utf8')}`)
  const redis = JSON.parse(readFileSync(join(folder, 'data/redis/process.json'), 'utf8')) as { pid: number }
  let campaigns = 0
  let campaign = ''
  return {
    name,
    processes: { node: child.pid ?? 0, redis: redis.pid },
    inspectPort,
    async run(calls, rate) {
      campaigns += 1
      campaign = `/v1/campaigns/survey-${campaigns}`
      const dial = { trunks: ['carrier'], cps: rate, concurrency: 10_000 }
      await api('PUT', campaign, { flow: 'survey', contacts: { number: 'phone' }, dial, attempts: { max: 1 } })
      await api('POST', `${campaign}/contacts`, `phone\n${numbers(calls).join('\n')}\n`)
      await api('POST', `${campaign}/start`)
      // Most of a campaign's time nothing need be asked.
      await new Promise((resolve) => setTimeout(resolve, (1000 * calls) / rate))
      const finished = async () => ['finished', 'stopped'].includes((await api('GET', campaign)).state)
      await waitFor(finished, { timeout: 60_000, every: 200, what: `the end of ${campaign}` })
    },
    async abandon() {
      await api('POST', `${campaign}/stop`, { now: true }).catch(() => undefined)
    },
    stop: () => end(child),
  }
}

// biome-ignore lint/suspicious/noExplicitAny: bodies are looked at field by field
async function ask(url: string, method: string, body?: unknown): Promise<any> {
  const type = typeof body === 'string' ? 'text/csv' : 'application/json'
  const answer = await fetch(url, {
    method,
    ...(body === undefined ? {} : { headers: { 'content-type': type } }),
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${text}`)
  return text === '' ? null : JSON.parse(text)
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const over = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const hard = setTimeout(() => child.kill('SIGKILL'), 15_000)
  await over
  clearTimeout(hard)
}
