/**
 * Who is called, and what each does with the phone. Beside the behaviour stands what must come of it: one line an
 * attempt, with what is seen on the wire (the final SIP code, who hung up) and what the service must make of it.
 */
import { answers, calls, hangsUp, neverAnswers, presses, refuses } from '../src/phones/behaviours.ts'
import type { Behaviour, PhoneCall } from '../src/phones/phone.ts'

export interface Expected {
  kind: 'first' | 'retry' | 'callback' | 'inbound'
  disposition: string
  outcome: string | null
  /** On the wire. */
  code: number
  byeBy: 'far' | 'phone' | null
}

export interface Role {
  name: string
  people: number
  /** The n-th call takes the n-th. */
  behaviours: Behaviour[]
  attempts: Expected[]
}

function talked(disposition: string, outcome: string | null = null, kind: Expected['kind'] = 'first'): Expected {
  return { kind, disposition, outcome, code: 200, byeBy: 'far' }
}

function left(): Expected {
  return { kind: 'first', disposition: 'hangup', outcome: null, code: 200, byeBy: 'phone' }
}

function missed(disposition: string, code: number): Expected {
  return { kind: 'first', disposition, outcome: null, code, byeBy: null }
}

/**
 * Presses the first keys `at` ms after the answer, then those that follow one by one after each phrase that is heard, and
 * the last ones after every further phrase: people listen, so a slow machine changes nothing.
 */
function insists(at: number, first: string, ...then: string[]): Behaviour {
  return answers(async (call) => await insist(call, at, first, then))
}

async function insist(call: PhoneCall, at: number, first: string, then: string[]): Promise<void> {
  await call.at(at)
  const heard = call.ear.phrases.length
  await call.press(first)
  for (let n = 0; ; n += 1) {
    await call.heard(Math.max(1, heard) + n)
    await call.press(then[Math.min(n, then.length - 1)] ?? '')
  }
}

/** Really speaks, after everything that it hears, and never presses a key. */
function speaks(voice: Buffer): Behaviour {
  return answers(async (call) => {
    for (let phrase = 1; ; phrase += 1) {
      await call.heard(phrase)
      await call.say(voice)
    }
  })
}

/** `voice` is ulaw speech. Roles that take longest come first: the file's order is the order of dialling. */
export function cast(voice: Buffer): Role[] {
  const silent = answers()
  const dumb = answers(async () => {}, { silence: false })
  const confirmed = talked('completed', 'confirmed')
  return [
    {
      name: 'says nothing, twice',
      people: 3,
      behaviours: [silent],
      attempts: [talked('silent'), talked('silent', null, 'retry')],
    },
    {
      name: 'sends no sound at all, twice',
      people: 2,
      behaviours: [dumb],
      attempts: [talked('silent'), talked('silent', null, 'retry')],
    },
    {
      ...{ name: 'says nothing, then presses a key', people: 3, behaviours: [silent, presses('1', 1000)] },
      attempts: [talked('silent'), talked('completed', 'confirmed', 'retry')],
    },
    {
      ...{ name: 'asks to be called back', people: 4, behaviours: [insists(4000, '3', '1'), presses('1', 3000)] },
      attempts: [talked('callback'), talked('completed', 'confirmed', 'callback')],
    },
    { name: 'speaks, presses no key', people: 4, behaviours: [speaks(voice)], attempts: [talked('nomatch')] },
    { name: 'does not answer', people: 4, behaviours: [neverAnswers], attempts: [missed('no_answer', 487)] },
    { name: 'waits on hold', people: 4, behaviours: [presses('4', 3500)], attempts: [talked('completed', 'moved')] },
    {
      ...{ name: 'types an hour', people: 4, behaviours: [insists(3500, '5', '1630', '1')] },
      attempts: [talked('completed', 'new_hour')],
    },
    {
      name: 'wrong key, then the right one',
      people: 5,
      behaviours: [insists(4000, '7', '1')],
      attempts: [confirmed],
    },
    { name: 'key during the prompt', people: 6, behaviours: [presses('1', 5000)], attempts: [confirmed] },
    { name: 'hangs up in the middle', people: 3, behaviours: [hangsUp(4500)], attempts: [left()] },
    { name: 'cancels', people: 4, behaviours: [presses('2', 4000)], attempts: [talked('completed', 'cancelled')] },
    { name: 'key at once', people: 6, behaviours: [presses('1', 0)], attempts: [confirmed] },
    { name: 'hangs up at once', people: 3, behaviours: [hangsUp(0)], attempts: [left()] },
    { name: 'busy', people: 4, behaviours: [refuses(486)], attempts: [missed('busy', 486)] },
    { name: 'declines', people: 3, behaviours: [refuses(603, 500)], attempts: [missed('rejected', 603)] },
    { name: 'unknown number', people: 3, behaviours: [refuses(404)], attempts: [missed('invalid_number', 404)] },
    { name: 'phone switched off', people: 2, behaviours: [refuses(480)], attempts: [missed('no_answer', 480)] },
    { name: 'network congested', people: 2, behaviours: [refuses(503)], attempts: [missed('congestion', 503)] },
  ]
}

/** One who calls in. */
export interface Caller {
  name: string
  number: string
  behaviour: Behaviour
  /** What the phone does when it is called back. */
  later: Behaviour[]
  attempts: Expected[]
}

/** The three that call in, and whether their phone is called afterwards. */
export function callers(): Caller[] {
  const inbound = (disposition: string, outcome: string | null = null) => talked(disposition, outcome, 'inbound')
  return [
    {
      name: 'calls and says nothing',
      number: '+40733000001',
      behaviour: calls(),
      later: [],
      attempts: [inbound('silent')],
    },
    {
      ...{
        name: 'calls and waits on hold',
        number: '+40733000002',
        behaviour: calls(async (call) => await insist(call, 2500, '1', [])),
        later: [],
      },
      attempts: [inbound('completed', 'told')],
    },
    {
      ...{
        name: 'calls and asks for a callback',
        number: '+40733000003',
        behaviour: calls(async (call) => await insist(call, 2500, '2', ['1'])),
      },
      later: [presses('1', 2000)],
      attempts: [inbound('callback'), talked('completed', 'called_back', 'callback')],
    },
  ]
}
