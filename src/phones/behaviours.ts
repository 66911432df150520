/**
 * What people do with a ringing phone, in one word each. More is written as an async function over `PhoneCall`.
 *
 *   exchange.phone('+40711111111', answers(async (call) => { await call.at(600); await call.press('1') }))
 *   exchange.phone('+40711111112', refuses(486))
 */
import type { Behaviour } from './phone.ts'

export interface AnswerOptions {
  /** How long it rings first, ms. */
  ring?: number
  /** Sends RTP silence between its sounds (as handsets do), or nothing at all. */
  silence?: boolean
}

/** Rings, answers, does what `then` says, and waits for the far side to hang up. */
export function answers(
  then: Behaviour = async () => {},
  { ring = 200, silence = true }: AnswerOptions = {},
): Behaviour {
  return async (call) => {
    await call.ring(ring)
    await call.answer({ silence })
    await then(call)
    await call.ended
  }
}

/** Rings, then refuses: 486 busy, 603 declines, 404 unknown number, 480 away, 503 overloaded. */
export function refuses(code: number, ring = 0): Behaviour {
  return async (call) => {
    if (ring > 0) await call.ring(ring)
    await call.refuse(code)
  }
}

/** Rings until the caller gives up. */
export const neverAnswers: Behaviour = async (call) => {
  await call.ring()
  await call.ended
}

/** No answer to the INVITE of any kind: a dead carrier. */
export const saysNothing: Behaviour = async (call) => await call.ended

/** Presses `keys` at `at` ms after the answer. */
export function presses(keys: string, at = 600, options: AnswerOptions = {}): Behaviour {
  return answers(async (call) => {
    await call.at(at)
    await call.press(keys)
  }, options)
}

/** Presses each key while the phrase of the same number sounds (`during`) or after it has ended. */
export function pressesAfter(
  phrases: Record<number, string>,
  options: AnswerOptions & { during?: number } = {},
): Behaviour {
  return answers(async (call) => {
    for (const [phrase, keys] of Object.entries(phrases)) {
      if (options.during === undefined) await call.heard(Number(phrase))
      else {
        await call.hears(Number(phrase))
        await call.after(options.during)
      }
      await call.press(keys)
    }
  }, options)
}

/** Hangs up `at` ms after the answer. */
export function hangsUp(at = 0, options: AnswerOptions = {}): Behaviour {
  return answers(async (call) => {
    await call.at(at)
    await call.hangUp()
  }, options)
}

/** Does what `then` says, as somebody who hangs up when nothing has been heard for `silence` ms from here on. */
export function impatient(then: Behaviour, silence = 12_000): Behaviour {
  return async (call) => {
    const leaves = async () => {
      await call.until('an answer', () => call.answeredAt !== null, 120_000)
      const begun = Date.now()
      for (;;) {
        const last = call.ear.phrases.at(-1)?.to ?? 0
        if (Date.now() - Math.max(begun, last) > silence) return await call.hangUp()
        await call.after(100)
      }
    }
    // The end of the call ends both.
    await Promise.all([then(call), leaves().catch(() => {})])
  }
}

/** Calls, and once answered does what `then` says, waiting for the far side to hang up at last. */
export function calls(then: Behaviour = async () => {}, { silence = true }: AnswerOptions = {}): Behaviour {
  return async (call) => {
    await call.answered({ silence })
    await then(call)
    await call.ended
  }
}
