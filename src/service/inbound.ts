/**
 * Calls to us: which flow a number has, and the record that is written before anybody is answered. While the ledger
 * cannot be written the caller hears ringing for some seconds, as with the dialplan when we are away.
 */
import type { Calls } from '../call/calls.ts'
import type { InboundCall, Telephony } from '../call/ports.ts'
import type { CallRecord } from '../call/record.ts'
import type { Config } from '../config.ts'
import type { Dialer } from '../dialer/dialer.ts'
import { normaliseInbound } from '../dialer/numbers.ts'
import { maskNumber } from '../errors.ts'
import type { CallContext } from '../flow/io.ts'
import type { Program } from '../flow/program.ts'
import type { Log } from '../log.ts'

export interface InboundParts {
  config: Config
  dialer: Dialer
  calls: Calls
  flow(name: string): Program | undefined
  log: Log
  /** What its conversation is to start from instead. */
  came?(record: CallRecord, context: CallContext): CallContext
}

const TRIES = 8
const PAUSE = 1_000

/** Takes the inbound calls of a node. */
export function takeInbound(telephony: Telephony, parts: InboundParts): void {
  const { log } = parts
  telephony.onInbound((call) => {
    route(call, telephony, parts).catch((error: unknown) => {
      log.error({ call: call.id, err: error }, 'an inbound call could not be written down; it is ended')
      telephony
        .attach(call.id, () => {})
        .hangup()
        .catch((late: unknown) => log.debug({ call: call.id, err: late }, 'its hang-up was refused'))
    })
  })
}

async function route(call: InboundCall, telephony: Telephony, parts: InboundParts): Promise<void> {
  const { config, dialer, calls, flow, log } = parts
  const called = normaliseInbound(call.called, config.policy)
  const target = config.inbound[called] ?? config.inbound.default ?? null
  const program = target === null ? undefined : flow(target.flow)
  if (target !== null && program === undefined)
    log.error(
      { flow: target.flow, called: maskNumber(called) },
      'a number called has a flow that is not there or has an error',
    )
  const { node } = telephony
  const request = { ...call, node, flow: program?.flow ?? null, campaign: target?.campaign ?? null }
  const written = await persist((again) => dialer.reserveInbound(request, again), call, telephony, log)
  // Told twice by the link: the first telling has it.
  if (written === null) return
  const { record } = written
  const context = parts.came?.(record, written.context) ?? written.context
  if (program === undefined) await calls.notInUse({ record, language: 'en', telephony })
  else await calls.inbound({ record: { ...record, flow_version: program.version }, program, context, telephony })
}

async function persist<T>(
  write: (again: boolean) => Promise<T>,
  call: InboundCall,
  telephony: Telephony,
  log: Log,
): Promise<T> {
  for (let turn = 1; ; turn += 1) {
    try {
      return await write(turn > 1)
    } catch (error) {
      if (turn === TRIES) throw error
      if (turn === 1) {
        log.warn({ call: call.id, err: error }, 'an inbound call waits for the ledger')
        const line = telephony.attach(call.id, () => {})
        await line.ring().catch((refused: unknown) => log.debug({ call: call.id, err: refused }, 'ringing was refused'))
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE))
    }
  }
}
