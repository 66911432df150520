/** `apel show CALL`: one call, step by step. */

import { seg } from './client.ts'
import { colour as pc } from './colour.ts'
import { clientOf, print, type Register, remote, withJson } from './command.ts'
import { facts, text, when } from './show-text.ts'

export const show: Register = (program, io) => {
  withJson(remote(program.command('show <call>').description('one call, step by step'))).action(async (id, options) => {
    const { body } = await clientOf(options, io).get(`/v1/calls/${seg(id)}`)
    await print(io, options.json, body, (call) =>
      [callFacts(call), '', ...call.steps.map(stepLine(call.answered_at))].join('\n').trimEnd(),
    )
  })
}

/** The fields of a call's record that are there, in the order of a call. */
export function callFacts(call: Record<string, unknown>): string {
  const times = ['queued_at', 'dialed_at', 'ringing_at', 'answered_at', 'ended_at', 'callback_at']
  const shown = Object.entries(call).filter(([key, value]) => {
    if (key === 'steps' || value === null || (Array.isArray(value) && value.length === 0)) return false
    return !(key === 'vars' && Object.keys(value as object).length === 0)
  })
  return facts(Object.fromEntries(shown.map(([key, value]) => [key, times.includes(key) ? when(value) : value])))
}

/** With the time since the answer, since that is what the one on the line lived through. */
const stepLine =
  (answered: unknown) =>
  ({ at, step, event, flow }: { at: string; step: string; event: string; flow?: string }): string => {
    const since = typeof answered === 'string' ? (Date.parse(at) - Date.parse(answered)) / 1000 : null
    const clock = since === null ? when(at) : `${since < 0 ? '' : '+'}${since.toFixed(1)} s`
    return `${pc.dim(clock.padStart(10))}  ${pc.bold(flow === undefined ? step : `${flow}/${step}`)}  ${text(event)}`
  }
