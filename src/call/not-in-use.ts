/**
 * A number without a flow. The caller hears that it is not in use, and the call ends; there is no conversation. Every wait
 * has its end: the sound's, the caller's hang-up, or a deadline over all of it.
 */
import type { Spoken } from '../flow/io.ts'
import { Keeper } from './keeper.ts'
import type { CallPorts, LineEvent, Telephony } from './ports.ts'
import type { CallRecord, Disposition } from './record.ts'
import { within } from './within.ts'

const sentences: Record<string, string> = {
  en: 'The number that you have called is not in use. Goodbye.',
  ro: 'Numărul pe care l-ați apelat nu este alocat. La revedere.',
}

/** ms for the whole of it, and for the end after our hang-up. */
const longest = 20_000
const endWithin = 10_000

/** Says the sentence and closes the record as `blocked`. Settles when the ledger has it; never rejects. */
export async function sayNotInUse(
  { record, language, telephony }: { record: CallRecord; language: string; telephony: Telephony },
  ports: CallPorts,
): Promise<CallRecord> {
  const { clock, log, ledger, publish } = ports
  const keeper = new Keeper(record.id, ledger, clock, log)
  const play = `${record.id}.not-in-use`
  let end: Extract<LineEvent, { type: 'ended' }> | null = null
  let heard = () => {}
  let gone = () => {}
  const whenHeard = new Promise<void>((resolve) => {
    heard = resolve
  })
  const whenGone = new Promise<void>((resolve) => {
    gone = resolve
  })
  publish({ type: 'call.started', data: record })
  const line = telephony.attach(record.id, (event) => {
    if (event.type === 'played' && event.id === play) heard()
    if (event.type !== 'ended') return
    end = event
    heard()
    gone()
  })
  const say = async () => {
    const tongue = language in sentences ? language : 'en'
    const part: Spoken = { text: sentences[tongue]!, language: tongue, voice: null, rate: null }
    const files = await ports.voice(telephony.node).files([part])
    await line.answer()
    record.answered_at = clock.now()
    await line.play(play, files)
    await whenHeard
  }
  try {
    await within(clock, longest, Promise.race([say(), whenGone]), undefined)
  } catch (error) {
    log.warn({ call: record.id, err: error }, 'a caller could not be told that the number is not in use')
  }
  if (end === null) {
    await line.hangup().catch((error: unknown) => log.debug({ call: record.id, err: error }, 'a hang-up was refused'))
    await within(clock, endWithin, whenGone, undefined)
  }
  line.release()
  const known = end as Extract<LineEvent, { type: 'ended' }> | null
  Object.assign(record, {
    node: telephony.node,
    disposition: 'blocked' satisfies Disposition,
    hangup_by: known?.by === 'callee' ? 'callee' : 'flow',
    cause: known?.cause ?? null,
    sip_code: known?.sip ?? null,
    ended_at: known?.at ?? clock.now(),
  })
  await keeper.finish(record)
  publish({ type: 'call.ended', data: record })
  return record
}
