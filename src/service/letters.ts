/** A letter to a webhook as it leaves: its body, its signature, and when it is tried again. */
import { createHash, createHmac } from 'node:crypto'
import { outward } from '../api/outward.ts'
import { trunkView } from '../dialer/breaker.ts'
import type { Trunk } from '../dialer/plan.ts'
import type { Letter, News } from '../store/outbox.ts'
import { viewOf } from './ports/campaigns.ts'

/** ms from one try to the next: doubled each time. */
const FIRST_PAUSE = 10_000
const LONGEST_PAUSE = 6 * 3_600_000
const DAY = 24 * 3_600_000
/** A receiver that has been gone for long has more letters than can be tried for a day each: after two they are given up. */
const OLDEST = 2 * DAY

/** The name of a receiver in the ledger: the address may hold a secret, so it is not the address. */
export const hookId = (url: string): string => createHash('sha256').update(url).digest('hex').slice(0, 16)

/** The address as people may see it: neither user nor query. */
export function shownUrl(url: string): string {
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname}`
}

/** ms until the next try of a letter that was tried so often; null: it is given up. */
export function pauseAfter(
  { tries, first, since }: Pick<Letter, 'tries' | 'first' | 'since'>,
  now: number,
): number | null {
  const pause = Math.min(FIRST_PAUSE * 2 ** Math.min(tries - 1, 30), LONGEST_PAUSE)
  return now + pause > first + DAY || isOld({ since }, now) ? null : pause
}

/** Has it waited for so long that it is given up without a try? */
export const isOld = ({ since }: Pick<Letter, 'since'>, now: number): boolean => now > since + OLDEST

/** The body of a letter, the same for each try. */
export function bodyOf({ event, at }: Letter, data: Record<string, unknown>): string {
  return JSON.stringify({ event, at: new Date(at).toISOString(), data })
}

/** What is told, as the event stream tells it. */
export function dataOf(news: News, trunks: readonly Pick<Trunk, 'name' | 'node'>[]): Record<string, unknown> {
  switch (news.event) {
    case 'call.started':
    case 'call.ended':
      return outward(news.data)
    case 'callback.scheduled':
      return outward(viewOf(news.data))
    case 'campaign.state':
      return outward(news.data)
    case 'trunk.state':
      return outward(trunkView(news.data, trunks))
    default: {
      const never: never = news
      return never
    }
  }
}

/** The headers that let a receiver know the letter again, and know that it is ours. `now` in ms. */
export function signed({ id }: Letter, body: string, secret: string, now: number): Record<string, string> {
  const timestamp = String(Math.floor(now / 1000))
  const signature = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')
  return {
    'Content-Type': 'application/json; charset=utf-8',
    'User-Agent': 'apel',
    'X-Apel-Delivery': id,
    'X-Apel-Timestamp': timestamp,
    'X-Apel-Signature': `v1=${signature}`,
  }
}
