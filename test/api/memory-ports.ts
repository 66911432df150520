/**
 * The service as the API sees it, kept in memory: small, but it really keeps, refuses and counts, so that a test of the API
 * says what a client would see. What it does beyond that is not meant to be like the real one.
 */
import { EventEmitter } from 'node:events'
import { createInterface } from 'node:readline'
import type { CallbackView } from '../../src/api/ports/callbacks.ts'
import type { CallView, JournalView } from '../../src/api/ports/calls.ts'
import type { CampaignState, CampaignView, RunView } from '../../src/api/ports/campaigns.ts'
import type { ContactView, ImportReport, Reject } from '../../src/api/ports/contacts.ts'
import type { KeptAnswer } from '../../src/api/ports/idempotency.ts'
import type { DncEntry } from '../../src/api/ports/numbers.ts'
import type { PageQuery } from '../../src/api/ports/page.ts'
import type { DeadLetterView } from '../../src/api/ports/webhooks.ts'
import type { ApiPorts } from '../../src/api/ports.ts'
import type { ServiceEvent } from '../../src/call/ports.ts'
import type { CallRecord } from '../../src/call/record.ts'
import { ApelError } from '../../src/errors.ts'

export interface Memory {
  ports: ApiPorts
  calls: Map<string, CallView>
  journals: Map<string, JournalView>
  results: CallRecord[]
  dead: DeadLetterView[]
  /** While set, every port that touches the ledger behaves so: fails, or never answers. */
  trouble: 'none' | 'down' | 'silent'
  ready: boolean
  dialed: number
  imported: number
  emit(event: ServiceEvent): void
  listeners(): number
}

/** A Monday morning, ms. */
const MONDAY = Date.UTC(2026, 0, 5, 8)

export function aRecord(fields: Partial<CallRecord> = {}): CallRecord {
  return {
    id: 'a1',
    campaign: 'renewals',
    contact: 'k1',
    number: '+40711111111',
    called: null,
    attempt: 1,
    kind: 'first',
    flow: 'renewal',
    flow_version: 'v1',
    node: 'local',
    trunk: 'carrier',
    caller_id: null,
    queued_at: Date.UTC(2026, 0, 5, 8),
    dialed_at: Date.UTC(2026, 0, 5, 8, 0, 1),
    ringing_at: null,
    answered_at: null,
    ended_at: Date.UTC(2026, 0, 5, 8, 0, 9, 125),
    disposition: 'busy',
    cause: 17,
    sip_code: 486,
    amd: null,
    hangup_by: 'callee',
    outcome: null,
    last_step: null,
    vars: {},
    recordings: [],
    callback_at: null,
    failover_of: null,
    ...fields,
  }
}

