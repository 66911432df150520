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
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { refuses } from './behaviours.ts'
import { type Behaviour, Gone, PhoneCall } from './phone.ts'
import { freePort } from './ports.ts'
import { calleeScenario, callerScenario } from './scenarios.ts'
import { header, readSip, type SipMessage, transactionLines, userOf } from './sip.ts'
import { type Dialog, readSipLog } from './sip-log.ts'
import { type Sipp, sippOpen, startSipp } from './sipp.ts'

/** Between Asterisk's address and SIPp's port of one call. `model` has the header lines that orders are made from. */
interface Leg {
  asterisk: { address: string; port: number }
  sipp: number
  call: PhoneCall
  model: string
}

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

export async function startExchange(options: { folder: string; port?: number; asterisk?: number }): Promise<Exchange> {
  mkdirSync(options.folder, { recursive: true })
  const outer = await openSocket(options.port ?? (await freePort('udp')))
  const inner = await openSocket(await freePort('udp'))
  const exchange = new Exchange(options.folder, outer, inner)
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
  readonly #outer: Socket
  readonly #inner: Socket
  readonly #legs = new Map<string, Leg>()
  readonly #phones = new Map<string, Subscriber>()
  readonly #running = new Set<Sipp>()
  readonly #logs: string[] = []
  #otherwise: Behaviour = refuses(404)
  #callees: Sipp | null = null

  constructor(folder: string, outer: Socket, inner: Socket) {
    this.#folder = folder
    this.#outer = outer
    this.#inner = inner
    this.port = addressOf(outer).port
    this.uri = `sip:127.0.0.1:${this.port}`
    outer.on('message', (bytes, from) => this.#fromAsterisk(bytes, from))
    inner.on('message', (bytes, from) => this.#fromSipp(bytes, from))
  }

  async open(): Promise<void> {
    const scenario = join(this.#folder, 'callee.xml')
    writeFileSync(scenario, calleeScenario())
    writeFileSync(join(this.#folder, 'caller.xml'), callerScenario())
    const log = this.#log('callees')
    this.#callees = await startSipp(scenario, log, ['-key', 'outer', `127.0.0.1:${this.port}`])
    this.#running.add(this.#callees)
    await sippOpen(this.#callees, log)
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
    const callId = `${randomUUID()}@phone`
    const call = new PhoneCall({ callId, to, from, invitedAt: Date.now() }, (method, extra) =>
      this.#order(callId, method, extra),
    )
    const asterisk = { address: '127.0.0.1', port: this.asterisk }
    const leg: Leg = { asterisk, sipp: 0, call, model: '' }
    this.#legs.set(callId, leg)
    this.calls.push(call)
    // The sound's port stands in the INVITE, so it is open before there is a call.
    const rtp = await call.openMedia()
    const target = `127.0.0.1:${this.asterisk}`
    const keys = { outer: `127.0.0.1:${this.port}`, target, called: to, caller: from, rtp: String(rtp) }
    const log = this.#log(`caller-${this.#logs.length}`)
    const sipp = await startSipp(join(this.#folder, 'caller.xml'), log, [
      ...Object.entries(keys).flatMap(([name, value]) => ['-key', name, value]),
      ...['-cid_str', callId, '-m', '1', `127.0.0.1:${addressOf(this.#inner).port}`],
    ])
    this.#running.add(sipp)
    // A caller's process ends with its call; whatever ended it, nobody waits for this call any more.
    void sipp.ended.then(() => {
      this.#running.delete(sipp)
      call.drop()
    })
    this.#behave(call, behaviour)
    await Promise.race([call.ended, call.until('INVITE of our own', () => leg.sipp > 0).catch(() => {})])
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
    this.#outer.close()
    this.#inner.close()
    const faults = this.calls.flatMap((call) => (call.fault === null ? [] : [call.fault]))
    if (faults.length > 0) throw new AggregateError(faults, `phones failed: ${faults.map(String).join('; ')}`)
  }

  #log(name: string): string {
    const file = join(this.#folder, `${name}.log`)
    this.#logs.push(file)
    return file
  }

  #fromAsterisk(bytes: Buffer, from: RemoteInfo): void {
    const message = readSip(bytes.toString())
    if (!message) return
    // Qualify and the like are the carrier's own business.
    if (message.method === 'OPTIONS' || message.method === 'REGISTER') this.#ok(message, from)
    let leg = this.#legs.get(message.callId)
    if (!leg && message.method === 'INVITE') leg = this.#arrives(message, from)
    if (!leg) return
    leg.call.saw(message, 'far', Date.now())
    if (message.code === 200 && message.about === 'INVITE') leg.model = message.text
    this.#inner.send(bytes, leg.sipp, '127.0.0.1')
  }

  #fromSipp(bytes: Buffer, from: RemoteInfo): void {
    const message = readSip(bytes.toString())
    const leg = message && this.#legs.get(message.callId)
    if (!leg) return
    if (leg.sipp === 0) Object.assign(leg, { sipp: from.port, model: message.text })
    leg.call.saw(message, 'phone', Date.now())
    this.#outer.send(bytes, leg.asterisk.port, leg.asterisk.address)
  }

  /** A new call for one of our phones. SIPp hears of the INVITE before the behaviour's first order: both go one way. */
  #arrives(message: SipMessage, from: RemoteInfo): Leg {
    const { callId, user: to, text } = message
    const caller = userOf(header(text, 'From'))
    const call = new PhoneCall({ callId, to, from: caller, invitedAt: Date.now() }, (method, extra) =>
      this.#order(callId, method, extra),
    )
    const leg = {
      asterisk: { address: from.address, port: from.port },
      sipp: this.#callees?.port ?? 0,
      call,
      model: text,
    }
    this.#legs.set(callId, leg)
    this.calls.push(call)
    const phone = this.#phones.get(to)
    phone?.calls.push(call)
    const behaviour = phone?.behaviours[Math.min(phone.calls.length, phone.behaviours.length) - 1] ?? this.#otherwise
    setImmediate(() => this.#behave(call, behaviour))
    return leg
  }

  #behave(call: PhoneCall, behaviour: Behaviour): void {
    call.behaved = behaviour(call).catch((fault: unknown) => {
      if (!(fault instanceof Gone)) call.fault = fault
    })
  }

  #order(callId: string, method: string, extra?: string): void {
    const leg = this.#legs.get(callId)
    if (!leg) return
    const lines = [`${method} sip:phone@127.0.0.1 SIP/2.0`, ...transactionLines(leg.model), ...(extra ? [extra] : [])]
    this.#inner.send(`${lines.join('\r\n')}\r\nContent-Length: 0\r\n\r\n`, leg.sipp, '127.0.0.1')
  }

  #ok(message: SipMessage, from: RemoteInfo): void {
    const lines = ['SIP/2.0 200 OK', ...transactionLines(message.text), 'Content-Length: 0']
    this.#outer.send(`${lines.join('\r\n')}\r\n\r\n`, from.port, from.address)
  }
}

async function openSocket(port: number): Promise<Socket> {
  const socket = createSocket('udp4')
  socket.bind(port, '127.0.0.1')
  await once(socket, 'listening')
  return socket
}

function addressOf(socket: Socket): AddressInfo {
  return socket.address() as AddressInfo
}
