/** A whole call on a hand-driven line: a real flow, a ledger in memory, a voice whose files are named by their words. */
import { LiveCall } from '../../../src/call/live-call.ts'
import type { CallPorts, LineEvent, ServiceEvent } from '../../../src/call/ports.ts'
import type { CallRecord, StepTrace } from '../../../src/call/record.ts'
import { ApelError } from '../../../src/errors.ts'
import type { CallContext, FlowResult } from '../../../src/flow/io.ts'
import { loadFlows } from '../../../src/flow/load.ts'
import type { Program } from '../../../src/flow/program.ts'
import {
  type HandClock,
  type HandLine,
  type HandNode,
  handClock,
  handLine,
  handNode,
  handVoice,
  quiet,
  settled,
} from './by-hand.ts'

/** The files that a program of `programOf` was made of. */
export const sources = new WeakMap<Program, { path: string; text: string }[]>()

/** A program from the steps of a flow, as its author writes them. */
export function programOf(steps: string, head = ''): Program {
  const text = `flow: talk\ndescription: A test\nlanguage: en\nstart: ${/\w+/.exec(steps)?.[0]}\n${head}\nsteps:\n${steps}\n`
  const { programs, problems } = loadFlows([{ path: 'flows/talk.yaml', text }])
  const program = programs.get('talk')
  if (!program) throw new Error(problems.map((problem) => `${problem.line}: ${problem.message}`).join('\n'))
  sources.set(program, [{ path: 'flows/talk.yaml', text }])
  return program
}

export function recordOf(id: string): CallRecord {
  return {
    id,
    campaign: null,
    contact: null,
    number: '+40711111111',
    called: null,
    attempt: 1,
    kind: 'manual',
    flow: 'talk',
    flow_version: null,
    node: null,
    trunk: 'carrier',
    caller_id: null,
    queued_at: null,
    dialed_at: null,
    ringing_at: null,
    answered_at: null,
    ended_at: null,
    disposition: null,
    cause: null,
    sip_code: null,
    amd: null,
    hangup_by: null,
    outcome: null,
    last_step: null,
    vars: {},
    recordings: [],
    callback_at: null,
    failover_of: null,
  }
}

export function contextOf(id: string, direction: CallContext['direction'] = 'outbound'): CallContext {
  const open = [{ from: 0, to: 1440 }]
  return {
    id,
    direction,
    number: '+40711111111',
    attempt: 1,
    kind: direction === 'inbound' ? 'inbound' : 'manual',
    amd: 'human',
    contact: {},
    campaign: { name: 'callbacks' },
    previous: {},
    vars: {},
    start_at: null,
    zones: ['Europe/Bucharest'],
    windows: [{ mon: open, tue: open, wed: open, thu: open, fri: open, sat: open, sun: open }],
    holidays: [],
  }
}

/** What the ledger was told, in order. `mood` makes it fail, hang, or hold calls back before their dial. */
export interface MemoryLedger {
  journal: { type: string; at: number }[]
  updates: object[]
  steps: StepTrace[]
  finished: { record: CallRecord; tasks: FlowResult['tasks'] }[]
  optOuts: string[]
  mood: 'well' | 'failing' | 'hanging' | 'holding'
}

export interface ACall {
  call: LiveCall
  clock: HandClock
  line: HandLine
  ledger: MemoryLedger
  events: ServiceEvent[]
  ports: CallPorts
  voice: ReturnType<typeof handVoice>
  node: HandNode
  /** An event of the line, now, and all that follows from it. */
  tell(event: Told): Promise<void>
  /** The end of the sound that was asked for last. */
  heard(ok?: boolean): Promise<void>
}

type Told = LineEvent extends infer E ? (E extends { at: number } ? Omit<E, 'at'> : never) : never

export function memoryPorts(clock: HandClock): {
  ports: CallPorts
  ledger: MemoryLedger
  events: ServiceEvent[]
  voice: ReturnType<typeof handVoice>
  node: HandNode
} {
  const events: ServiceEvent[] = []
  const node = handNode()
  const voice = handVoice()
  const ledger: MemoryLedger = { journal: [], updates: [], steps: [], finished: [], optOuts: [], mood: 'well' }
  const kept = async (keep: () => void) => {
    if (ledger.mood === 'failing') throw new Error('the ledger is read-only')
    if (ledger.mood === 'hanging') await new Promise(() => {})
    keep()
  }
  const ports: CallPorts = {
    ledger: {
      async update(_, fields) {
        if (ledger.mood === 'holding') throw new ApelError('invalid_state', 'it was held back at the last moment')
        await kept(() => ledger.updates.push(fields))
      },
      journal: (_, input, steps) =>
        kept(() => {
          ledger.journal.push(input as { type: string; at: number })
          ledger.steps.push(...steps)
        }),
      finish: async (record, { tasks }) => {
        if (ledger.mood === 'holding') return false
        await kept(() => ledger.finished.push({ record: { ...record }, tasks }))
        return true
      },
    },
    book: { allowed: async () => true, schedule: async () => true },
    web: { request: async () => ({ result: 'ok', status: 200, body: {} }) },
    clock,
    log: quiet,
    voice: () => voice,
    transfers: {
      left: async () => null,
      async reserve(_, id) {
        const order = { id, endpoint: 'PJSIP/100@pbx', callerId: null, ring: 20_000, amd: false }
        return { record: { ...recordOf(id), kind: 'leg' }, order }
      },
    },
    optOuts: { add: (call, list) => kept(() => ledger.optOuts.push(`${call.number} ${list}`)) },
    recordsTalks: true,
    texts: () => null,
    publish: (event) => events.push(event),
  }
  return { ports, ledger, events, voice, node }
}

/** A call that is being dialled: the line is there, nothing has happened yet. */
export function aCall(program: Program, { amd = false, longest = 3600_000 } = {}): ACall {
  const clock = handClock()
  const line = handLine()
  const { ports, ledger, events, voice, node } = memoryPorts(clock)
  const call = new LiveCall({
    record: recordOf(line.id),
    program,
    context: contextOf(line.id),
    ...{ telephony: node, amd, ring: null, absolute: null, longest, taken: null, ports },
  })
  call.take(line)
  const tell = async (event: Told) => {
    call.listen({ ...event, at: clock.now() } as LineEvent)
    await settled()
  }
  const heard = async (ok = true) => {
    const id = line.asked.findLast((asked) => asked.startsWith('play '))?.split(' ')[1] ?? ''
    await tell({ type: 'played', id, ok })
  }
  return { call, clock, line, ledger, events, ports, voice, node, tell, heard }
}