export function memoryPorts(): Memory {
  const campaigns = new Map<string, CampaignView>()
  const contacts = new Map<string, Map<string, ContactView>>()
  const rejects = new Map<string, Reject[]>()
  const callbacks = new Map<string, CallbackView>()
  const runs = new Map<string, RunView>()
  const dnc = new Map<string, DncEntry>()
  const answers = new Map<string, KeptAnswer & { id?: string; again?: true }>()
  const events = new EventEmitter()
  let paused = false
  let count = 0

  const missing = (what: string): never => {
    throw new ApelError('not_found', `There is no ${what}.`)
  }
  const campaignOf = (name: string): CampaignView => {
    const campaign = campaigns.get(name) ?? missing(`campaign ${name}`)
    const states = [...(contacts.get(name)?.values() ?? [])].map((contact) => contact.state)
    campaign.counts = { contacts: states.length, pending: 0, waiting: 0, callback: 0, dialing: 0, done: 0, held: 0 }
    for (const state of states) campaign.counts[state]++
    campaign.untried = [...(contacts.get(name)?.values() ?? [])].filter(
      ({ state, attempts }) => attempts === 0 && (state === 'pending' || state === 'held'),
    ).length
    return campaign
  }
  const move = (name: string, to: CampaignState, from: CampaignState[]): CampaignView => {
    const campaign = campaignOf(name)
    if (campaign.state !== to && !from.includes(campaign.state))
      throw new ApelError('invalid_state', `The campaign is ${campaign.state}.`, { state: campaign.state })
    campaign.state = to
    return campaign
  }
  const page = <T>(all: T[], { limit, cursor }: PageQuery): { items: T[]; next: string | null } => {
    const from = Number(cursor ?? 0)
    const next = from + limit < all.length ? String(from + limit) : null
    return { items: all.slice(from, from + limit), next }
  }
  const numberOf = (text: string): string => {
    if (!/^\+\d{4,15}\*?$/.test(text)) throw new ApelError('number', `${text} is not a number.`)
    return text
  }

  const ports: ApiPorts = {
    async health() {
      const down = memory.trouble !== 'none'
      return {
        ...{ ready: memory.ready && !down, reason: memory.ready && !down ? null : 'a part is away' },
        redis: { writable: !down, reason: down ? 'Redis does not answer' : null },
        ledger: { loaded: true, reason: null },
        nodes: [{ name: 'local', linked: memory.ready, reason: memory.ready ? null : 'no link' }],
      }
    },
    campaigns: {
      async put(name, definition) {
        if (definition.flow === undefined)
          throw new ApelError('bad_request', 'The campaign has no flow.', { problems: [{ path: 'flow' }] })
        const before = campaigns.get(name)
        const counts = { contacts: 0, pending: 0, waiting: 0, callback: 0, dialing: 0, done: 0, held: 0 }
        const fresh = { name, state: 'ready', counts, untried: 0, dispositions: {}, outcomes: {}, attempts: 0 } as const
        const campaign = { ...fresh, started_at: null, finished_at: null, schedule: null, ...before, definition }
        campaigns.set(name, campaign)
        return { created: before === undefined, campaign }
      },
      get: async (name) => campaignOf(name),
      list: async (query) => page([...campaigns.keys()].map(campaignOf), query),
      start: async (name) => move(name, 'running', ['ready', 'stopped', 'finished']),
      pause: async (name) => move(name, 'paused', ['running']),
      resume: async (name) => move(name, 'running', ['paused']),
      stop: async (name) => move(name, 'stopped', ['running', 'paused']),
      drain: async (name) => move(name, 'stopping', ['running', 'paused']),
      counts: async (name) => ({ flow: campaignOf(name).name, steps: {}, edges: [], ended: {} }),
      forecast: async (name, { answer, talk }) => ({
        ...{
          campaign: campaignOf(name).name,
          at: MONDAY,
          from: MONDAY,
          attempts: 160,
          ends_at: MONDAY + 2 * 3_600_000,
        },
        assumed: {
          ...{ rates: { completed: answer ?? 0.35, no_answer: 1 - (answer ?? 0.35) }, talk: talk ?? 60_000 },
          ...{ ring: 10_000, learned_from: 0 },
        },
        contacts: { total: 100, done: 0, reached: 80, exhausted: 17, never: 3, open: 0 },
        dispositions: { completed: 80, no_answer: 80 },
        exhausted: { no_answer: 17 },
        never: [
          { rule: 'dnc', reason: 'the number is on the do-not-call list', contacts: 3, keys: ['k1', 'k2', 'k3'] },
        ],
        hours: [
          { at: MONDAY, calls: 120, answered: 60 },
          { at: MONDAY + 3_600_000, calls: 40, answered: 20 },
        ],
      }),
      async *results(name, after) {
        campaignOf(name)
        const from = after === null ? 0 : memory.results.findIndex((record) => record.id === after) + 1
        if (after !== null && from === 0) missing(`attempt ${after}`)
        yield* memory.results.slice(from)
      },
    },
    runs: {
      async begin(campaign, id) {
        const key = `${campaign} ${id}`
        const created = !runs.has(key)
        if (created) runs.set(key, { id, campaign, at: Date.now(), started_at: null, ended_at: null, exit: null })
        return { created, run: runs.get(key) ?? missing(`run ${id}`) }
      },
      async change(campaign, id, { started, exit }) {
        const run = runs.get(`${campaign} ${id}`) ?? missing(`run ${id}`)
        if (started) run.started_at ??= Date.now()
        if (exit !== undefined && run.exit === null) Object.assign(run, { exit, ended_at: Date.now() })
        return run
      },
    },
    contacts: {
      async import(name, { stream, format, dry_run }) {
        campaignOf(name)
        const kept = contacts.get(name) ?? new Map<string, ContactView>()
        const report: ImportReport = { accepted: 0, updated: 0, duplicate: 0, rejected: 0, rejects: [], import: null }
        let row = -1
        for await (const line of createInterface({ input: stream })) {
          if (++row === 0 && format === 'csv') continue
          const number = format === 'csv' ? (line.split(',')[0] ?? '') : (/"number": *"([^"]*)"/.exec(line)?.[1] ?? '')
          const reject = { row, column: 'number', reason: `${number} is not a number` }
          if (!/^\+\d+$/.test(number)) report.rejects.push(reject)
          else if (kept.has(number)) report.duplicate++
          else {
            report.accepted++
            if (!dry_run) kept.set(number, aContact(number))
          }
        }
        report.rejected = report.rejects.length
        memory.imported++
        if (report.rejected > 0 && !dry_run) {
          report.import = `i${++count}`
          rejects.set(report.import, report.rejects)
        }
        contacts.set(name, kept)
        return report
      },
      async *rejects(name, id) {
        campaignOf(name)
        yield* rejects.get(id) ?? missing(`import ${id}`)
      },
      list: async (name, query) =>
        page(
          [...(contacts.get(name)?.values() ?? [])].filter((one) => query.state === null || one.state === query.state),
          query,
        ),
      get: async (name, key) => contacts.get(name)?.get(key) ?? missing(`contact ${key}`),
      async change(name, key, change) {
        const contact = contacts.get(name)?.get(key) ?? missing(`contact ${key}`)
        return Object.assign(contact, change, { data: { ...contact.data, ...change.data } })
      },
      async remove(name, key) {
        if (!contacts.get(name)?.delete(key)) missing(`contact ${key}`)
      },
    },
    calls: {
      async dial({ to, flow, vars, trunk }) {
        const number = numberOf(to)
        if (paused) throw new ApelError('paused', 'All dialling is stopped.')
        if (dnc.has(number)) throw new ApelError('dnc', 'The number is on the do-not-call list.')
        memory.dialed++
        const id = `c${++count}`
        const record = aRecord({ id, number, flow, vars, trunk, kind: 'manual', campaign: null, contact: null })
        memory.calls.set(id, { ...record, ended_at: null, disposition: null, state: 'dialing', steps: [], legs: [] })
        return { id }
      },
      list: async (query) =>
        page(
          [...memory.calls.values()].filter((call) => query.state === null || call.state === query.state),
          query,
        ),
      get: async (id) => memory.calls.get(id) ?? missing(`call ${id}`),
      journal: async (id) => memory.journals.get(id) ?? missing(`journal of ${id}`),
      async hangup(id) {
        const call = memory.calls.get(id) ?? missing(`call ${id}`)
        if (call.state === 'ended') throw new ApelError('invalid_state', 'The call has ended.')
        Object.assign(call, { state: 'ended', disposition: 'cancelled', ended_at: Date.now() })
      },
      async raise(id, situation) {
        const call = memory.calls.get(id) ?? missing(`call ${id}`)
        if (call.state !== 'up') throw new ApelError('invalid_state', 'Nobody talks.')
        if (situation !== 'threats') missing(`situation ${situation}`)
      },
      async finishTask(id) {
        if (!memory.calls.has(id)) missing(`call ${id}`)
      },
    },
    callbacks: {
      list: async (query) =>
        page(
          [...callbacks.values()].filter((one) => query.number === null || one.number === query.number),
          query,
        ),
      async create({ number, campaign, contact, due_at, expires, flow, at, note }) {
        const id = `b${++count}`
        const rest = { flow, at, note, agent: null, contact, attempts: 0, call: null, state: 'open' }
        const expires_at = due_at + (expires ?? 86_400_000)
        callbacks.set(id, {
          id,
          number: numberOf(number),
          campaign: campaign ?? 'callbacks',
          due_at,
          expires_at,
          ...rest,
        })
        return callbacks.get(id) ?? missing(id)
      },
      get: async (id) => callbacks.get(id) ?? missing(`callback ${id}`),
      move: async (id, due_at) => Object.assign(callbacks.get(id) ?? missing(`callback ${id}`), { due_at }),
      async cancel(id) {
        if (!callbacks.delete(id)) missing(`callback ${id}`)
      },
    },
    dnc: {
      list: async (query) => page([...dnc.values()], query),
      async add({ number, campaign, reason }) {
        const created = !dnc.has(numberOf(number))
        const entry = { number, campaign, reason, at: Date.UTC(2026, 0, 5) }
        dnc.set(number, entry)
        return { created, entry }
      },
      async import({ stream }) {
        let row = -1
        for await (const line of createInterface({ input: stream }))
          if (++row > 0) dnc.set(line, { number: line, campaign: null, reason: null, at: Date.now() })
        return { accepted: Math.max(row, 0), updated: 0, duplicate: 0, rejected: 0, rejects: [], import: null }
      },
      async remove(number) {
        if (!dnc.delete(number)) missing(`entry ${number}`)
      },
    },
    numbers: {
      export: async (number) => ({
        number: numberOf(number),
        attempts: [{ ...aRecord(), state: 'ended', steps: [{ at: 1, step: 'hi', event: 'start' }], journal: [{}] }],
        contacts: [],
        callbacks: [],
        dnc: [...dnc.values()],
      }),
      async erase() {
        memory.calls.clear()
      },
    },
    explain: async (number) => ({
      number: numberOf(number),
      now: false,
      next_at: Date.UTC(2026, 0, 6, 8),
      held_by: 'window',
      contacts: [
        {
          campaign: 'renewals',
          key: 'k1',
          state: 'held',
          now: false,
          next_at: Date.UTC(2026, 0, 6, 8),
          held_by: 'window',
        },
      ],
      rules: [{ rule: 'window', verdict: 'hold', reason: 'closed', until: Date.UTC(2026, 0, 6, 8) }],
      attempts: [aRecord()],
    }),
    webhooks: {
      dead: async () => ({ items: memory.dead, next: null }),
      async replay(id) {
        const at = memory.dead.findIndex((letter) => letter.id === id)
        if (at < 0) missing(`dead letter ${id}`)
        memory.dead.splice(at, 1)
      },
    },
    flows: async () => [],
    sound: () => null,
    control: {
      async stop() {
        paused = true
        return { paused }
      },
      async resume() {
        paused = false
        return { paused }
      },
      reload: async () => ({ flows: 0, campaigns: 0, problems: [], config_changed: false }),
    },
    events: {
      subscribe(listener) {
        events.on('event', listener)
        return () => events.off('event', listener)
      },
    },
    idempotency: {
      async claim(key, fingerprint) {
        const kept = answers.get(key)
        if (kept && (kept.answer !== null || kept.fingerprint !== fingerprint || !kept.again)) return { kept }
        const id = kept?.id ?? `id${answers.size}`
        answers.set(key, { fingerprint, answer: null, id })
        return { id }
      },
      async keep(key, kept) {
        answers.set(key, kept)
      },
      async release(key, fingerprint, id) {
        answers.set(key, { fingerprint, answer: null, id, again: true })
      },
    },
  }
  const memory: Memory = {
    ports,
    calls: new Map(),
    journals: new Map(),
    results: [],
    dead: [],
    trouble: 'none',
    ready: true,
    dialed: 0,
    imported: 0,
    emit: (event) => events.emit('event', event),
    listeners: () => events.listenerCount('event'),
  }
  for (const room of [ports.campaigns, ports.calls, ports.dnc, ports.callbacks])
    for (const [name, run] of Object.entries(room) as [string, (...given: unknown[]) => unknown][])
      if (name !== 'results') Object.assign(room, { [name]: troubled(memory, run) })
  return memory
}

function troubled(memory: Memory, run: (...given: unknown[]) => unknown) {
  return async (...given: unknown[]): Promise<unknown> => {
    if (memory.trouble === 'down') throw new ApelError('unavailable', 'Redis does not answer.', {}, true)
    if (memory.trouble === 'silent') return new Promise(() => {})
    return run(...given)
  }
}

function aContact(number: string): ContactView {
  const rest = { attempts: 0, next_at: null, held_by: null, priority: 0, last_disposition: null }
  return { key: number, number, state: 'pending', data: { name: 'Ana' }, ...rest }
}
