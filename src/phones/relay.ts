/**
 * Passes SIP packets between Asterisk and SIPp unchanged, each by its Call-ID, and shows them to their call as they pass.
 * Towards SIPp it adds orders (`scenarios.ts`), which look like requests of the call and reach nobody else. What Asterisk
 * sends a second time (on a busy machine half a second passes before an answer) is kept from SIPp, which tells it from
 * a new message only when it equals the very last one: an order in between, and it would break the call off.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { PhoneCall } from './phone.ts'
import { freePort } from './ports.ts'
import { readSip, type SipMessage, transactionLines } from './sip.ts'

/** One call's way. `sipp` is 0 until its process has sent something; `model` has the lines that orders are made from. */
interface Leg {
  asterisk: { address: string; port: number }
  sipp: number
  call: PhoneCall
  model: string
  /** Packets that Asterisk has sent. */
  seen: Set<string>
}

export class Relay {
  /** Asterisk's side, and SIPp's. */
  readonly port: number
  readonly innerPort: number
  /** Where calls of Asterisk go: the port of the SIPp that answers. */
  callees = 0
  /** Makes the call of an INVITE that came from Asterisk. */
  arrives: (message: SipMessage) => PhoneCall | null = () => null
  readonly #outer: Socket
  readonly #inner: Socket
  readonly #legs = new Map<string, Leg>()

  constructor(outer: Socket, inner: Socket) {
    this.#outer = outer
    this.#inner = inner
    this.port = (outer.address() as AddressInfo).port
    this.innerPort = (inner.address() as AddressInfo).port
    outer.on('message', (bytes, from) => this.#fromAsterisk(bytes, from))
    inner.on('message', (bytes, from) => this.#fromSipp(bytes, from))
  }

  /** Makes way for a call that a SIPp of ours is about to begin; `under way` once its INVITE has passed. */
  expect(call: PhoneCall, asterisk: number): { underWay: () => boolean } {
    const leg = {
      asterisk: { address: '127.0.0.1', port: asterisk },
      sipp: 0,
      call,
      model: '',
      seen: new Set<string>(),
    }
    this.#legs.set(call.callId, leg)
    return { underWay: () => leg.sipp > 0 }
  }

  order(callId: string, method: string, extra?: string): void {
    const leg = this.#legs.get(callId)
    if (!leg) return
    const lines = [`${method} sip:phone@127.0.0.1 SIP/2.0`, ...transactionLines(leg.model), ...(extra ? [extra] : [])]
    this.#inner.send(`${lines.join('\r\n')}\r\nContent-Length: 0\r\n\r\n`, leg.sipp, '127.0.0.1')
  }

  close(): void {
    this.#outer.close()
    this.#inner.close()
  }

  #fromAsterisk(bytes: Buffer, from: RemoteInfo): void {
    const message = readSip(bytes.toString())
    if (!message) return
    // Qualify and the like are the carrier's own business.
    if (message.method === 'OPTIONS' || message.method === 'REGISTER') this.#ok(message, from)
    let leg = this.#legs.get(message.callId)
    if (!leg && message.method === 'INVITE') {
      const call = this.arrives(message)
      if (!call) return
      const asterisk = { address: from.address, port: from.port }
      leg = { asterisk, sipp: this.callees, call, model: message.text, seen: new Set() }
      this.#legs.set(message.callId, leg)
    }
    if (!leg || leg.seen.has(message.text)) return
    leg.seen.add(message.text)
    leg.call.saw(message, 'far', Date.now())
    // What a caller orders later refers to the answered call.
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

  #ok(message: SipMessage, from: RemoteInfo): void {
    const lines = ['SIP/2.0 200 OK', ...transactionLines(message.text), 'Content-Length: 0']
    this.#outer.send(`${lines.join('\r\n')}\r\n\r\n`, from.port, from.address)
  }
}

/** `port` is Asterisk's side; a free one when it is not named. */
export async function openRelay(port?: number): Promise<Relay> {
  return new Relay(await openSocket(port), await openSocket())
}

async function openSocket(port?: number): Promise<Socket> {
  const socket = createSocket('udp4')
  socket.bind(port ?? (await freePort('udp')), '127.0.0.1')
  await once(socket, 'listening')
  return socket
}
