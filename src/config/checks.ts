/**
 * What no single key can tell: names that stand twice, ports that two parts want, an open API without a token. These look at
 * the raw values and take nothing for granted, so that they report beside the faults of the schema and not after them.
 */
import { normaliseInbound } from '../dialer/numbers.ts'
import { type Peer, peersText } from '../embedded/peers.ts'
import { ApelError, type Problem } from '../errors.ts'
import { near } from '../flow/near.ts'
import type { Document } from './document.ts'
import { isLoopback } from './values.ts'

type Path = (string | number)[]
type Found = { path: Path; key?: string; code: string; message: string; severity?: 'warning' }

const map = (value: unknown): Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])

export function crossChecks(document: Document): Problem[] {
  const root = map(document.value)
  const found: Found[] = [
    ...redis(root),
    ...nodes(root),
    ...ports(root),
    ...api(root),
    ...inbound(root),
    ...speech(root),
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

function* nodes(root: Record<string, unknown>): Iterable<Found> {
  const names = new Map<string, string>()
  const trunks = new Set<string>()
  for (const [n, value] of list(root.asterisk).entries()) {
    const node = map(value)
    const path: Path = ['asterisk', n]
    if (typeof node.name === 'string') {
      if (names.has(node.name))
        yield {
          path: [...path, 'name'],
          code: 'duplicate-name',
          message: `A node named ${node.name} stands above; every node has a name of its own.`,
        }
      names.set(node.name, node.name)
    }
    if (node.embedded === undefined) {
      for (const key of ['url', 'username', 'password'])
        if (node[key] === undefined)
          yield {
            path,
            code: 'missing-key',
            message: `\`${key}\` is missing; a node needs url, username and password, or \`embedded\`.`,
          }
    } else {
      for (const key of ['url', 'username', 'password', 'sounds'])
        if (node[key] !== undefined)
          yield {
            path,
            key,
            code: 'bad-value',
            message: `\`${key}\` is of no use beside \`embedded\`; the service sets up that Asterisk itself.`,
          }
    }
    const url = typeof node.url === 'string' && URL.canParse(node.url) ? new URL(node.url) : null
    if (url?.protocol === 'http:' && !isLoopback(url.hostname))
      yield {
        path: [...path, 'url'],
        code: 'plain-http',
        severity: 'warning',
        message: 'The password of ARI goes over the network in the clear; use https, or a tunnel.',
      }
    if (node.embedded !== undefined && typeof node.name === 'string' && !/^[A-Za-z0-9_-]{1,40}$/.test(node.name))
      yield {
        path: [...path, 'name'],
        code: 'bad-value',
        message: 'An embedded node is named with letters, digits, - and _, 40 at most; its folder is.',
      }
    if (node.embedded !== undefined) yield* peersOf(map(map(node.embedded).peers), [...path, 'embedded', 'peers'])
    const peers = node.embedded === undefined ? null : map(map(node.embedded).peers ?? { carrier: '' })
    for (const [t, item] of list(node.trunks).entries()) {
      const trunk = map(item)
      const at: Path = [...path, 'trunks', t]
      if (typeof trunk.name === 'string') {
        if (trunks.has(trunk.name))
          yield {
            path: [...at, 'name'],
            code: 'duplicate-name',
            message: `A trunk named ${trunk.name} stands above; every trunk has a name of its own, over all nodes.`,
          }
        trunks.add(trunk.name)
      }
      const endpoint = typeof trunk.endpoint === 'string' ? trunk.endpoint : `PJSIP/{number}@${trunk.name}`
      const peer = /^PJSIP\/\{number\}@([A-Za-z0-9_-]+)$/.exec(endpoint)?.[1]
      if (peers && peer !== undefined && !Object.hasOwn(peers, peer)) {
        const close = near(peer, Object.keys(peers))
        yield {
          path: trunk.endpoint === undefined ? at : [...at, 'endpoint'],
          code: 'unknown-peer',
          message: `There is no peer ${peer} on this node; ${close ? `did you mean ${close}?` : 'name it under `embedded.peers`.'}`,
        }
      }
    }
  }
}

/** The one who writes them into Asterisk's file knows what a peer may be. */
function* peersOf(peers: Record<string, unknown>, path: Path): Iterable<Found> {
  const sound: Record<string, Peer> = {}
  for (const [name, given] of Object.entries(peers)) {
    const peer = (typeof given === 'string' ? { uri: given } : given) as Peer
    if (typeof map(peer).uri !== 'string') continue
    try {
      peersText({ [name]: peer })
      sound[name] = peer
      peersText(sound)
    } catch (error) {
      delete sound[name]
      if (error instanceof ApelError) yield { path, key: name, code: 'bad-value', message: error.message }
    }
  }
}

function* ports(root: Record<string, unknown>): Iterable<Found> {
  const tcp = new Map<number, string>()
  const udp = new Map<number, string>()
  const take = function* (taken: Map<number, string>, port: unknown, what: string, path: Path): Iterable<Found> {
    const number = Number(port)
    if (!Number.isInteger(number) || number === 0) return
    const other = taken.get(number)
    if (other !== undefined)
      yield { path, code: 'port-taken', message: `Port ${number} is also ${other}; give each its own.` }
    else taken.set(number, what)
  }
  yield* take(tcp, map(root.api).port ?? 8080, 'the port of the API', ['api', 'port'])
  const ranges: { from: number; to: number; of: string }[] = []
  for (const [n, value] of list(root.asterisk ?? [{ name: 'local', embedded: {} }]).entries()) {
    const node = map(value)
    if (node.embedded === undefined) continue
    const embedded = map(node.embedded)
    const at: Path = ['asterisk', n, 'embedded']
    yield* take(tcp, embedded.http_port ?? 8098, `the http_port of node ${node.name}`, [...at, 'http_port'])
    yield* take(udp, embedded.sip_port ?? 5070, `the sip_port of node ${node.name}`, [...at, 'sip_port'])
    const match = /^(\d+)-(\d+)$/.exec(String(embedded.rtp ?? '20000-20999'))
    const range = { from: Number(match?.[1]), to: Number(match?.[2]), of: String(node.name) }
    const clash = ranges.find((other) => range.from <= other.to && other.from <= range.to)
    if (clash)
      yield {
        path: [...at, 'rtp'],
        code: 'port-taken',
        message: `These ports overlap those of node ${clash.of}; give each node a range of its own.`,
      }
    ranges.push(range)
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
