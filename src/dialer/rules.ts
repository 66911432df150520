/** The rules of the gate by their names, and how their verdicts are told. */

/** In the order in which they are told. */
export const RULES = [
  ...(['number', 'destination', 'dnc', 'consent', 'zone', 'window', 'holiday', 'cap', 'budget'] as const),
  ...(['campaign_state', 'trunk_state', 'trunk_busy', 'paused', 'gate_closed'] as const),
] as const
export type Rule = (typeof RULES)[number]

export interface RuleVerdict {
  rule: Rule
  verdict: 'pass' | 'hold' | 'refuse'
  reason: string
  /** When time lifts it, ms; null when it passes, or nobody knows. */
  until: number | null
}

export const REASONS: Record<Rule, string> = {
  number: 'it is not a number that can be called',
  destination: 'no prefix in policy.allow covers it',
  dnc: 'the number is on the do-not-call list',
  consent: 'the contact has not agreed to be called',
  zone: 'nobody can tell what time it is there',
  window: 'it is outside the calling hours there',
  holiday: 'today is a holiday there',
  cap: 'the number has been called as often as policy.per_number allows',
  budget: 'the contact has used its attempts',
  campaign_state: 'the campaign is not running',
  trunk_state: 'no trunk takes calls now',
  trunk_busy: 'no trunk has a free channel, or a call left in this second',
  paused: 'all dialling is stopped',
  gate_closed: 'no node may be dialled on now',
}

/** What the budget says of one whose turn it is not. */
export const NOT_ITS_TURN: Record<string, string> = {
  done: 'the contact is done',
  dialing: 'it is being called now',
  waiting: 'its next try by the rules of retry is due then',
  callback: 'it is to be called back then',
  over: 'its callback expires before',
}

/** The one that decides: what is for good before what time lifts, else the first in order. Undefined: all pass. */
export function deciding<T extends { verdict: RuleVerdict['verdict'] }>(verdicts: readonly T[]): T | undefined {
  return verdicts.find(({ verdict }) => verdict === 'refuse') ?? verdicts.find(({ verdict }) => verdict !== 'pass')
}

export const pass = (rule: Rule): RuleVerdict => ({ rule, verdict: 'pass', reason: '', until: null })
export const refuse = (rule: Rule, reason = REASONS[rule]): RuleVerdict => ({
  rule,
  verdict: 'refuse',
  reason,
  until: null,
})
export const hold = (rule: Rule, until: number | null, reason = REASONS[rule]): RuleVerdict => ({
  rule,
  verdict: 'hold',
  reason,
  until,
})
