/**
 * How a step asks: one question, and then keys, a voice, or silence.
 *
 * A **round** lasts from the start of the step's prompt (or of a rung, which is a prompt of its step) to its timeout,
 * and the timeout starts when the prompt has ended. While they talk (300 ms count) the timeout does not run; it starts
 * anew when they stop. Run out without a key, it is a nomatch if there was talk in this round, else a noinput. A pause
 * shorter than the timeout does not end a stretch of talk, and a stretch longer than `max_talk` is interrupted.
 *
 * A miss takes the next **rung** of its ladder. After a rung the step listens again; after the last one it gives up.
 * A key in the prompt or in a rung stops it and is the answer, unless the prompt may not be interrupted or the rung is
 * the last.
 *
 *   prompt -> wait -> (key) the verb
 *               |---> rung -> wait | prompt      last -> goto | give_up | the end
 *
 * Timers: `timeout`; `talk`, 300 ms after they began; `max_talk`; `digits` between the keys of one entry.
 */

import { ownKey } from './called.ts'
import { end, keepRung, take } from './going.ts'
import type { Manner, Rung, Step } from './program.ts'
import { raise } from './situations.ts'
import type { Ask, Count, Slot } from './state.ts'
import { arm, disarm, say, sentenceOf, speech, stretched, type Turn } from './turn.ts'
import type { Asks } from './verb.ts'

/** Talk shorter than this is a cough. */
export const TALK_COUNTS = 300
/** Timers that a first key of several makes pointless. */
const UNTIMED: readonly Slot[] = ['timeout', 'talk', 'max_talk']
const SLOTS: readonly Slot[] = ['timeout', 'talk', 'max_talk', 'digits']

/** Asks the step's question; keys that were pressed before it are taken, and then it is not played. */
export function ask(turn: Turn, step: Step): void {
  newRound(turn, 'prompt')
  if (turn.s.buffer === '') askAloud(turn, step)
  else openEars(turn, step)
}

function newRound(turn: Turn, phase: Ask['phase'], kind: Ask['kind'] = 'noinput', rung = 0): void {
  const { at } = turn
  for (const slot of SLOTS) disarm(turn, slot)
  turn.s.ask = {
    phase,
    kind,
    rung,
    round: at,
    promptEnd: at,
    quiet: null,
    talked: false,
    late: false,
    typing: false,
  }
}

function askAloud(turn: Turn, step: Step): void {
  change(turn, { phase: 'prompt' })
  say(turn, asks(step).prompt(turn, step), { to: 'ask' }, 'ask')
}

/** A prompt or a rung has been spoken to its end. */
export function heardOut(turn: Turn, step: Step): void {
  const { ask } = turn.s
  if (ask === null) return
  if (ask.phase === 'prompt') return openEars(turn, step)
  const rung = ladderOf(turn, step, ask.kind)[ask.rung]!
  if (rung.goto !== null) return take(turn, rung.goto, ask.kind)
  if (ask.phase === 'last') return giveUp(turn, step, ask.kind)
  if (rung.reprompt || asks(step).again?.(turn, step, ask.kind, rung)) askAloud(turn, step)
  else openEars(turn, step)
}

function giveUp(turn: Turn, step: Step, kind: Ask['kind']): void {
  const verb = asks(step)
  const target = verb.gaveUp === undefined ? (step.on.get('give_up') ?? null) : verb.gaveUp(step)
  if (target !== null) take(turn, target, verb.gaveUp === undefined ? 'give_up' : 'declined')
  else end(turn, 'flow', kind === 'noinput' ? 'silent' : 'nomatch')
}

/** The prompt is over: keys that wait are taken, else the timeout starts. */
function openEars(turn: Turn, step: Step): void {
  change(turn, { phase: 'wait', promptEnd: turn.at })
  let typed = false
  while (turn.s.buffer !== '') {
    const key = turn.s.buffer[0]!
    turn.s.buffer = turn.s.buffer.slice(1)
    if (answer(turn, step, key) !== 'more') return
    typed = true
  }
  if (typed) return
  asks(step).listening?.(turn, step)
  listen(turn, step)
}

function listen(turn: Turn, step: Step): void {
  const { s, at } = turn
  const { timeout, maxTalk } = asks(step).manner(step, turn)
  const ask = s.ask!
  const talk = s.talking === null ? 0 : at - Math.max(s.talking, ask.round)
  if (s.talking !== null && talk >= TALK_COUNTS) {
    countTalk(turn)
    arm(turn, 'max_talk', maxTalk)
    return
  }
  arm(turn, 'timeout', stretched(turn, timeout))
  if (s.talking !== null) arm(turn, 'talk', TALK_COUNTS - talk)
  else if (ask.quiet !== null && at - ask.quiet < stretched(turn, timeout)) arm(turn, 'max_talk', maxTalk)
}

/** A key while the step asks. */
export function keyAsked(turn: Turn, step: Step, key: string): void {
  const { s } = turn
  const ask = s.ask!
  if (ask.phase === 'last' || asks(step).ignores?.(turn, step, key)) return
  if (ask.phase !== 'wait') {
    if (!asks(step).manner(step, turn).bargeIn) return
    if (s.saying !== null) turn.out.push({ type: 'stop', id: s.saying.id })
    s.saying = null
    change(turn, { phase: 'wait', promptEnd: turn.at })
  }
  answer(turn, step, key)
}

