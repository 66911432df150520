/**
 * A whole system for live tests and for the demo: `apel serve` as a process, its embedded Redis and Asterisk, and a
 * carrier full of phones (`exchange.ts`), on free ports, in a folder of its own. Windows are open around the clock, so
 * that a test means the same at any hour; calls on one system keep apart by their numbers.
 *
 *   const system = await startSystem({ flows: { hello: 'flow: hello\n…' } })
 *   t.teardown(() => system.stop())
 *   const phone = system.exchange.phone('+40711111111', presses('1', 600))
 *   const { id } = await system.api('POST', '/v1/calls', { to: '+40711111111', flow: 'hello' })
 *   const record = await system.ended(id)
 */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { stringify } from 'yaml'
import { type Exchange, startExchange } from '../../src/phones/exchange.ts'
import { freePort, freeRange } from '../../src/phones/ports.ts'
import { tool } from '../../src/phones/sipp.ts'
import { type CommandOptions, type CommandResult, runCommand } from './command.ts'
import { keepJournalsOf } from './journals.ts'
import { ServiceProcess } from './service-process.ts'
import { waitFor } from './wait.ts'

export interface SystemOptions {
  /** YAML by name, or a folder of flows (`scripts-yaml`) that is there already. */
  flows: Record<string, string> | string
  campaigns?: Record<string, string>
  /** Other files by their path in the system's folder, such as `scripts-yaml/campaigns/contacts.csv`. */
  files?: Record<string, string>
  /**
   * Keys of `apel.yaml` that replace the default ones (whole, not merged), e.g. `inbound`, `http`, `policy`. As a
   * function it is given what exists before the service does: parts of one's own may be started with it.
   */
  config?:
    | Record<string, unknown>
    | ((given: { folder: string; exchange: Exchange }) => Promise<Record<string, unknown>>)
  /** Of the trunk `carrier`. */
  trunk?: { channels?: number; cps?: number }
  /** Names of more trunks, each as `carrier` is. */
  trunks?: string[]
  env?: Record<string, string>
  /** Keep the folder after `stop`. */
  keep?: boolean
}

const runFile = promisify(execFile)

/** Starts everything and waits until the service says that it is ready. Whatever had started is ended when a part fails. */
export async function startSystem(options: SystemOptions): Promise<System> {
  const folder = mkdtempSync(join(tmpdir(), 'apel-system-'))
  const ports = { sip: await freePort('udp'), http: await freePort('tcp'), api: await freePort('tcp') }
  const rtp = await freeRange('udp', 400)
  const exchange = await startExchange({ folder: join(folder, 'phones'), asterisk: ports.sip })
  const flows = typeof options.flows === 'string' ? options.flows : join(folder, 'scripts-yaml')
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  if (typeof options.flows !== 'string') {
    for (const [name, text] of Object.entries(options.flows)) write(`scripts-yaml/flows/${name}.yaml`, text)
  }
  for (const [name, text] of Object.entries(options.campaigns ?? {})) write(`scripts-yaml/campaigns/${name}.yaml`, text)
  for (const [path, text] of Object.entries(options.files ?? {})) write(path, text)
  const { channels = 30, cps = 10 } = options.trunk ?? {}
  const embedded = {
    ...{ sip_port: ports.sip, http_port: ports.http, rtp: `${rtp.from}-${rtp.to}` },
    peers: { carrier: exchange.uri },
  }
  const caller_ids = ['+40311234567']
  const trunk = { name: 'carrier', endpoint: 'PJSIP/{number}@carrier', channels, cps, caller_ids }
  const more = (options.trunks ?? []).map((name) => ({ ...trunk, name, caller_ids: [...caller_ids] }))
  const config = {
    ...{ instance: `test-${ports.api}`, data_dir: join(folder, 'data'), flows },
    asterisk: [{ name: 'local', embedded, trunks: [trunk, ...more] }],
    policy: {
      ...{ default_country: 'RO', timezone: 'Europe/Bucharest', allow: ['+40'] },
      windows: { 'mon-sun': '00:00-24:00' },
    },
    api: { host: '127.0.0.1', port: ports.api },
    ...(typeof options.config === 'function' ? await options.config({ folder, exchange }) : options.config),
  }
  write('apel.yaml', stringify(config))
  const service = new ServiceProcess({
    ...{ url: `http://127.0.0.1:${ports.api}`, config: join(folder, 'apel.yaml'), log: join(folder, 'service.log') },
    env: options.env,
  })
  const system = new System(folder, service, exchange, ports.sip, options.keep ?? false)
  try {
    await service.start()
  } catch (fault) {
    await system.stop({ strict: false }).catch(() => {})
    throw fault
  }
  return system
}

export class System {
  readonly folder: string
  readonly url: string
  readonly sipPort: number
  readonly service: ServiceProcess
  readonly exchange: Exchange
  readonly #keep: boolean

