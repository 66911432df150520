/**
 * One conversation on the line, as a script sees and drives it: what the flow does is seen in the service as it happens, and what
 * the other side does is done by a phone. Answers of machines and other people reach the call on the ways that they come by in
 * service: over the API, from a web server, from an operator's phone.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Answer, Fulfil } from '../flow/answers.ts'
import type { CallContext, Effect, FlowEvent } from '../flow/io.ts'
import type { Program } from '../flow/program.ts'
import type { Scene } from '../flow/script.ts'
import { RING, TALK } from '../flow/stage.ts'
import { begin, type State } from '../flow/step.ts'
import { View, type Watch } from '../flow/view.ts'
import type { Behaviour, PhoneCall } from '../phones/phone.ts'
import { speech } from '../phones/speech.ts'
import type { AnsweringWeb } from './web.ts'

export interface LineOptions {
  program: Program
  context: CallContext
  /** When it begins in its own eyes, ms since the epoch. */
  hour: number
  web: AnsweringWeb
  /** One request to the service's API. */
  post(path: string, body?: unknown): Promise<unknown>
  watch?: Watch
}

/** ms after the last key was up by which the flow has seen it, or never will. */
const KEY_LOST = 1_500
const CHATTER =
  'Yes hello this is me speaking and I am telling you something that takes quite some time to say because I like to talk and talk and I go on and on without any pause at all so that you have to listen to me'

export class Line extends View implements Scene {
  /** The call's id, once there is one. */
  id = ''
  /** Faults of the rehearsal itself. */
  readonly faults: string[] = []
  phone: PhoneCall | null = null
  /** What operators have said to them. */
  readonly operators: Buffer[] = []
  /** Keys that the flow sent to the far side. */
  pressedByUs = ''
  readonly #options: LineOptions
  #started = false
  #ahead = 0
  #keys = 0
  #pressed = 0
  /** The dial that is on, and what becomes of each. */
  #dial = ''
  readonly #agents = new Map<string, 'answers' | 'busy' | 'no_answer'>()

  constructor(options: LineOptions) {
    super(options.program, begin(options.program, options.context), Date.now(), {
      http: (need, answer) => this.#web(need.id, answer),
      task: (task) => this.#task(task),
      agent: (need, what) => void this.#agents.set(need.id, what),
    })
    this.#options = options
  }

  /** By the conversation's own hour. */
  get now(): number {
    return Date.now() + this.#ahead
  }

  /** A time of the clock by the conversation's hour, and the other way round. */
  own(at: number): number {
    return at + this.#ahead
  }

  true(at: number): number {
    return at - this.#ahead
  }

  get hour(): number {
    return this.#options.hour
  }

  /** The flow has begun. */
  get started(): boolean {
    return this.#started
  }

  /** What the service tells of this call. */
  readonly sees: Watch = (event, effects, state, before) => {
    if (event.type === 'start') {
      this.start = event.at
      this.#ahead = event.at - Date.now()
      this.#started = true
    }
    if (event.type === 'key') this.#keys -= 1
    this.#look(event, effects, state)
    this.#options.watch?.(event, effects, state, before)
  }

  #look(event: FlowEvent, effects: Effect[], state: State): void {
    for (const effect of effects) {
      if (effect.type === 'http') this.#options.web.expect(effect.request, `${this.id}/${effect.id}`)
      if (effect.type === 'dial') this.#dial = effect.id
      if (effect.type === 'press') this.pressedByUs += effect.keys
    }
    this.saw(event.at, event, effects, state)
    this.supply()
  }

  press(time: number, keys: string): void {
    this.#keys += keys.length
    this.#pressed = 0
    this.#do(time, async (phone) => {
      await phone.press(keys, { hold: 120, gap: 180 })
      this.#pressed = Date.now()
    })
  }

  /** A key that the line dropped is not waited for. */
  pressing(): boolean {
    if (this.#keys <= 0) return false
    if (this.#pressed === 0 || Date.now() < this.#pressed + KEY_LOST) return true
    this.faults.push(`${this.#keys} of the keys pressed did not reach the flow`)
    this.#keys = 0
    return false
  }

  talk(time: number, length: number): void {
    this.#do(time, async (phone) => {
      const voice = await speech(CHATTER)
      const bytes = length * 8
      const repeated = Array.from({ length: Math.ceil(bytes / voice.length) }, () => voice)
      await phone.say(Buffer.concat(repeated).subarray(0, bytes))
    })
  }

  hangUp(time: number): void {
    this.#do(time, (phone) => phone.hangUp())
  }

  raise(_time: number, name: string): void {
    this.#ask(`/v1/calls/${this.id}/situations/${name}`)
  }

  give(answer: Answer): void {
    this.answers.keep(answer)
    this.supply()
  }

  /** What the phone does that an operator of ours has: it rings, and then what the script says of it. */
  readonly operator: Behaviour = async (call) => {
    const dial = this.#dial
    await call.ring()
    await call.until('an end of the ringing', () => this.#agents.has(dial), 600_000)
    const what = this.#agents.get(dial)
    if (what === 'no_answer') return call.ended
    await call.after(RING)
    if (what === 'busy') return call.refuse(486)
    await call.answer()
    const words = await speech('Good morning, how may I help you?')
    await call.say(words)
    this.operators.push(words)
    await call.at(TALK)
    await call.hangUp()
  }

  #do(time: number, act: (phone: PhoneCall) => Promise<void>): void {
    const { phone } = this
    if (phone === null) return void this.faults.push('the phone is not answered')
    const wait = time - this.now
    const done = wait > 0 ? phone.after(wait).then(() => act(phone)) : act(phone)
    // After the end of the call nobody presses or says anything more.
    void done.catch((fault: unknown) => phone.endedAt === null && this.faults.push(String(fault)))
  }

  #web(id: string, { status = 200, json = null, after = 0 }: Parameters<Fulfil['http']>[1]): void {
    this.#options.web.answer(`${this.id}/${id}`, { status, json, at: Date.now() + after })
  }

  #task({ name, status = 'done', result = null, after = 0 }: Parameters<Fulfil['task']>[0]): void {
    void sleep(after).then(() => this.#ask(`/v1/calls/${this.id}/tasks/${name}`, { status, result }))
  }

  #ask(path: string, body?: unknown): void {
    this.#options.post(path, body).catch((fault: unknown) => this.faults.push(String(fault)))
  }
}
