/** The small values of `apel.yaml`, each with its one spelling: durations, ports, ranges, dial strings, hosts. */
import ipaddr from 'ipaddr.js'
import { isSupportedCountry } from 'libphonenumber-js'
import { z } from 'zod'
import { allowList } from '../outgoing/allow-list.ts'

/** Texts come from `${NAME}` too, where a number is written in letters; both are taken. */
const numberLike = (value: unknown): unknown =>
  typeof value === 'string' && /^\d+(\.\d+)?$/.test(value) ? Number(value) : value

export const whole = (from: number, to: number) => z.preprocess(numberLike, z.int().min(from).max(to))
export const positive = (to: number) => z.preprocess(numberLike, z.number().gt(0).max(to))
export const port = whole(1, 65535)
export const yesNo = z.preprocess((value) => (value === 'true' ? true : value === 'false' ? false : value), z.boolean())

/** No control characters: these values end up in lines of Asterisk's own files and in headers. */
export const text = z
  .string()
  .min(1)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  .regex(/^[^\u0000-\u001f\u007f]*$/, 'must not have line breaks or control characters in it')

/** For nodes, trunks, peers and groups: these become names in Asterisk's files, keys in Redis and labels of metrics. */
export const name = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/,
    'must be a name of letters, digits, `-`, `_` and `.`, at most 64 characters',
  )

const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `500ms`, `5s`, `10m`, `2h`, `30d`, to milliseconds. */
export const duration = z.unknown().transform((value, context) => {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(String(value))
  if (match) return Number(match[1]) * (units[match[2] ?? ''] ?? 0)
  context.addIssue({ code: 'custom', message: 'must be a duration such as 500ms, 5s, 10m, 2h or 30d' })
  return z.NEVER
})

export const e164 = z.string().regex(/^\+[1-9]\d{6,14}$/, 'must be a number in E.164, such as "+40311234567"')

/** A prefix (`+40`) or one extension of a PBX (`100`). */
export const destination = z.preprocess(
  (value) => (typeof value === 'number' ? String(value) : value),
  z.string().regex(/^(\+\d{1,15}|\d{2,6})$/, 'must be a prefix such as "+40", or an extension of two to six digits'),
)

/** `PJSIP/{number}@carrier`. Nothing but the template comes from a person, nothing but a checked number fills it. */
export const template = z
  .string()
  .regex(/^[A-Za-z0-9]+\/[^\s&|,;]*$/, 'must be a dial string such as "PJSIP/{number}@carrier"')
  .refine((value) => value.split('{number}').length === 2, 'must have {number} in it, once')

export const country = z.string().refine(isSupportedCountry, 'must be a country in two capitals, such as RO')

export const zone = z.string().refine((value) => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: value })
    return value.includes('/') || value === 'UTC'
  } catch {
    return false
  }
}, 'must be a time zone such as Europe/Bucharest')

export const url = (...schemes: string[]) =>
  z.string().refine(
    (value) => {
      if (!URL.canParse(value)) return false
      const { protocol, hostname } = new URL(value)
      return schemes.includes(protocol.slice(0, -1)) && hostname !== ''
    },
    `must be an address that begins with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`,
  )

export const hostPort = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):(\d{1,5})$/

/** What a flow may reach: `crm.example`, `crm.example:9000`, an address, or a network such as `10.0.0.0/8`. */
export const allowedHost = z.string().superRefine((value, context) => {
  try {
    allowList([value])
  } catch (error) {
    context.addIssue({ code: 'custom', message: `: ${(error as Error).message.replace(/\.$/, '')}` })
  }
})

export const address = z.string().refine((value) => ipaddr.isValid(value), 'must be an address, such as 192.0.2.10')

/** `20000-20999`. */
export const portRange = z.string().transform((value, context) => {
  const match = /^(\d{4,5})-(\d{4,5})$/.exec(value)
  const from = Number(match?.[1])
  const to = Number(match?.[2])
  if (match && from >= 1024 && to <= 65535 && to - from >= 9) return { from, to }
  context.addIssue({ code: 'custom', message: 'must be a range of at least ten ports, such as "20000-20999"' })
  return z.NEVER
})

export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '')
  return bare === 'localhost' || (ipaddr.isValid(bare) && ipaddr.process(bare).range() === 'loopback')
}
