/**
 * One call of one phone, as the person who holds it: ring, answer, listen, press keys, speak, hang up. A behaviour is
 * an async function over it. After the end of the call a person does nothing more, so every wait of a behaviour then
 * throws `Gone`, which the exchange takes as its natural end. All times are milliseconds since the epoch.
 */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Ear, type Phrase } from './ear.ts'
import { Mouth } from './mouth.ts'
import { readRtp } from './rtp.ts'
import { mediaAddress, type SipMessage } from './sip.ts'

export type Behaviour = (call: PhoneCall) => Promise<void>

/** The call is over: the rest of the behaviour has no meaning. */
export class Gone extends Error {
  constructor() {
    super('the call is over')
  }
}

export interface CallFacts {
  callId: string
  /** The number called and the number calling, as the INVITE has them. */
  to: string
  from: string
  invitedAt: number
}

export class PhoneCall {
  readonly callId: string
  readonly to: string
  readonly from: string
  readonly invitedAt: number
  readonly ear = new Ear()
  ringingAt: number | null = null
  answeredAt: number | null = null
  endedAt: number | null = null
  /** Who ended it, by BYE, CANCEL or a refusal; `far` is Asterisk. */
  endedBy: 'far' | 'phone' | null = null
  /** The final code of the INVITE. */
  code: number | null = null
  /** What went wrong in the behaviour itself. */
  fault: unknown = null
  /** Settles when the call is over. Never rejects. */
  readonly ended: Promise<void>
  /** Settles when the behaviour is over as well. Never rejects; see `fault`. */
  behaved: Promise<void> = Promise.resolve()
  readonly #order: (method: string, extra?: string) => void
  readonly #over = new AbortController()
  #acknowledged = false
  #socket: Socket | null = null
  #mouth: Mouth | null = null
  #target: { host: string; port: number } | null = null