function answer(turn: Turn, step: Step, key: string): 'more' | 'taken' | 'miss' {
  const verb = asks(step)
  const situation = turn.program.keys.get(key)
  if (situation !== undefined && verb.situations(step, turn)(key)) {
    raise(turn, situation)
    return 'taken'
  }
  const meaning = verb.key(turn, step, key)
  if (meaning === 'more') {
    for (const slot of UNTIMED) disarm(turn, slot)
    change(turn, { typing: true })
    arm(turn, 'digits', stretched(turn, verb.manner(step, turn).interDigit))
  } else if (meaning === 'miss') miss(turn, step, 'nomatch')
  return meaning
}

/** They began to talk. */
export function talkBegan(turn: Turn): void {
  const { ask } = turn.s
  if (ask?.phase === 'wait' && !ask.typing) arm(turn, 'talk', TALK_COUNTS)
}

/** They stopped talking; `since` is when they had begun. */
export function talkStopped(turn: Turn, step: Step, since: number): void {
  const { ask } = turn.s
  if (ask === null) return
  const counts = turn.at - Math.max(since, ask.round) >= TALK_COUNTS
  if (counts) change(turn, { talked: true, quiet: turn.at })
  if (ask.phase !== 'wait' || ask.typing) return
  disarm(turn, 'talk')
  const { timeout, maxTalk } = asks(step).manner(step, turn)
  if (counts) {
    change(turn, { late: false })
    if (turn.s.timers.max_talk === null) arm(turn, 'max_talk', maxTalk - (turn.at - Math.max(since, ask.promptEnd)))
    arm(turn, 'timeout', stretched(turn, timeout))
  } else if (ask.late) timedOut(turn, step)
}

/** One of the timers of a question. */
export function askTimer(turn: Turn, step: Step, slot: Slot): void {
  const { s, at } = turn
  const ask = s.ask
  if (ask === null || ask.phase !== 'wait') return
  const verb = asks(step)
  switch (slot) {
    case 'timeout':
      if (s.timers.talk !== null) change(turn, { late: true })
      else timedOut(turn, step)
      return
    case 'talk': {
      countTalk(turn)
      disarm(turn, 'timeout')
      change(turn, { late: false })
      const begun = Math.max(s.talking ?? at, ask.promptEnd)
      if (s.timers.max_talk === null) arm(turn, 'max_talk', verb.manner(step, turn).maxTalk - (at - begun))
      return
    }
    case 'max_talk':
      return miss(turn, step, 'nomatch', true)
    case 'digits':
      change(turn, { typing: false })
      if (verb.complete?.(turn, step) === 'miss') miss(turn, step, 'nomatch')
  }
}

/** Talk of 300 ms and more: it counts once, in this round and as a sign of life. */
function countTalk(turn: Turn): void {
  change(turn, { talked: true })
  if (!turn.s.talkCounted) {
    turn.s.talkCounted = true
    turn.s.inputs++
  }
}

function timedOut(turn: Turn, step: Step): void {
  miss(turn, step, turn.s.ask!.talked ? 'nomatch' : 'noinput')
}

/** Nothing came, or nothing that was understood: the next rung. */
export function miss(turn: Turn, step: Step, kind: Ask['kind'], interrupted = false): void {
  const { s } = turn
  const verb = asks(step)
  for (const slot of SLOTS) disarm(turn, slot)
  if (verb.missed?.(turn, step, kind, interrupted)) return
  const ladder = ladderOf(turn, step, kind)
  const own = ownKey(turn, step.id)
  const count: Count = { ...(s.counts[own] ?? { noinput: 0, nomatch: 0, mark: 0 }) }
  count[kind]++
  count.mark = s.inputs
  s.counts = { ...s.counts, [own]: count }
  s.misses = { ...s.misses, [kind]: s.misses[kind] + 1 }
  const last = count[kind] >= ladder.length || count.noinput + count.nomatch >= verb.manner(step, turn).maxAttempts
  const index = last ? ladder.length - 1 : count[kind] - 1
  s.buffer = ''
  newRound(turn, last ? 'last' : 'rung', kind, index)
  const rung: Rung = ladder[index]!
  keepRung(turn, rung)
  const words = speech(turn, rung.say)
  say(turn, interrupted ? [sentenceOf(turn, (p) => p.interrupt), ...words] : words, { to: 'ask' }, 'ask')
}

function ladderOf(turn: Turn, step: Step, kind: Ask['kind']): Rung[] {
  const manner: Manner = asks(step).manner(step, turn)
  return kind === 'nomatch' ? manner.nomatch : manner.noinput[turn.s.context.direction]
}

function asks(step: Step): Asks<unknown> {
  return step.verb.asks as Asks<unknown>
}

function change(turn: Turn, fields: Partial<Ask>): void {
  if (turn.s.ask !== null) Object.assign(turn.s.ask, fields)
}
