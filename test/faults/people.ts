/**
 * Conversations of every kind that a fault may fall into, each with the end that its phone was told to reach. The people act on
 * their own clocks: they press 1 again and again, as somebody does whose key was not heard, and hang up by themselves when they
 * have heard nothing for twelve seconds.
 */
import type { Test } from 'tap'
import { answers, calls, impatient } from '../../src/phones/behaviours.ts'
import type { Phone } from '../../src/phones/exchange.ts'
import type { Behaviour, PhoneCall } from '../../src/phones/phone.ts'
import { speech } from '../../src/phones/speech.ts'
import type { TALKS } from '../support/talks.ts'
import { waitFor } from '../support/wait.ts'
import type { Account, Survivor } from './checker.ts'
import type { SceneNode } from './node.ts'
import type { Instance, Scene } from './scene.ts'

export const KINDS = ['plays', 'waits', 'records', 'holds', 'bridged', 'rings', 'gap', 'calls in'] as const
export type Kind = (typeof KINDS)[number]

export interface Person {
  kind: Kind
  number: string
  node: SceneNode
  /** Whose call it was at first. */
  instance: Instance | null
  begunAt: number
  /** Null until it arrives. */
  call(): PhoneCall | null
  /** The one whom a caller of the kind `bridged` talks to. */
  colleague(): PhoneCall | null
  /** On when it happens: rung, or answered and not over. */
  live(): boolean
}

export interface Begin {
  instance: Instance
  node: SceneNode
  /** The kind `gap` answers half a second after this becomes true, at the latest after 15 s. */
  moment?: () => boolean
  /** From 0 to 1: how long they take. */
  pace?: number
}

/** Presses 1 after `first` ms, and then every `every` ms until the end. */
const presses =
  (first: number, every = 4000): Behaviour =>
  async (call) => {
    for (await call.after(first); ; await call.after(every)) await call.press('1')
  }

let numbers = 0
function nextNumber(): string {
  numbers += 1
  return `+4073${String(numbers).padStart(7, '0')}`
}

/** Begins one; throws what the API says when it is refused. */
export async function begin(scene: Scene, kind: Kind, given: Begin): Promise<Person> {
  const { instance, node, pace = 0.5 } = given
  const { exchange } = scene
  const number = nextNumber()
  const wait = 4000 + 8000 * pace
  const none = () => null
  const person = (
    call: () => PhoneCall | null,
    of: Instance | null,
    colleague: Person['colleague'] = none,
  ): Person => ({
    ...{ kind, number, node, instance: of, begunAt: Date.now(), call, colleague },
    live() {
      const one = call()
      return one !== null && one.endedAt === null && (one.ringingAt ?? one.answeredAt) !== null
    },
  })
  if (kind === 'calls in') {
    exchange.asterisk = node.sipPort
    const caller = await exchange.call('+40311234567', number, impatient(calls(presses(wait))))
    return person(() => caller, null)
  }
  const phone = exchange.phone(number, await behaviour(kind, wait, given.moment ?? (() => false)))
  const vars: Record<string, string> = {}
  let other: Phone | null = null
  if (kind === 'bridged') {
    vars.to = nextNumber()
    other = exchange.phone(vars.to, colleague(wait))
  }
  const { id } = await instance.api('POST', '/v1/calls', { to: number, flow: FLOW[kind], vars, trunk: node.trunks[0] })
  if (kind === 'holds') void finishTask(scene, id, () => phone.calls[0] ?? null, wait)
  return person(
    () => phone.calls[0] ?? null,
    instance,
    () => other?.calls[0] ?? null,
  )
}

const FLOW: Record<Exclude<Kind, 'calls in'>, keyof typeof TALKS> = {
  ...{ plays: 'story', waits: 'wait', records: 'message', holds: 'hold', bridged: 'talk', rings: 'wait', gap: 'wait' },
}

