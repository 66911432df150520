/** Checks over the nodes of `apel.yaml`: their accounts, trunks and peers, and the ports that they and the API want. */
import { type Peer, peersText } from '../embedded/peers.ts'
import { ApelError } from '../errors.ts'
import { near } from '../flow/near.ts'
import { type Found, list, map, type Path } from './found.ts'
import { isLoopback } from './values.ts'

export function* nodes(root: Record<string, unknown>): Iterable<Found> {
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

export function* ports(root: Record<string, unknown>): Iterable<Found> {
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
