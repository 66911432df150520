/**
 * A carrier with its subscribers, as Asterisk's peer: one UDP port where every number answers in its own way. Behind it
 * SIPp is the phones (one process for all that are called, one for each that calls, since SIPp is either server or
 * client). The exchange passes every packet on unchanged, by its Call-ID: from Asterisk to SIPp and back. It adds only
 * the orders of `scenarios.ts`, which never leave this machine's phone side, and sees what passes.
 *
 * Why not SIPp alone: a scenario is fixed at the start, while a test names its numbers and what they do as it goes; all
 * its calls share one RTP port when they play a capture, which takes raw sockets and so root; and SIPp cannot hear, so a
 * phone could not press its key when the second question has been asked. Sound and keys are therefore made here
 * (`mouth.ts`, `ear.ts`), and SIPp's log remains the independent witness of all dialogs.
 *
 *   const exchange = await startExchange({ folder })          // then: peers: { carrier: exchange.uri }
 *   exchange.phone('+40711111111', presses('1', 600))
 *   exchange.asterisk = system.sipPort
 *   const caller = await exchange.call('+40311234567', '+40722222222', calls())
 *   await exchange.dialogs()
 *   await exchange.stop()
 */

import { randomUUID } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { refuses } from './behaviours.ts'
import { type Behaviour, Gone, PhoneCall } from './phone.ts'
import { openRelay, type Relay } from './relay.ts'
import { calleeScenario, callerScenario } from './scenarios.ts'
import { header, type SipMessage, userOf } from './sip.ts'
import { type Dialog, readSipLog } from './sip-log.ts'
import { type Sipp, sippOpen, startSipp } from './sipp.ts'

/** A number and what becomes of it. */
export interface Phone {
  number: string
  /** Calls so far, the newest last. */
  calls: PhoneCall[]
  /** Waits for the n-th call (from 1) to arrive. */
  call(n?: number, timeout?: number): Promise<PhoneCall>
}

interface Subscriber extends Phone {
  behaviours: Behaviour[]
}

/** `folder` gets SIPp's files; `port` is the peer's, a free one when left out; `asterisk` is needed for `call` alone. */
export async function startExchange(options: { folder: string; port?: number; asterisk?: number }): Promise<Exchange> {
  mkdirSync(options.folder, { recursive: true })
  const exchange = new Exchange(options.folder, await openRelay(options.port))
  exchange.asterisk = options.asterisk ?? 0
  await exchange.open()
  return exchange
}

export class Exchange {
  /** The peer's port, and its address for `peers:`. */
  readonly port: number
  readonly uri: string
  /** Asterisk's SIP port on 127.0.0.1, for calls that begin here. */
  asterisk = 0
  /** Every call in the order of its INVITE. */
  readonly calls: PhoneCall[] = []
  readonly #folder: string
  readonly #relay: Relay
  readonly #phones = new Map<string, Subscriber>()
  readonly #running = new Set<Sipp>()
  readonly #logs: string[] = []
  #otherwise: Behaviour = refuses(404)

  constructor(folder: string, relay: Relay) {
    this.#folder = folder
    this.#relay = relay
    this.port = relay.port
    this.uri = `sip:127.0.0.1:${this.port}`
    relay.arrives = (message) => this.#arrives(message)
  }

