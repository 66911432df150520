/** Campaigns, their contacts and their callbacks, as the API offers them. */
import type { CallbackRequest, CallbacksPort, CallbackView } from '../../api/ports/callbacks.ts'
import type { CampaignsPort } from '../../api/ports/campaigns.ts'
import type { ContactsPort } from '../../api/ports/contacts.ts'
import type { Dialer } from '../../dialer/dialer.ts'
import { ApelError } from '../../errors.ts'
import type { Program } from '../../flow/program.ts'
import type { Callback } from '../../store/callbacks.ts'
import type { Store } from '../../store/store.ts'
import { unknownFlow } from '../shelf.ts'

export interface CampaignParts {
  store: Store
  dialer: Dialer
  /** E.164 or an extension; null for anything else. */
  normalise(number: string): string | null
}

export function campaignsPort({ store, dialer }: CampaignParts): CampaignsPort {
  const { campaigns } = dialer
  return {
    put: (name, definition) => campaigns.put(name, definition),
    get: (name) => campaigns.get(name),
    async list({ cursor, limit }) {
      const { campaigns: items, next } = await campaigns.list(cursor, limit)
      return { items, next }
    },
    start: (name) => campaigns.act(name, 'start'),
    pause: (name) => campaigns.act(name, 'pause'),
    resume: (name) => campaigns.act(name, 'resume'),
    stop: (name, { now }) => campaigns.act(name, 'stop', { talking: now }),
    drain: (name) => campaigns.act(name, 'drain'),
    async counts(name) {
      const { definition } = await campaigns.get(name)
      return { flow: String(definition.flow ?? ''), ...(await store.campaigns.stepCounts(name)) }
    },
    forecast: (name, request) => dialer.forecast(name, request),
    async *results(name, after) {
      await campaigns.get(name)
      yield* store.attempts.results(name, after)
    },
  }
}

export function contactsPort({ dialer }: CampaignParts): ContactsPort {
  const { contacts } = dialer
  return {
    import: (campaign, source) => dialer.import(campaign, source),
    rejects: (campaign, id) => dialer.rejects(campaign, id),
    list: (campaign, query) => contacts.list(campaign, query),
    get: (campaign, key) => contacts.get(campaign, key),
    change: (campaign, key, change) => contacts.change(campaign, key, change),
    remove: (campaign, key) => contacts.remove(campaign, key),
  }
}

/** Pages without anything wanted in them that one request passes over. */
const MOST_PAGES = 50

export interface CallbackParts extends CampaignParts {
  /** The sound version of a flow. */
  flow(name: string): Program | undefined
}

export function callbacksPort({ store, dialer, normalise, flow }: CallbackParts): CallbacksPort {
  const { callbacks } = dialer
  /** What could never be dialled is not agreed on. */
  const mustLeadSomewhere = async ({ campaign, flow: named, at }: CallbackRequest): Promise<void> => {
    if (named !== null && flow(named) === undefined) throw unknownFlow(named)
    if (at === null) return
    // A campaign that is not there is told by who knows campaigns.
    const own = campaign === null ? null : await dialer.campaigns.get(campaign).catch(() => null)
    const program = flow(named ?? String(own?.definition.flow ?? ''))
    if (program !== undefined && program.steps.get(at)?.name !== at)
      throw new ApelError('bad_request', `The flow ${program.flow} has no step ${at}.`, { field: 'at' })
  }
  return {
    async list({ cursor, limit, state, campaign, number }) {
      const wanted = (each: Callback): boolean =>
        (state === null || each.state === state) && (campaign === null || each.campaign === campaign)
      if (number !== null) {
        const all = (await store.callbacks.allOf(normalise(number) ?? number)).filter(wanted)
        const from = Number(cursor ?? 0)
        const next = from + limit < all.length ? String(from + limit) : null
        return { items: all.slice(from, from + limit).map(viewOf), next }
      }
      // A page is as long as what was looked at has in it; an empty one says nothing, so on to the next.
      let at = cursor
      for (let looked = 0; ; looked++) {
        const page = await store.callbacks.list(at, limit)
        const items = page.callbacks.filter(wanted).map(viewOf)
        if (items.length > 0 || page.next === null || looked >= MOST_PAGES) return { items, next: page.next }
        at = page.next
      }
    },
    async create(request) {
      await mustLeadSomewhere(request)
      return viewOf(await callbacks.create(request))
    },
    get: async (id) => viewOf(await callbacks.get(id)),
    move: async (id, due) => viewOf(await callbacks.move(id, due)),
    cancel: (id) => callbacks.cancel(id),
  }
}

export function viewOf({
  id,
  number,
  campaign,
  contact,
  due_at,
  expires_at,
  state,
  note,
  agent,
  flow,
  at,
  tries,
  call,
}: Callback): CallbackView {
  return { id, number, campaign, contact, due_at, expires_at, state, note, agent, flow, at, attempts: tries, call }
}
