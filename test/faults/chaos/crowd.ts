/**
 * The people of a chaos run: so many conversations of all kinds at once, by turns over both instances and both nodes, and a
 * campaign with short calls beside them. Remembered of each is what it did when its process was killed.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { hangsUp, neverAnswers, presses, refuses } from '../../../src/phones/behaviours.ts'
import { waitFor } from '../../support/wait.ts'
import { begin, KINDS, type Kind, type Person } from '../people.ts'
import type { Instance, Scene } from '../scene.ts'
import type { Random } from './random.ts'

/** What a call does at a moment. `answered meanwhile`: it rang, and was answered while nobody was there. */
export const DOINGS = [
  'rings',
  'answered meanwhile',
  'plays',
  'waits',
  'records',
  'holds',
  'talks in a bridge',
] as const
export type Doing = (typeof DOINGS)[number]

export interface Crowd {
  people: Person[]
  /** What each did that was on at a kill of its process, the last time that it happened. */
  struck: Map<Person, Doing>
  /** Requests to dial that were refused, by code. */
  refused: Map<string, number>
  live(): number
  /** An instance is about to die or to sleep beyond its lease: its calls are on the list. */
  strikes(instances: Instance[]): void
  stop(): Promise<void>
}

const AGAIN = 250
const LIST = 15

export function gather(scene: Scene, random: Random, size: number): Crowd {
  const people: Person[] = []
  const struck = new Map<Person, Doing>()
  const refused = new Map<string, number>()
  const killedAt = new Map<Instance, number>()
  let stopped = false
  let turn = 0
  const asked = new Set<Promise<void>>()

  async function comes(): Promise<void> {
    const living = scene.instances.filter(({ service }) => service.pid !== null)
    if (living.length === 0) return
    const kind: Kind = KINDS[turn++ % KINDS.length]!
    const instance = random.one(living)
    const given = { instance, node: random.one(scene.nodes), pace: random.next() }
    const begunAt = Date.now()
    const moment = () => (killedAt.get(instance) ?? 0) > begunAt
    try {
      people.push(await begin(scene, kind, { ...given, moment }))
    } catch (fault) {
      const code = /"code":"(\w+)"/.exec(String(fault))?.[1] ?? 'not reached'
      refused.set(code, (refused.get(code) ?? 0) + 1)
    }
  }

  /** Not over, and not one that a dead node has taken along or that never arrived. */
  const isOn = (person: Person): boolean => {
    const call = person.call()
    return call === null ? Date.now() - person.begunAt < 10_000 : call.endedAt === null
  }
  const live = (): number => people.filter((person) => person.live()).length

  const coming = (async () => {
    for (; !stopped; await sleep(AGAIN)) {
      // An instance that sleeps does not answer; others come meanwhile.
      if (people.filter(isOn).length >= size || asked.size >= 6) continue
      const one = comes().finally(() => asked.delete(one))
      asked.add(one)
    }
    await Promise.all(asked)
  })()
  const campaign = campaignBeside(scene, random, () => stopped)

  return {
    ...{ people, struck, refused, live },
    strikes(instances) {
      for (const instance of instances) killedAt.set(instance, Date.now())
      for (const person of people)
        if (person.live() && isOf(person, instances, killedAt)) struck.set(person, doing(person))
    },
    async stop() {
      stopped = true
      await Promise.all([coming, campaign])
    },
  }
}

/** Theirs, or whoever took it over after the death of its own: that is not to be seen from outside. */
function isOf({ instance, begunAt }: Person, dying: Instance[], killedAt: Map<Instance, number>): boolean {
  if (instance === null || dying.includes(instance)) return true
  return (killedAt.get(instance) ?? 0) > begunAt
}

function doing(person: Person): Doing {
  const call = person.call()!
  if (call.answeredAt === null) return person.kind === 'gap' ? 'answered meanwhile' : 'rings'
  if (person.kind === 'records' && call.ear.ended() === 1) return 'records'
  if (person.kind === 'holds' && call.ear.phrases.length > 0 && Date.now() - call.answeredAt > 3000) return 'holds'
  const other = person.colleague()
  if (other !== null && other.answeredAt !== null && other.endedAt === null) return 'talks in a bridge'
  return call.ear.hearing() ? 'plays' : 'waits'
}

/** A list that grows: queue, pacing and retries go on through every fault. */
async function campaignBeside(scene: Scene, random: Random, over: () => boolean): Promise<void> {
  const definition = {
    ...{ flow: 'brief', contacts: { number: 'phone' }, attempts: { max: 2 }, retry: { busy: { delay: '5s', max: 1 } } },
    dial: { trunks: scene.nodes.flatMap(({ trunks }) => trunks), ring: '15s', concurrency: 4 },
  }
  await scene.api('PUT', '/v1/campaigns/steady', definition)
  const behaviours = [hangsUp(1500), neverAnswers, refuses(486, 300), presses('1', 500), hangsUp(0)]
  for (let number = 1; !over(); number += LIST) {
    const list = Array.from({ length: LIST }, (_, n) => `+4074${String(number + n).padStart(7, '0')}`)
    for (const each of list) scene.exchange.phone(each, random.one(behaviours))
    // A file that was imported while an instance died is imported again.
    const put = async () => {
      await scene.contacts('steady', `phone\n${list.join('\n')}\n`)
      const { state } = await scene.api('GET', '/v1/campaigns/steady')
      if (state !== 'running') await scene.api('POST', '/v1/campaigns/steady/start')
      return true
    }
    await waitFor(put, { timeout: 120_000, every: 500, what: 'contacts of the campaign' }).catch(() => {})
    const begun = Date.now()
    while (!over() && Date.now() - begun < 20_000) await sleep(AGAIN)
  }
}