async function behaviour(kind: Exclude<Kind, 'calls in'>, wait: number, moment: () => boolean): Promise<Behaviour> {
  switch (kind) {
    case 'plays':
      // In the middle of a sentence the key would end it.
      return impatient(answers(presses(wait + 6000)))
    case 'waits':
      // The question takes two and a half seconds; who thinks for longer than three has half of their patience left.
      return impatient(answers(presses(3000 + (wait - 4000) / 3)))
    case 'holds':
      return impatient(answers(presses(wait + 3000)))
    case 'bridged':
      return impatient(answers(presses(wait + 5000)))
    case 'records': {
      const voice = await speech('I would like to say something that takes rather a long time')
      return impatient(
        answers(async (call) => {
          // They speak whenever they are asked, and then are quiet, so that what they said is over.
          let heard = 0
          for (let long = wait; ; long = 2500) {
            await call.until('a question', () => call.ear.ended() > heard, 100_000)
            heard = call.ear.ended()
            for (const until = Date.now() + long; Date.now() < until; ) await call.say(voice)
            await call.after(3500)
            await call.press('1')
          }
        }),
        30_000,
      )
    }
    case 'rings':
      return impatient(answers(presses(4000), { ring: wait }))
    case 'gap':
      return impatient(async (call) => {
        await call.ring()
        const latest = Date.now() + 15_000
        await call.until('the moment', () => moment() || Date.now() > latest, 20_000)
        await call.after(500)
        await call.answer()
        await presses(4000)(call)
      })
    default: {
      const never: never = kind
      return never
    }
  }
}

/** Whoever a caller is connected to: talks in short sentences, and hangs up by themselves. */
function colleague(wait: number): Behaviour {
  return answers(
    async (call) => {
      const voice = await speech('Yes, of course, I will look at it')
      for (const until = Date.now() + wait; Date.now() < until; await call.after(1000)) await call.say(voice)
      await call.hangUp()
    },
    { ring: 500 },
  )
}

/** The desk finishes the task at its own time, and again when nobody is there to hear it. */
async function finishTask(scene: Scene, id: string, call: () => PhoneCall | null, wait: number): Promise<void> {
  const answered = () => call()?.answeredAt ?? null
  await waitFor(answered, { timeout: 60_000, what: 'an answer' }).catch(() => {})
  await call()
    ?.after(wait)
    .catch(() => {})
  const finish = async () => {
    if (call()?.endedAt !== null) return true
    await scene.api('POST', `/v1/calls/${id}/tasks/desk`, { status: 'done', result: { text: 'Thursday' } })
    return true
  }
  await waitFor(finish, { timeout: 30_000, every: 300, what: 'the task' }).catch(() => {})
}

/** Begins one of each of these kinds, and waits until all are on. */
export async function beginAll(scene: Scene, kinds: readonly Kind[], given: Partial<Begin> = {}): Promise<Person[]> {
  const each = { instance: scene.instances[0]!, node: scene.nodes[0]!, ...given }
  const all = await Promise.all(kinds.map((kind, n) => begin(scene, kind, { pace: (n % 3) / 6, ...each })))
  await waitFor(() => all.every((person) => person.live()), { what: 'every call to be on' })
  return all
}

/** Each of them comes to the end that its phone was told to reach. */
export async function reach(t: Test, scene: Scene, all: Person[], what: string): Promise<void> {
  await waitFor(() => all.every((person) => person.call()?.endedAt != null), { timeout: 60_000, what: 'every end' })
  const reached = async () => {
    const records = await scene.records()
    return all.every((person) => fate(person, records).reached)
  }
  // The record is written a moment after the last word.
  await waitFor(reached, { timeout: 10_000, every: 300, what: 'the records' }).catch(() => {})
  const records = await scene.records()
  for (const person of all) {
    const { silence, ...seen } = fate(person, records)
    const record = records.find(({ number }) => number === person.number)
    const { endedBy } = person.call()!
    t.ok(seen.reached, `${what}: ${person.kind} reached its end`, { silence, endedBy, record })
  }
}

/** What became of them, by their phone and by the record. */
export function fate(person: Person, records: Account[]): Survivor {
  const call = person.call()
  const record = records.find(({ number, kind }) => number === person.number && kind !== 'leg')
  const reached = call?.answeredAt != null && call.endedBy === 'far' && record?.outcome === 'ended'
  return { number: person.number, reached, silence: call ? longestSilence(call) : 0 }
}

/** The longest time without any sound from the answer to the end, as the phone heard it, ms. */
export function longestSilence({ ear, answeredAt, endedAt }: PhoneCall): number {
  if (answeredAt === null) return 0
  const ends = [answeredAt, ...ear.phrases.map(({ to }) => to)]
  const begins = [...ear.phrases.map(({ from }) => from), endedAt ?? Date.now()]
  return Math.max(...begins.map((at, n) => at - ends[n]!))
}
