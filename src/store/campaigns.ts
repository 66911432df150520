/** Campaigns as they are kept: the definition as its author wrote it, a state, counters that are the sum of the contacts. */
import type { Db } from './db.ts'
import { keys } from './keys.ts'
import { putScript, runScript, transitionScript } from './scripts/campaigns.ts'

export type CampaignState = 'ready' | 'running' | 'paused' | 'stopping' | 'stopped' | 'finished'
export type ContactState = 'pending' | 'waiting' | 'callback' | 'dialing' | 'done' | 'held'

/** When a campaign starts by itself; `zone` is filled in. */
export interface Schedule {
  cron: string
  zone: string
  missed: 'skip' | 'run_once'
}

/** A schedule with how far its runs have been seen to (ms), and what came of the last one. */
export interface Scheduled {
  name: string
  schedule: Schedule
  seen: number
  last: { at: number; came: Came } | null
}

/** `started`, `skipped`, or the state that a run found and left as it was. */
export type Came = 'started' | 'skipped' | 'running' | 'paused'

export interface CampaignView {
  name: string
  state: CampaignState
  definition: Record<string, unknown>
  counts: { contacts: number } & Record<ContactState, number>
  /** Contacts that are pending or held and have had no attempt. */
  untried: number
  dispositions: Record<string, number>
  outcomes: Record<string, number>
  attempts: number
  started_at: number | null
  finished_at: number | null
  scheduled: Scheduled | null
}

/** How many went where in a campaign's conversations. */
export interface StepCounts {
  steps: Record<string, number>
  edges: { from: string; to: string; event: string; count: number }[]
  /** Conversations that ended in a step without another being entered. */
  ended: Record<string, number>
}

export class Campaigns {
  private readonly db: Db
  constructor(db: Db) {
    this.db = db
  }

  /** Keeps a definition; true when the campaign is new. `builtin` is always running and never finishes. */
  async put(
    name: string,
    definition: Record<string, unknown>,
    now: number,
    { schedule = null, builtin = false }: { schedule?: Schedule | null; builtin?: boolean } = {},
  ): Promise<boolean> {
    return await this.db.run<boolean>(putScript, {
      name,
      definition: JSON.stringify(definition),
      schedule: schedule === null ? '' : scheduleText(schedule),
      builtin,
      now,
    })
  }

  /** All campaigns that have a schedule. */
  async scheduled(): Promise<Scheduled[]> {
    const names = await this.names()
    if (names.length === 0) return []
    const found = await this.db.batch<(string | null)[][]>((pipeline) => {
      for (const name of names) pipeline.hmget(keys.campaign(name), ...SCHEDULED)
    })
    return found.flatMap((fields, i) => scheduledOf(names[i] ?? '', fields) ?? [])
  }

  /**
   * Sees to the runs up to `now`, the last of which was due at `due`: starts the campaign, or passes them over. Of
   * several instances one does it; the others are told `other`. `stopping`: not yet. Without `due` nothing is told of it.
   */
  async run(
    { name, schedule, seen }: Scheduled,
    { now, due, start }: { now: number; due: number | null; start: boolean },
  ): Promise<Came | 'stopping' | 'other'> {
    return await this.db.run(runScript, { name, schedule: scheduleText(schedule), seen, now, due, start })
  }

  /** Names in alphabetical order. */
  async names(): Promise<string[]> {
    return (await this.db.call((redis) => redis.smembers(keys.campaigns))).sort()
  }

  async exists(name: string): Promise<boolean> {
    return (await this.db.call((redis) => redis.sismember(keys.campaigns, name))) === 1
  }

  /** `revision` is another one whenever the definition is. */
  async definition(name: string): Promise<{ definition: Record<string, unknown>; revision: string } | null> {
    const [text, revision] = await this.db.call((redis) => redis.hmget(keys.campaign(name), 'definition', 'revision'))
    return text ? { definition: JSON.parse(text), revision: revision ?? '' } : null
  }

  async state(name: string): Promise<CampaignState | null> {
    return (await this.db.call((redis) => redis.hget(keys.campaign(name), 'state'))) as CampaignState | null
  }

  /** Goes to `to` if the state is one of `from`; `ok: false` when it is not, with the state that it is in (null: no such campaign). */
  async transition(
    name: string,
    from: CampaignState[],
    to: CampaignState,
    now: number,
  ): Promise<{ ok: boolean; state: CampaignState | null }> {
    const answer = await this.db.run<{ ok: boolean; state?: CampaignState }>(transitionScript, { name, from, to, now })
    return { ok: answer.ok, state: answer.state ?? null }
  }

  async view(name: string): Promise<CampaignView | null> {
    const [about, counters] = await this.db.batch<[Record<string, string>, Record<string, string>]>((pipeline) =>
      pipeline.hgetall(keys.campaign(name)).hgetall(keys.counts(name)),
    )
    if (about.definition === undefined) return null
    const count = (field: string) => Number(counters[field] ?? 0)
    const tally = (prefix: string) =>
      Object.fromEntries(
        Object.entries(counters)
          .filter(([field]) => field.startsWith(prefix))
          .map(([field, value]) => [field.slice(prefix.length), Number(value)]),
      )
    return {
      name,
      state: about.state as CampaignState,
      definition: JSON.parse(about.definition),
      counts: {
        contacts: count('contacts'),
        pending: count('pending'),
        waiting: count('waiting'),
        callback: count('callback'),
        dialing: count('dialing'),
        done: count('done'),
        held: count('held'),
      },
      untried: count('untried'),
      dispositions: tally('d:'),
      outcomes: tally('o:'),
      attempts: count('attempts'),
      started_at: about.started_at === undefined ? null : Number(about.started_at),
      finished_at: about.finished_at === undefined ? null : Number(about.finished_at),
      scheduled: scheduledOf(
        name,
        SCHEDULED.map((field) => about[field] ?? null),
      ),
    }
  }

  async stepCounts(name: string): Promise<StepCounts> {
    const fields = await this.db.call((redis) => redis.hgetall(keys.flowCounts(name)))
    const counts: StepCounts = { steps: {}, edges: [], ended: {} }
    for (const [field, value] of Object.entries(fields)) {
      const [kind, from, to, event] = JSON.parse(field) as [string, string, string, string]
      if (kind === 's') counts.steps[from] = Number(value)
      else if (kind === 'x') counts.ended[from] = Number(value)
      else counts.edges.push({ from, to, event, count: Number(value) })
    }
    return counts
  }

  /** Is all dialling stopped? */
  async paused(): Promise<boolean> {
    return (await this.db.call((redis) => redis.exists(keys.paused))) === 1
  }

  /** Stops all dialling, or lets it go on, for every instance at once. */
  async setPaused(paused: boolean): Promise<void> {
    await this.db.batch((pipeline) => {
      if (paused) pipeline.set(keys.paused, '1')
      else pipeline.del(keys.paused)
      pipeline.publish(keys.bell, JSON.stringify({ bell: 'control' }))
    })
  }
}

const SCHEDULED = ['schedule', 'seen', 'run_at', 'run'] as const

/** One text for one schedule: a changed one is another text. */
function scheduleText({ cron, zone, missed }: Schedule): string {
  return JSON.stringify({ cron, zone, missed })
}

function scheduledOf(name: string, [text, seen, at, came]: (string | null)[]): Scheduled | null {
  if (!text) return null
  const last = at ? { at: Number(at), came: came as Came } : null
  return { name, schedule: JSON.parse(text) as Schedule, seen: Number(seen), last }
}