  /** `order` hands SIPp a request of `scenarios.ts` within this call. */
  constructor(facts: CallFacts, order: (method: string, extra?: string) => void) {
    this.callId = facts.callId
    this.to = facts.to
    this.from = facts.from
    this.invitedAt = facts.invitedAt
    this.#order = order
    this.ended = new Promise((resolve) => this.#over.signal.addEventListener('abort', () => resolve(), { once: true }))
  }

  /** Rings for `ms`. */
  async ring(ms = 0): Promise<void> {
    this.#say('RING')
    await this.after(ms)
  }

  /** Is heard to ring, as networks do: a 183 and no 180. */
  async progress(ms = 0): Promise<void> {
    this.#say('PROGRESS')
    await this.after(ms)
  }

  /** One of `REFUSALS`: 486 busy, 603 declined, 404 unknown, 480 away, 503 overloaded, … */
  async refuse(code: number): Promise<void> {
    this.#say(`REFUSE${code}`)
    await this.ended
  }

  /** Answers and waits for the ACK. `silence`: sends RTP silence between its sounds, as handsets do; else nothing. */
  async answer({ silence = true } = {}): Promise<void> {
    const port = await this.openMedia()
    this.#say('ANSWER', `X-Media: ${port}`)
    await this.answered({ silence })
  }

  /** For a phone that calls: waits until the far side has answered. */
  async answered({ silence = true } = {}): Promise<void> {
    await this.until('an answered call', () => this.answeredAt !== null && this.#acknowledged, 60_000)
    this.#mouth?.silence(silence)
  }

  /** Waits `ms` from now. */
  async after(ms: number): Promise<void> {
    if (this.#over.signal.aborted) throw new Gone()
    await sleep(ms, undefined, { signal: this.#over.signal }).catch(() => {
      throw new Gone()
    })
  }

  /** Waits until `ms` after the answer. */
  async at(ms: number): Promise<void> {
    await this.after(Math.max(0, (this.answeredAt ?? Date.now()) + ms - Date.now()))
  }

  async until(what: string, condition: () => boolean, timeout = 30_000): Promise<void> {
    const end = Date.now() + timeout
    while (!condition()) {
      if (Date.now() > end) throw new Error(`${this.to}: no ${what} within ${timeout} ms`)
      await this.after(10)
    }
  }

  /** Waits until the n-th phrase (from 1) has begun to sound. */
  async hears(n: number, timeout = 30_000): Promise<Phrase> {
    await this.until(`phrase ${n}`, () => this.ear.phrases.length >= n, timeout)
    return this.ear.phrases[n - 1]!
  }

  /** Waits until the n-th phrase (from 1) has ended; known only after the pause that ends it (`Ear`, 700 ms). */
  async heard(n: number, timeout = 60_000): Promise<Phrase> {
    await this.until(`end of phrase ${n}`, () => this.ear.ended() >= n, timeout)
    return this.ear.phrases[n - 1]!
  }

  /** Presses the keys one after another; resolves when the last one is up. */
  async press(keys: string, timing: { hold?: number; gap?: number } = {}): Promise<void> {
    await this.#speaking().press(keys, timing)
    this.#alive()
  }

  /** Says raw ulaw (see `speech.ts`); resolves when it has been said. */
  async say(ulaw: Buffer): Promise<void> {
    await this.#speaking().say(ulaw)
    this.#alive()
  }

  /** Starts or stops to send silence between sounds. */
  silence(on: boolean): void {
    this.#mouth?.silence(on)
  }

  /** Hangs up; before the answer a caller gives up. */
  async hangUp(): Promise<void> {
    this.#say(this.answeredAt === null ? 'GIVEUP' : 'HANGUP')
    await this.ended
  }

  /** Opens the port of this call's sound. The exchange calls it for a phone that calls, whose INVITE names the port. */
  async openMedia(): Promise<number> {
    this.#alive()
    if (!this.#socket) {
      const socket = createSocket('udp4')
      this.#socket = socket
      socket.on('message', (bytes) => {
        const packet = readRtp(bytes)
        if (packet) this.ear.hear(packet)
      })
      socket.bind(0, '127.0.0.1')
      await once(socket, 'listening')
      this.#mouth = new Mouth((packet) => {
        if (this.#target && !this.#over.signal.aborted) socket.send(packet, this.#target.port, this.#target.host)
      })
      this.#alive()
    }
    return (this.#socket.address() as AddressInfo).port
  }

  /** The exchange shows every message of this call as it passes. */
  saw(message: SipMessage, by: 'far' | 'phone', at: number): void {
    const fromFar = by === 'far'
    if (fromFar) this.#target = mediaAddress(message.text) ?? this.#target
    if (message.method === 'ACK') this.#acknowledged = true
    else if (message.method === 'BYE') this.#end(by, at)
    // A CANCEL that crosses our answer ends nothing; the BYE that follows it does.
    else if (message.method === 'CANCEL' && this.code === null) this.#end(by, at)
    else if (message.about !== 'INVITE' || message.code < 180) return
    else if (message.code < 200) this.ringingAt ??= at
    else this.#final(message.code, by, at)
  }

  /** Ends the call for its behaviour without a word on the wire: the exchange is closing. */
  drop(): void {
    this.#end('phone', Date.now())
  }

  #final(code: number, by: 'far' | 'phone', at: number): void {
    if (this.code !== null) return
    this.code = code
    if (code < 300) this.answeredAt = at
    else this.#end(by, at)
  }

  #end(by: 'far' | 'phone', at: number): void {
    if (this.endedAt !== null) return
    this.endedAt = at
    this.endedBy = by
    this.#over.abort()
    this.#closeMedia()
  }

  #closeMedia(): void {
    this.#mouth?.close()
    this.#socket?.close()
    this.#socket = null
  }

  #say(method: string, extra?: string): void {
    this.#alive()
    this.#order(method, extra)
  }

  #speaking(): Mouth {
    this.#alive()
    if (!this.#mouth || this.answeredAt === null) throw new Error(`${this.to}: a phone speaks only after the answer`)
    return this.#mouth
  }

  #alive(): void {
    if (this.#over.signal.aborted) throw new Gone()
  }
}
