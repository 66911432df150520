/** What operators do with campaigns: put them in place, start and stop them. The states and their ways are one table. */
import type { Clock } from '../call/ports.ts'
import { ApelError } from '../errors.ts'
import { ring } from '../store/bell.ts'
import type { CampaignState, CampaignView as Kept, Schedule } from '../store/campaigns.ts'
import type { Store } from '../store/store.ts'
import { type Campaign, type Known, parseCampaign } from './campaign.ts'
import { nextRun } from './cron.ts'
import { CALLBACKS, type Definitions } from './definitions.ts'

export type Action = 'start' | 'pause' | 'resume' | 'stop' | 'drain'

const WAYS: Record<Action, { from: CampaignState[]; to: CampaignState }> = {
  start: { from: ['ready', 'stopped', 'finished'], to: 'running' },
  pause: { from: ['running'], to: 'paused' },
  resume: { from: ['paused'], to: 'running' },
  stop: { from: ['running', 'paused'], to: 'stopping' },
  drain: { from: ['running', 'paused'], to: 'stopping' },
}

export interface CampaignView extends Omit<Kept, 'scheduled'> {
  /** Times in ms; `last_result`: what came of the last run, see `Came`. Null without a schedule. */
  schedule: { next_at: number | null; last_at: number | null; last_result: string | null } | null
}

export interface CampaignPorts {
  store: Store
  definitions: Definitions
  clock: Clock
  /** Where neither schedule nor campaign names a zone. */
  timezone: string
  /** The flows and trunks that a definition may name, as they are now. */
  known(): Known
}

export class CampaignDesk {
  private readonly ports: CampaignPorts
  constructor(ports: CampaignPorts) {
    this.ports = ports
  }

  /** Checks and keeps a definition (the YAML of a campaign file as plain values). Throws `bad_request` with the faults. */
  async put(name: string, definition: Record<string, unknown>): Promise<{ created: boolean; campaign: CampaignView }> {
    if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/.test(name))
      throw new ApelError('bad_request', 'The name of a campaign has letters, digits, `-`, `_` and `.`, at most 64.')
    const parsed = parseCampaign(name, definition, this.ports.known())
    if ('faults' in parsed) {
      const faults = parsed.faults.map(({ path, message }) => (path === '' ? message : `\`${path}\` ${message}`))
      throw new ApelError('bad_request', `The campaign has faults: ${faults.join('; ')}`, { problems: parsed.faults })
    }
    const { store, clock, timezone } = this.ports
    const schedule = scheduleOf(parsed.campaign, timezone)
    const created = await store.campaigns.put(name, definition, clock.now(), { schedule })
    this.ports.definitions.forget(name)
    return { created, campaign: await this.get(name) }
  }

  async get(name: string): Promise<CampaignView> {
    const view = await this.ports.store.campaigns.view(name)
    if (view === null) throw new ApelError('not_found', `There is no campaign ${name}.`)
    const { scheduled, ...kept } = view
    const last = scheduled?.last
    return {
      ...kept,
      schedule: scheduled && {
        next_at: nextRun(scheduled.schedule.cron, scheduled.schedule.zone, scheduled.seen),
        last_at: last?.at ?? null,
        last_result: last?.came ?? null,
      },
    }
  }

  /** In alphabetical order from the one named `cursor` on; `next` is the name of the first that did not fit. */
  async list(cursor: string | null, limit: number): Promise<{ campaigns: CampaignView[]; next: string | null }> {
    const names = (await this.ports.store.campaigns.names()).filter((name) => cursor === null || name >= cursor)
    const campaigns = await Promise.all(names.slice(0, limit).map((name) => this.get(name)))
    return { campaigns, next: names[limit] ?? null }
  }

  /**
   * `stop` also ends the calls that ring, with `talking` those that talk as well; `drain` lets all end by themselves.
   * Throws `invalid_state` for a way that there is not; asking for the state that is there is no fault.
   */
  async act(name: string, action: Action, { talking = false } = {}): Promise<CampaignView> {
    const { store, clock } = this.ports
    const { from, to } = WAYS[action]
    const { ok, state } = await store.campaigns.transition(name, from, to, clock.now())
    if (state === null) throw new ApelError('not_found', `There is no campaign ${name}.`)
    if (!ok) {
      const reason =
        name === CALLBACKS
          ? 'the built-in campaign is always running'
          : `it is ${state}, and ${action} goes from ${from.join(' or ')}`
      throw new ApelError('invalid_state', `The campaign ${name} cannot ${action}: ${reason}.`, { state, action })
    }
    if (action === 'stop') await ring(store.db, { bell: 'cut', campaign: name, talking })
    return await this.get(name)
  }
}

function scheduleOf({ schedule, timezone }: Campaign, zone: string): Schedule | null {
  return schedule && { cron: schedule.cron, zone: schedule.timezone ?? timezone ?? zone, missed: schedule.missed }
}