  async open(): Promise<void> {
    const scenario = join(this.#folder, 'callee.xml')
    writeFileSync(scenario, calleeScenario())
    writeFileSync(join(this.#folder, 'caller.xml'), callerScenario())
    const log = this.#log('callees')
    const callees = await startSipp(scenario, log, ['-key', 'outer', `127.0.0.1:${this.port}`])
    this.#running.add(callees)
    await sippOpen(callees, log)
    this.#relay.callees = callees.port
  }

  /** Puts a phone on a number (as Asterisk writes it in the INVITE). Its n-th call takes the n-th behaviour, later ones the last. */
  phone(number: string, ...behaviours: Behaviour[]): Phone {
    const calls: PhoneCall[] = []
    const call = async (n = 1, timeout = 30_000) => {
      for (const end = Date.now() + timeout; calls.length < n; await sleep(10)) {
        if (Date.now() > end)
          throw new Error(`${number} was called ${calls.length} times within ${timeout} ms, not ${n}`)
      }
      return calls[n - 1]!
    }
    const phone = { number, calls, call, behaviours }
    this.#phones.set(number, phone)
    return phone
  }

  /** What every number does that has no phone; 404 unless it is said otherwise. */
  otherwise(behaviour: Behaviour): void {
    this.#otherwise = behaviour
  }

  /** A phone of ours calls `to`. Resolves when its INVITE is on the way; the behaviour goes on by itself. */
  async call(to: string, from: string, behaviour: Behaviour): Promise<PhoneCall> {
    if (!this.asterisk) throw new Error("set exchange.asterisk to Asterisk's SIP port first")
    const call = this.#begin(`${randomUUID()}@phone`, to, from)
    const { underWay } = this.#relay.expect(call, this.asterisk)
    // The sound's port stands in the INVITE, so it is open before there is a call.
    const rtp = await call.openMedia()
    const target = `127.0.0.1:${this.asterisk}`
    const keys = { outer: `127.0.0.1:${this.port}`, target, called: to, caller: from, rtp: String(rtp) }
    const log = this.#log(`caller-${this.#logs.length}`)
    const sipp = await startSipp(join(this.#folder, 'caller.xml'), log, [
      ...Object.entries(keys).flatMap(([name, value]) => ['-key', name, value]),
      ...['-cid_str', call.callId, '-m', '1', `127.0.0.1:${this.#relay.innerPort}`],
    ])
    this.#running.add(sipp)
    // A caller's process ends with its call; whatever ended it, nobody waits for this call any more.
    void sipp.ended.then(() => {
      this.#running.delete(sipp)
      call.drop()
    })
    this.#behave(call, behaviour)
    await Promise.race([call.ended, call.until('INVITE of our own', underWay).catch(() => {})])
    return call
  }

  /**
   * The dialogs on the wire so far, as SIPp's own logs have them. SIPp writes a message a moment after we saw it pass:
   * this waits until the end of every call that has ended stands in its log.
   */
  async dialogs(): Promise<Dialog[]> {
    for (const end = Date.now() + 3000; ; await sleep(20)) {
      const dialogs = readSipLog(...this.#logs)
      const known = new Map(dialogs.map((dialog) => [dialog.callId, dialog]))
      const whole = ({ callId, endedAt }: PhoneCall) => {
        const dialog = known.get(callId)
        return endedAt === null || (dialog && dialog.code !== null && (dialog.code >= 300 || dialog.byeAt !== null))
      }
      if (this.calls.every(whole) || Date.now() > end) return dialogs
    }
  }

  /** Ends all behaviours and processes. Throws when a behaviour had a fault of its own. */
  async stop(): Promise<void> {
    for (const call of this.calls) call.drop()
    await Promise.all(this.calls.map((call) => call.behaved))
    await Promise.all([...this.#running].map((sipp) => sipp.stop()))
    this.#relay.close()
    const faults = this.calls.flatMap((call) => (call.fault === null ? [] : [call.fault]))
    if (faults.length > 0) throw new AggregateError(faults, `phones failed: ${faults.map(String).join('; ')}`)
  }

  #log(name: string): string {
    const file = join(this.#folder, `${name}.log`)
    this.#logs.push(file)
    return file
  }

  #arrives(message: SipMessage): PhoneCall {
    const call = this.#begin(message.callId, message.user, userOf(header(message.text, 'From')))
    const phone = this.#phones.get(message.user)
    phone?.calls.push(call)
    const behaviour = phone?.behaviours[Math.min(phone.calls.length, phone.behaviours.length) - 1] ?? this.#otherwise
    // SIPp must hear of the INVITE before the behaviour's first order.
    setImmediate(() => this.#behave(call, behaviour))
    return call
  }

  #begin(callId: string, to: string, from: string): PhoneCall {
    const order = (method: string, extra?: string) => this.#relay.order(callId, method, extra)
    const call = new PhoneCall({ callId, to, from, invitedAt: Date.now() }, order)
    this.calls.push(call)
    return call
  }

  #behave(call: PhoneCall, behaviour: Behaviour): void {
    call.behaved = behaviour(call).catch((fault: unknown) => {
      if (!(fault instanceof Gone)) call.fault = fault
    })
  }
}
