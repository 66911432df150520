/**
 * All that can be said in a call is made before it is dialled or answered: nobody listens to silence while a speech engine
 * works. What was made once is found at once, so preparing a second call of a campaign costs close to nothing.
 */
import { ApelError } from '../errors.ts'
import type { CallContext, Spoken } from '../flow/io.ts'
import type { Program } from '../flow/program.ts'
import { sayable } from '../flow/texts.ts'
import type { Log } from '../log.ts'
import type { Voice } from './ports.ts'

/** ms for which what was made is taken to be there still; the same sentences are wanted with every call of a campaign. */
const TRUSTED = 5_000

/** When a list was last found whole, by the voice that speaks it. */
const whole = new WeakMap<Voice, WeakMap<readonly Spoken[], number>>()

/**
 * Makes every text of the flow that the contact's data allow. One that fails is logged and left to the call, where the
 * flow's `on_error` answers for it; rejects with `speech_failed` when not one of them could be made.
 */
export async function prepare(program: Program, context: CallContext, voice: Voice, log: Log): Promise<void> {
  const { fixed, own } = sayable(program, context)
  const lists = whole.get(voice) ?? new WeakMap<readonly Spoken[], number>()
  whole.set(voice, lists)
  const now = Date.now()
  const open = fixed.filter((list) => now - (lists.get(list) ?? 0) > TRUSTED)
  if (open.length === 0 && own.length === 0) return
  const all = [...own, ...open.flat()]
  const made = await Promise.allSettled(all.map((text) => voice.files([text])))
  const failed = made.filter((one) => one.status === 'rejected')
  const first = failed[0]?.reason as unknown
  if (first === undefined) {
    for (const list of open) lists.set(list, now)
    return
  }
  log.warn(
    { call: context.id, flow: program.flow, failed: failed.length, of: all.length, err: first },
    'texts could not be made',
  )
  if (failed.length === all.length && open.length === fixed.length) {
    const reason = first instanceof Error ? first.message : String(first)
    throw new ApelError('speech_failed', `No text of the flow ${program.flow} could be spoken: ${reason}`, {}, true)
  }
}
