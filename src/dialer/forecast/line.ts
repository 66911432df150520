/**
 * What a forecast assumes of the people called: how often each thing happens, and how long it takes. Learned from the
 * campaign's own attempts once there are enough of them; whoever asks may say otherwise.
 */
import type { Disposition } from '../../call/record.ts'
import { ApelError } from '../../errors.ts'

/** What becomes of one attempt. `talk` null: nobody answered. ms. */
export interface Outcome {
  disposition: Disposition
  ring: number
  talk: number | null
}

/** The far side of a forecast: `row` of the contact (null: a callback of none), which attempt of it, and when. */
export type ForecastLine = (row: number | null, attempt: number, at: number) => Outcome

/** What one who asks may assume: shares between 0 and 1, `talk` in ms. Null: as learned, else the defaults. */
export interface Asked {
  answer: number | null
  busy: number | null
  no_answer: number | null
  talk: number | null
  seed: number
}

export interface Assumptions {
  /** The share of each disposition; they add up to 1. */
  rates: Partial<Record<Disposition, number>>
  /** Mean, ms. */
  talk: number
  /** Mean, ms, until somebody answers. */
  ring: number
  /** How many attempts of the campaign the rates were learned from; 0: none, these are the defaults. */
  learned_from: number
}

/** What a campaign has seen so far. */
export interface Experience {
  dispositions: Record<string, number>
  /** Means, ms; null when nobody has answered. */
  talk: number | null
  ring: number | null
}

export const ANSWERED: readonly Disposition[] = [
  ...(['completed', 'hangup', 'silent', 'nomatch', 'callback', 'opted_out', 'abandoned', 'machine'] as const),
]
/** What says something of people; faults of the trunk and of ours do not. */
const OF_PEOPLE: readonly Disposition[] = [
  ...ANSWERED,
  ...(['busy', 'no_answer', 'rejected', 'unreachable', 'invalid_number'] as const),
]
const DEFAULTS: Partial<Record<Disposition, number>> = {
  completed: 0.35,
  busy: 0.08,
  no_answer: 0.45,
  rejected: 0.05,
  unreachable: 0.05,
  invalid_number: 0.02,
}
const TALK = 60_000
const RING = 10_000
/** ms until the network says that nobody will ring. */
const REFUSED = 3_000
/** Attempts from which the campaign's own shares say more than the defaults. */
const ENOUGH = 100

/** Throws `bad_request` when the shares asked for are more than all. */
export function assume(asked: Asked, { dispositions, talk, ring }: Experience): Assumptions {
  const seen = OF_PEOPLE.reduce((sum, name) => sum + (dispositions[name] ?? 0), 0)
  const learned = seen >= ENOUGH
  const base = Object.fromEntries(
    OF_PEOPLE.map((name) => [name, learned ? (dispositions[name] ?? 0) / seen : (DEFAULTS[name] ?? 0)]),
  ) as Record<Disposition, number>
  const groups: [readonly Disposition[], number | null][] = [
    [ANSWERED, asked.answer],
    [['busy'], asked.busy],
    [['no_answer'], asked.no_answer],
    [['rejected', 'unreachable', 'invalid_number'], null],
  ]
  const fixed = groups.reduce((sum, [, share]) => sum + (share ?? 0), 0)
  if (fixed > 1 + 1e-9)
    throw new ApelError('bad_request', 'The shares of answer, busy and no_answer are together more than 1.', {
      problems: [{ path: 'answer', message: 'is too much beside the others' }],
    })
  const sumOf = (names: readonly Disposition[]): number => names.reduce((sum, name) => sum + base[name], 0)
  const free = groups.reduce((sum, [names, share]) => sum + (share === null ? sumOf(names) : 0), 0)
  const rates: Partial<Record<Disposition, number>> = {}
  for (const [names, share] of groups) {
    const own = sumOf(names)
    // What was never seen is taken as the first of its group: somebody who answers completes the call.
    const scale = share === null ? (free === 0 ? 0 : (1 - fixed) / free) : own === 0 ? 0 : share / own
    for (const name of names) rates[name] = base[name] * scale
    if (share !== null && own === 0) rates[names[0] ?? 'no_answer'] = share
  }
  const rest = 1 - Object.values(rates).reduce((sum, share) => sum + share, 0)
  if (rest > 1e-9) rates.unreachable = (rates.unreachable ?? 0) + rest
  return {
    rates: Object.fromEntries(Object.entries(rates).filter(([, share]) => share > 0)),
    talk: asked.talk ?? talk ?? TALK,
    ring: ring ?? RING,
    learned_from: learned ? seen : 0,
  }
}

/** Draws what happens; the same seed draws the same. `longest` is the campaign's ring time, ms. */
export function drawnLine({ rates, talk, ring }: Assumptions, longest: number, seed: number): ForecastLine {
  const random = randomFrom(seed)
  const shares = Object.entries(rates) as [Disposition, number][]
  return () => {
    const disposition = drawn(shares, random())
    if (ANSWERED.includes(disposition)) {
      const longTalk = Math.min(-Math.log(1 - random()) * talk, 20 * talk)
      return { disposition, ring: Math.min(ring, longest), talk: longTalk }
    }
    return { disposition, ring: disposition === 'no_answer' ? longest : Math.min(REFUSED, longest), talk: null }
  }
}

function drawn(shares: [Disposition, number][], chance: number): Disposition {
  let left = chance
  for (const [disposition, share] of shares) {
    left -= share
    if (left < 0) return disposition
  }
  return shares.at(-1)?.[0] ?? 'no_answer'
}

/** mulberry32: small, and the same everywhere. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
