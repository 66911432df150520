/**
 * All that can be said in a call is made before it is dialled or answered: nobody listens to silence while a speech engine
 * works. What was made once is found at once, so preparing a second call of a campaign costs close to nothing.
 */
import { ApelError } from '../errors.ts'
import type { CallContext } from '../flow/io.ts'
import type { Program } from '../flow/program.ts'
import { texts } from '../flow/texts.ts'
import type { Log } from '../log.ts'
import type { Voice } from './ports.ts'

/**
 * Makes every text of the flow that the contact's data allow. One that fails is logged and left to the call, where the
 * flow's `on_error` answers for it; rejects with `speech_failed` when not one of them could be made.
 */
export async function prepare(program: Program, context: CallContext, voice: Voice, log: Log): Promise<void> {
  const all = texts(program, context)
  const made = await Promise.allSettled(all.map((text) => voice.files([text])))
  const failed = made.filter((one) => one.status === 'rejected')
  const first = failed[0]?.reason as unknown
  if (first === undefined) return
  log.warn(
    { call: context.id, flow: program.flow, failed: failed.length, of: all.length, err: first },
    'texts could not be made',
  )
  if (failed.length === all.length) {
    const reason = first instanceof Error ? first.message : String(first)
    throw new ApelError('speech_failed', `No text of the flow ${program.flow} could be spoken: ${reason}`, {}, true)
  }
}
