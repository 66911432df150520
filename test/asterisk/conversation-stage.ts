/**
 * The stage of the conversation tests: a real Asterisk with SIPp phones, the real voice, the live driver, and a ledger in
 * memory that keeps all it is told. A test names a flow and what the phone does, and gets the record and what was heard.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeTelephony, type NodeTelephony } from '../../src/ari/telephony.ts'
import { type Calls, makeCalls } from '../../src/call/calls.ts'
import type { CallbackBook, CallLedger, CallPorts, DialOrder, ServiceEvent, Voice } from '../../src/call/ports.ts'
import type { CallRecord, StepTrace } from '../../src/call/record.ts'
import { startAsterisk } from '../../src/embedded/asterisk.ts'
import { ensureTools } from '../../src/embedded/tools.ts'
import type { CallbackRequest, CallContext } from '../../src/flow/io.ts'
import type { Program } from '../../src/flow/program.ts'
import { texts } from '../../src/flow/texts.ts'
import { makeLog } from '../../src/log.ts'
import { espeak } from '../../src/media/engine.ts'
import { makeStudio } from '../../src/media/voice.ts'
import { makeWeb } from '../../src/outgoing.ts'
import { type Exchange, startExchange } from '../../src/phones/exchange.ts'
import type { Behaviour, PhoneCall } from '../../src/phones/phone.ts'
import { freePort, freeRange } from '../../src/phones/ports.ts'
import { keepJournal } from '../support/journals.ts'
import { contextOf, recordOf, sources } from '../unit/call/a-call.ts'

/** One conversation, when it is over. */
export interface Told {
  record: CallRecord
  phone: PhoneCall
  steps: StepTrace[]
  journal: { type: string; at: number }[]
}

export interface Stage {
  exchange: Exchange
  calls: Calls
  voice: Voice
  asterisk: Awaited<ReturnType<typeof startAsterisk>>
  events: ServiceEvent[]
  callbacks: CallbackRequest[]
  /** Every record that was finished, legs' too, in order. */
  finished: CallRecord[]
  /** Numbers that were put on the do-not-call list. */
  optOuts: string[]
  /** Dials a phone that does this; settles with the record. `context` fills in what the flow reads. */
  dial(program: Program, behaviour: Behaviour, more?: Dialled): Promise<Told>
  /** The id that `dial` has given to its newest call. */
  newest(): string
  /** A phone that calls in; without a program the number is not in use. */
  ring(program: Program | null, behaviour: Behaviour, context?: Partial<CallContext>): Promise<Told>
  /** Whether the phone heard this sentence of the flow, as the voice has spoken it. */
  heard(told: Told, program: Program, sentence: string): Promise<boolean>
  /** How long such a sentence is, ms. */
  length(program: Program, sentence: string): Promise<number>
  telephony: NodeTelephony
  ports: CallPorts
  /** Channels that Asterisk has. */
  channels(): Promise<number>
  stop(): Promise<void>
}

interface Dialled {
  context?: Partial<CallContext>
  order?: Partial<DialOrder>
}

const clock = {
  now: () => Date.now(),
  setTimeout: (run: () => void, ms: number) => setTimeout(run, ms),
  clearTimeout: (handle: unknown) => clearTimeout(handle as NodeJS.Timeout),
}

/** The longest time without any sound from the answer to the end, as the phone heard it, ms. */
export function longestSilence({ phone }: Told): number {
  const ends = [phone.answeredAt!, ...phone.ear.phrases.map(({ to }) => to)]
  const begins = [...phone.ear.phrases.map(({ from }) => from), phone.endedAt!]
  return Math.max(...begins.map((begin, n) => begin - ends[n]!))
}

export interface StageOptions {
  /** Hosts that flows may reach. */
  allowHosts?: string[]
  /** Stands before the real voice. */
  voice?(real: Voice): Voice
  /** Whether a transfer to this number is allowed; without it, always. */
  transfers?(number: string): boolean
  /** Stands before a book that allows and keeps all. */
  book?: Partial<CallbackBook>
}

