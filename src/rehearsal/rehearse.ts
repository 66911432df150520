/**
 * Conversation tests on a real line: a service with a real Asterisk calls real phones, or is called by them, and each phone does
 * what its script says. Every conversation is also held on the simulator, at the same hour and with the same lengths of sound,
 * and the two are compared. All of them run side by side, each on a number of its own.
 */
import type { Say } from '../embedded/tools.ts'
import { refuses } from '../phones/behaviours.ts'
import type { Rehearsal } from '../service.ts'
import { type Api, hold } from './hold.ts'
import { openHouse } from './house.ts'
import { Line } from './line.ts'
import { type Job, type LiveRun, type Plan, plan } from './plan.ts'
import { type AnsweringWeb, openWeb } from './web.ts'

export interface RehearsalOptions {
  /** The folder with `flows/` in it. */
  root: string
  /** Hosts that the flows name. */
  hosts: string[]
  /** A test that takes longer than this, ms, is skipped. */
  longest: number
  /** Calls at once. */
  atOnce: number
  say: Say
  /** A level of the service's own log. */
  log: string
  /** Is told of each run as it ends. */
  ended?(run: LiveRun): void
  /** Is given the journal of every call, as `GET /v1/calls/{id}/journal` has it. */
  journal?(journal: { id: string }): void
  /** No new call once it is aborted; those that are on are ended. */
  signal?: AbortSignal
}

/** Runs all of them; the runs come in the order of the jobs. */
export async function rehearse(jobs: Job[], options: RehearsalOptions): Promise<LiveRun[]> {
  const plans = jobs.map((job, index) => plan(job, index, options.longest))
  if (!plans.some((one) => 'job' in one)) return plans as LiveRun[]
  const web = await openWeb()
  try {
    return await onLines(plans, web, options)
  } finally {
    web.close()
  }
}

async function onLines(plans: (Plan | LiveRun)[], web: AnsweringWeb, options: RehearsalOptions): Promise<LiveRun[]> {
  const live = plans.filter((one) => 'job' in one)
  let api: Api = async () => null
  const lines = new Map(
    live.map((one) => [
      one.number,
      new Line({ ...one, ...one.job, hour: one.job.test.now, web, post: (path, body) => api('POST', path, body) }),
    ]),
  )
  const house = await openHouse({
    ...{ root: options.root, hosts: [...options.hosts, web.host], say: options.say, log: options.log },
    inbound: Object.fromEntries(
      live.flatMap(({ called, context, job }) =>
        context.direction === 'inbound' ? [[called, { flow: job.program.flow }]] : [],
      ),
    ),
    extensions: [...new Set(live.flatMap(({ extensions }) => extensions))],
    rehearsal: standIn(new Map(live.map((one) => [one.number, one])), lines, web),
  })
  api = apiOf(house.url)
  options.signal?.addEventListener('abort', () => void house.close().catch(() => {}), { once: true })
  house.exchange.otherwise((call) => (lines.get(call.from)?.operator ?? refuses(404))(call))
  const runs = new Map<number, LiveRun>()
  // The long ones begin first, so that nobody waits for one that was left to the end.
  const length = (one: Plan | LiveRun) => ('job' in one ? one.duration : 0)
  const queue = [...plans.entries()].sort(([, a], [, b]) => length(b) - length(a)).values()
  const worker = async () => {
    for (const [index, one] of queue) {
      options.signal?.throwIfAborted()
      const run = 'job' in one ? await hold(one, lines.get(one.number)!, house, api, options.longest) : one
      runs.set(index, run)
      options.ended?.(run)
    }
  }
  try {
    // A campaign's texts are made before it dials; so many calls at once would all wait for theirs.
    await Promise.all(live.flatMap(({ said }) => said.map((parts) => house.voice.files(parts))))
    await Promise.all(Array.from({ length: options.atOnce }, worker))
    const ordered = plans.flatMap((_, index) => runs.get(index) ?? [])
    if (options.journal) for (const { call } of ordered) if (call !== null) options.journal(await journalOf(call, api))
    return ordered
  } finally {
    await house.close()
  }
}

/** Gives each call that is reserved, or comes in, what its test says of it, and shows it to its line. */
function standIn(plans: Map<string, Plan>, lines: Map<string, Line>, web: AnsweringWeb): Rehearsal {
  const byId = new Map<string, Line>()
  const known = (number: string, id: string): Plan | undefined => {
    const line = lines.get(number)
    if (line === undefined) return undefined
    line.id = id
    byId.set(id, line)
    return plans.get(number)
  }
  return {
    placed(placement) {
      const { record, order, context } = placement
      // An operator's phone knows by the number shown whose call it is.
      if (record.kind === 'leg') {
        const line = byId.get(record.id.replace(/\.\d+$/, ''))
        const shown = [...lines].find(([, other]) => other === line)?.[0]
        return shown === undefined ? placement : { ...placement, order: { ...order, callerId: shown } }
      }
      const plan = known(record.number, record.id)
      if (plan === undefined) return placement
      const given = { ...plan.context, id: context.id }
      return { ...placement, order: { ...order, amd: plan.amd !== null }, context: given }
    },
    came(record, context) {
      const plan = known(record.number, record.id)
      return plan === undefined ? context : { ...plan.context, id: context.id }
    },
    web: web.instead,
    hour: (id) => byId.get(id)?.hour,
    watch: (id, ...turn) => byId.get(id)?.sees(...turn),
  }
}

function apiOf(url: string): Api {
  return async (method, path, body) => {
    const answer = await fetch(url + path, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return JSON.parse(text)
  }
}

async function journalOf(call: string, api: Api): Promise<{ id: string }> {
  return await api('GET', `/v1/calls/${encodeURIComponent(call)}/journal`)
}