  constructor(folder: string, service: ServiceProcess, exchange: Exchange, sipPort: number, keep: boolean) {
    this.folder = folder
    this.url = service.url
    this.service = service
    this.exchange = exchange
    this.sipPort = sipPort
    this.#keep = keep
  }

  /** One request; answers the body. Throws on anything but 2xx, with the answer's text and `status`. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look at bodies field by field
  async api(method: string, path: string, body?: unknown): Promise<any> {
    const answer = await fetch(this.url + path, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })
    const text = await answer.text()
    if (!answer.ok) {
      throw Object.assign(new Error(`${method} ${path}: ${answer.status} ${text}`), { status: answer.status })
    }
    return text && answer.headers.get('content-type')?.startsWith('application/json') ? JSON.parse(text) : text
  }

  /** Sends contacts as CSV; answers the report of the import. */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  async contacts(campaign: string, csv: string): Promise<any> {
    const headers = { 'content-type': 'text/csv' }
    const answer = await fetch(`${this.url}/v1/campaigns/${campaign}/contacts`, { method: 'POST', headers, body: csv })
    if (!answer.ok) throw new Error(`contacts of ${campaign}: ${answer.status} ${await answer.text()}`)
    return await answer.json()
  }

  /** The ended attempts of a campaign. */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  async results(campaign: string): Promise<any[]> {
    const lines: string = await this.api('GET', `/v1/campaigns/${campaign}/results?format=ndjson`)
    return lines.split('\n').flatMap((line) => (line ? [JSON.parse(line)] : []))
  }

  /** `apel ARGS` spoken to this service. */
  async apel(args: string[], options: CommandOptions = {}): Promise<CommandResult> {
    return await runCommand(args, { cwd: this.folder, ...options, env: { APEL_URL: this.url, ...options.env } })
  }

  /** The record of a call, once it has ended. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look at records field by field
  async ended(id: string, timeout = 60_000): Promise<any> {
    return await waitFor(
      async () => {
        const call = await this.api('GET', `/v1/calls/${id}`)
        return call.state === 'ended' && call
      },
      { timeout, every: 100, what: `the end of call ${id}` },
    )
  }

  /** One command on the embedded Asterisk's own command line. */
  async asterisk(command: string): Promise<string> {
    const config = join(this.folder, 'data/asterisk/local/etc/asterisk.conf')
    const { stdout } = await runFile(tool('asterisk'), ['-C', config, '-rx', command], { timeout: 20_000, cwd: '/' })
    return stdout.trim()
  }

  /** Channels on the embedded Asterisk. */
  async channels(): Promise<number> {
    return Number(/(\d+) active channel/.exec(await this.asterisk('core show channels count'))?.[1])
  }

  /**
   * Ends everything. Unless `strict` is off it throws when a channel is left (after 5 s), when the service does not end
   * with 0, when a phone's behaviour went wrong, or when a process of this system lives on (which is then ended).
   */
  async stop({ strict = true } = {}): Promise<void> {
    const faults: unknown[] = []
    const attempt = async (what: string, work: () => Promise<unknown>) => {
      await work().catch((cause) => faults.push(new Error(what, { cause })))
    }
    if (this.service.pid !== null) {
      const none = async () => (await this.channels()) === 0
      // A conversation that a test left to itself ends by its own silence; one that is stuck does not.
      const wait = { timeout: strict ? 40_000 : 0, every: 200, what: 'no channel' }
      await attempt('channels were left on Asterisk', () => waitFor(none, wait))
      await attempt('journals were not to be had', () => keepJournalsOf((method, path) => this.api(method, path)))
      // The service would wait for the end of those calls.
      if (faults.length > 0) await this.asterisk('channel request hangup all').catch(() => {})
    }
    const code = await this.service.end('SIGTERM')
    if (code !== 0) faults.push(new Error(`the service ended with ${code}`))
    await attempt('phones failed', () => this.exchange.stop())
    for (const left of this.#processes()) {
      faults.push(new Error(`process ${left} was left`))
      process.kill(Number.parseInt(left, 10), 'SIGKILL')
    }
    if (!this.#keep) rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 })
    if (strict && faults.length > 0) {
      const sentence = (fault: unknown) =>
        fault instanceof Error ? `${fault.message} ${fault.cause ?? ''}` : String(fault)
      throw new AggregateError(faults, `the system did not stop cleanly: ${faults.map(sentence).join('; ')}`)
    }
  }

  /** Processes that have this system's folder in their command line: `PID COMMAND`. */
  #processes(): string[] {
    return readdirSync('/proc').flatMap((pid) => {
      if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return []
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
        return command.includes(this.folder) ? [`${pid} ${command.slice(0, 200)}`] : []
      } catch {
        return []
      }
    })
  }
}
