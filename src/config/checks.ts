/**
 * What no single key can tell: names that stand twice, ports that two parts want, an open API without a token. These look at
 * the raw values and take nothing for granted, so that they report beside the faults of the schema and not after them.
 */
import { normaliseInbound } from '../dialer/numbers.ts'
import type { Problem } from '../errors.ts'
import { allowedUrl, allowList } from '../outgoing/allow-list.ts'
import type { Document } from './document.ts'
import { type Found, list, map } from './found.ts'
import { nodes, ports } from './node-checks.ts'
import { allowedHost, isLoopback } from './values.ts'

export function crossChecks(document: Document): Problem[] {
  const root = map(document.value)
  const found: Found[] = [
    ...redis(root),
    ...nodes(root),
    ...ports(root),
    ...api(root),
    ...inbound(root),
    ...speech(root),
    ...webhooks(root),
  ]
  return found.map(({ path, key, code, message, severity }): Problem => {
    const place = key === undefined ? document.place(path) : document.keyPlace(path, key)
    return { file: document.file, ...place, severity: severity ?? 'error', code, message }
  })
}

function* redis(root: Record<string, unknown>): Iterable<Found> {
  const given = map(root.redis)
  if (given.url !== undefined && given.sentinels !== undefined)
    yield {
      path: ['redis'],
      key: 'sentinels',
      code: 'bad-value',
      message: '`redis` has a url and sentinels; keep one of the two.',
    }
  if (given.sentinels !== undefined && given.name === undefined)
    yield {
      path: ['redis'],
      code: 'missing-key',
      message: '`redis.name` is missing; it is the name of the master that the sentinels watch.',
    }
}

function* api(root: Record<string, unknown>): Iterable<Found> {
  const given = map(root.api)
  const tokens = list(given.tokens)
  const host = given.host ?? '127.0.0.1'
  if (tokens.length === 0 && typeof host === 'string' && !isLoopback(host))
    yield {
      path: ['api', 'host'],
      code: 'open-api',
      message: `Without tokens the API listens on loopback only; add \`api.tokens\`, or set the host to 127.0.0.1.`,
    }
  for (const key of ['name', 'token'] as const) {
    const seen = new Set<unknown>()
    for (const [t, item] of tokens.entries()) {
      const value = map(item)[key]
      if (value !== undefined && seen.has(value))
        yield {
          path: ['api', 'tokens', t, key],
          code: 'duplicate-name',
          message: `Two tokens have the same ${key}; give each its own.`,
        }
      seen.add(value)
      if (key === 'token' && typeof value === 'string' && value.length > 0 && value.length < 16)
        yield {
          path: ['api', 'tokens', t, key],
          code: 'short-token',
          severity: 'warning',
          message: 'This token is shorter than 16 characters and can be guessed; use a longer random one.',
        }
    }
  }
}

function* inbound(root: Record<string, unknown>): Iterable<Found> {
  const country = String(map(root.policy).default_country ?? 'RO')
  const seen = new Map<string, string>()
  for (const key of Object.keys(map(root.inbound))) {
    if (key === 'default') continue
    const number = normaliseInbound(key, { default_country: country, allow: [] })
    if (number === '') {
      const message = `\`${key}\` is not a number that can be called; write E.164, a national number of ${country}, an extension, or default.`
      yield { path: ['inbound'], key, code: 'bad-value', message }
      continue
    }
    const other = seen.get(number)
    if (other !== undefined)
      yield {
        path: ['inbound'],
        key,
        code: 'duplicate-name',
        message: `\`${key}\` is the same number as \`${other}\`; keep one of the two.`,
      }
    seen.set(number, key)
  }
}

function* speech(root: Record<string, unknown>): Iterable<Found> {
  const given = map(root.speech)
  const command = given.command !== undefined
  if (given.engine === 'command' && !command)
    yield {
      path: ['speech'],
      code: 'missing-key',
      message: '`speech.command` is missing; it is the program that speaks, with its arguments.',
    }
  if (given.engine === 'espeak-ng' && command)
    yield {
      path: ['speech'],
      key: 'command',
      code: 'bad-value',
      message: '`speech.command` needs `engine: command`; keep one of the two.',
    }
}

function* webhooks(root: Record<string, unknown>): Iterable<Found> {
  const named = list(map(root.http).allow_hosts)
  const hosts = allowList(named.filter((entry): entry is string => allowedHost.safeParse(entry).success))
  const seen = new Set<unknown>()
  for (const [w, item] of list(root.webhooks).entries()) {
    const { url } = map(item)
    if (typeof url !== 'string' || !URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) continue
    const path = ['webhooks', w, 'url']
    if (seen.has(url))
      yield {
        path,
        code: 'duplicate-name',
        message: 'Two webhooks have the same address; keep one, with the events of both.',
      }
    seen.add(url)
    try {
      allowedUrl(url, hosts)
    } catch (error) {
      yield { path, code: 'host-not-allowed', message: (error as Error).message }
    }
  }
}
