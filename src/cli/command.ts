/** What the commands share: how they are made, and the options of those that speak to the service. */
import { type Command, InvalidArgumentError } from 'commander'
import { type Client, makeClient, type Remote } from './client.ts'
import { type Io, json } from './io.ts'

/** One file a command: it adds itself to the program. */
export type Register = (program: Command, io: Io) => void

/** Adds `--url` and `--token`. */
export function remote(command: Command): Command {
  return command
    .option('--url <url>', 'address of the service (APEL_URL; default http://127.0.0.1:8080)')
    .option('--token <token>', 'token of the API (APEL_TOKEN)')
}

export const withJson = (command: Command): Command => command.option('--json', 'print the records as JSON')

/** For `--json`: prints the record; else what `human` makes of it. */
export async function print<T>(
  io: Io,
  asJson: boolean | undefined,
  value: T,
  human: (value: T) => string,
): Promise<void> {
  await io.out(asJson ? json(value) : `${human(value)}\n`)
}

export const clientOf = (options: Remote, io: Io): Client => makeClient(options, io)

/** `NAME=TEXT` or `NAME:=JSON`, many times, to a map. The service makes a declared number of a text. */
export function keyValue(text: string, before: Record<string, unknown> = {}): Record<string, unknown> {
  const match = /^([A-Za-z_][A-Za-z0-9_.]*)(:?)=([\s\S]*)$/.exec(text)
  if (!match) throw new InvalidArgumentError('write NAME=VALUE, or NAME:=JSON.')
  const [, name = '', colon, value = ''] = match
  if (colon === '') return { ...before, [name]: value }
  try {
    return { ...before, [name]: JSON.parse(value) }
  } catch {
    throw new InvalidArgumentError('what follows := must be JSON.')
  }
}

/** `500ms`, `5s`, `10m`, `2h`, `1d`, to milliseconds. */
export function milliseconds(text: string): number {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text)
  const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
  if (!match) throw new InvalidArgumentError('write a duration such as 30s, 10m or 4h.')
  return Number(match[1]) * (units[match[2] ?? ''] ?? 0)
}

export function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('write a whole number above 0.')
  return Number(text)
}

/** RFC 3339, or a duration from now. */
export function laterTime(text: string): string {
  if (/^\d+(s|m|h|d)$/.test(text)) return new Date(Date.now() + milliseconds(text)).toISOString()
  if (!/^\d{4}-\d\d-\d\dT/.test(text) || Number.isNaN(Date.parse(text)))
    throw new InvalidArgumentError(
      'write a time such as 2026-12-01T09:30:00+02:00, or a duration from now such as 30m.',
    )
  return new Date(text).toISOString()
}
