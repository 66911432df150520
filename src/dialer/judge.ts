/**
 * The rules that depend on the plan and the calendar alone, as the gate applies them before it asks Redis, and a forecast to
 * everybody on its list. What is for good is apart from what time lifts, since the former need be judged only once.
 */
import { isOpen, nextOpening } from '../flow/calendar.ts'
import { judgeNumber, type NumberPolicy } from './numbers.ts'
import { hasZones, type Plan } from './plan.ts'
import { hold, NOT_ITS_TURN, pass, type RuleVerdict, refuse } from './rules.ts'

export const YEAR = 366 * 86_400_000

/** The rules that time does not lift. Hours protect people from being called by themselves; a leg is for somebody on the line. */
export function judgeForGood(
  { kind, number, consent, hours }: Pick<Plan, 'kind' | 'number' | 'consent' | 'hours'>,
  policy: NumberPolicy,
): RuleVerdict[] {
  const fault = judgeNumber(number, policy)
  const zones = kind === 'leg' || hasZones(hours)
  return [
    fault?.rule === 'number' ? refuse('number', fault.reason) : pass('number'),
    fault?.rule === 'destination' ? refuse('destination', fault.reason) : pass('destination'),
    consent === false ? refuse('consent') : pass('consent'),
    zones ? pass('zone') : refuse('zone', `${hours.zones.join(', ') || 'no zone'} is not a known time zone`),
  ]
}

/** The rules that the calendar lifts. Without a known zone another rule says no. */
export function judgeMoment(
  { kind, callback, hours }: Pick<Plan, 'kind' | 'hours'> & { callback: { expires_at: number } | null },
  now: number,
): RuleVerdict[] {
  const zones = kind === 'leg' || hasZones(hours)
  const open = kind === 'leg' || (zones && isOpen(now, hours.zones, hours.windows, hours.holidays))
  const holiday = zones && !open && isOpen(now, hours.zones, hours.windows, [])
  const opens = open || !zones ? null : nextOpening(now, hours.zones, hours.windows, hours.holidays, YEAR)
  return [
    ...(callback !== null && callback.expires_at <= now ? [refuse('budget', NOT_ITS_TURN.over)] : []),
    !zones || open || holiday ? pass('window') : hold('window', opens),
    holiday ? hold('holiday', opens) : pass('holiday'),
  ]
}