export async function startStage(options: StageOptions = {}): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'apel-talk-'))
  const exchange = await startExchange({ folder: join(folder, 'phones') })
  const tools = await ensureTools(['asterisk', 'sipp', 'speech'], () => {})
  const sipPort = await freePort('udp')
  const ari = { ariUser: 'apel', ariPassword: 'secret' }
  const asterisk = await startAsterisk({
    dataDir: join(folder, 'data'),
    name: 'stage',
    sipPort,
    httpPort: await freePort('tcp'),
    rtp: await freeRange('udp', 200),
    peers: { carrier: exchange.uri },
    ...ari,
    tools,
    say: () => {},
  })
  exchange.asterisk = sipPort
  mkdirSync(join(folder, 'recorded'))
  const engine = espeak(tools.path('espeak-ng'))
  const studio = makeStudio({
    folder: asterisk.soundsDir,
    engine,
    sox: tools.path('sox'),
    recorded: join(folder, 'recorded'),
  })
  const log = makeLog(process.env.APEL_TEST_LOG ?? 'silent')
  const real = studio.at({ folder: asterisk.soundsDir })
  const voice = options.voice?.(real) ?? real
  const callbacks: CallbackRequest[] = []
  const events: ServiceEvent[] = []
  const finished: CallRecord[] = []
  const optOuts: string[] = []
  const steps = new Map<string, StepTrace[]>()
  const kept = new Map<string, { path: string; text: string }[]>()
  const journals = new Map<string, { type: string; at: number }[]>()
  const add = <T>(map: Map<string, T[]>, id: string, more: T[]) => map.set(id, [...(map.get(id) ?? []), ...more])
  const ledger: CallLedger = {
    update: async () => {},
    async journal(id, entry, entered) {
      add(journals, id, [entry])
      add(steps, id, entered)
    },
    finish: async (record) => finished.push({ ...record }) > 0,
  }
  const web = makeWeb({ allowHosts: options.allowHosts ?? [] })
  const ports: CallPorts = {
    ledger,
    book: {
      allowed: async () => true,
      schedule: async (_, request) => callbacks.push(request) > 0,
      ...options.book,
    },
    web,
    clock,
    log,
    voice: () => voice,
    transfers: {
      left: async () => null,
      async reserve(call, legId, to) {
        const number = 'number' in to ? to.number : to.extension
        const order = {
          id: legId,
          endpoint: `PJSIP/${number}@carrier`,
          callerId: call.number,
          ring: 20_000,
          amd: false,
        }
        return options.transfers?.(number) === false
          ? null
          : { record: { ...recordOf(legId), number, kind: 'leg' }, order }
      },
    },
    optOuts: { add: async (call) => void optOuts.push(call.number) },
    recordsTalks: true,
    texts: (program) => {
      const name = `${program.flow} ${program.version}`
      const files = sources.get(program)
      if (files) kept.set(name, files)
      return name
    },
    publish: (event) => events.push(event),
  }
  const telephony: NodeTelephony = makeTelephony({
    node: 'stage',
    url: asterisk.url,
    username: 'apel',
    password: 'secret',
    app: 'apel-stage-1',
    transport: 'auto',
    log,
    clock,
  })
  const calls = makeCalls(ports)
  let count = 0
  let id = ''
  const told = (record: CallRecord, phone: PhoneCall): Told => ({
    record,
    phone,
    steps: steps.get(record.id) ?? [],
    journal: journals.get(record.id) ?? [],
  })
  /** Who waits for the call to this number. */
  const waiting = new Map<
    string,
    { program: Program | null; context: Partial<CallContext>; over: (record: CallRecord) => void }
  >()
  telephony.onInbound((call) => {
    const expected = waiting.get(call.called)
    if (!expected) return
    const record = { ...recordOf(call.id), kind: 'inbound' as const, called: call.called, number: call.caller }
    const { program, context, over } = expected
    const incoming = { record, telephony }
    const ended = program
      ? calls.inbound({ ...incoming, program, context: { ...contextOf(call.id, 'inbound'), ...context } })
      : calls.notInUse({ ...incoming, language: 'en' })
    void ended.then(over)
  })
  await telephony.start()

  const fileOf = async (program: Program, sentence: string, direction: 'inbound' | 'outbound'): Promise<string> => {
    const all = texts(program, contextOf('', direction))
    const spoken = all.find((part) => 'text' in part && part.text === sentence)
    if (!spoken) throw new Error(`the flow never says "${sentence}"`)
    return (await voice.files([spoken]))[0]!
  }

  return {
    exchange,
    calls,
    voice,
    asterisk,
    events,
    callbacks,
    finished,
    optOuts,
    telephony,
    ports,
    newest: () => id,
    async dial(program, behaviour, { context = {}, order = {} } = {}) {
      count += 1
      // Of one length: Asterisk refuses an id that a living channel's id begins with.
      id = `talk-${String(count).padStart(4, '0')}`
      const number = `+4071100${String(count).padStart(4, '0')}`
      const phone = exchange.phone(number, behaviour)
      const { over } = calls.outbound({
        record: { ...recordOf(id), number },
        program,
        context: { ...contextOf(id), number, ...context },
        order: {
          id,
          endpoint: `PJSIP/${number}@carrier`,
          callerId: '+40311234567',
          ring: 10_000,
          absolute: 180_000,
          amd: false,
          ...order,
        },
        telephony,
      })
      const record = await over
      await phone.calls[0]?.ended
      return told(record, phone.calls[0]!)
    },
    async ring(program, behaviour, context = {}) {
      count += 1
      const number = `+4031100${String(count).padStart(4, '0')}`
      const over = new Promise<CallRecord>((resolve) => {
        waiting.set(number, { program, context, over: resolve })
      })
      const phone = await exchange.call(number, '+40722222222', behaviour)
      const record = await over
      await phone.ended
      return told(record, phone)
    },
    async heard({ phone, record }, program, sentence) {
      const direction = record.kind === 'inbound' ? 'inbound' : 'outbound'
      return phone.ear.heard(readFileSync(`${await fileOf(program, sentence, direction)}.ulaw`))
    },
    async length(program, sentence) {
      return voice.duration([await fileOf(program, sentence, 'outbound')]) ?? 0
    },
    async channels() {
      return Number(/(\d+) active channel/.exec(await asterisk.cli('core show channels'))?.[1] ?? -1)
    },
    async stop() {
      for (const [id, entries] of journals) {
        const [first] = entries as { texts?: string }[]
        keepJournal({ id, entries, texts: kept.get(first?.texts ?? '') ?? null })
      }
      await telephony.close()
      web.close()
      await exchange.stop()
      process.kill(asterisk.pid, 'SIGKILL')
      await asterisk.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
