/**
 * The peers of an embedded node as PJSIP's configuration: each a trunk, a carrier's account or a phone. A peer is known
 * by the address that its packets come from; who is not named here is nobody, and reaches no dialplan.
 *
 * What people write here ends up in a line-based file in which `;` begins a comment, so every value is checked and
 * escaped: a password may hold anything but control characters.
 */
import { isIP } from 'node:net'
import { ApelError } from '../errors.ts'

export interface Peer {
  /** `sip:HOST[:PORT]`, with parameters (`;transport=…`) if need be. */
  uri: string
  username?: string | null
  password?: string | null
  /** Log in at the peer, as most carriers' accounts want it. */
  register?: boolean
  /** The domain in From, where a carrier knows its customers by it. */
  from_domain?: string | null
  /** In order of preference; `ulaw`, `alaw` when left out. */
  codecs?: string[] | null
  /** Addresses, networks or address:port that its calls come from; when left out, the host (and port) of `uri`. */
  allow_from?: string[] | null
  /** Seconds between two OPTIONS that ask whether it lives; none when left out. */
  qualify?: number | null
}

const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,39}$/
const RESERVED = new Set(['global', 'system', 'general', 'apel-transport'])
const URI = /^sips?:(?:[^@\s<>"]+@)?(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(?::(\d{1,5}))?((?:;[A-Za-z0-9=_.-]+)*)$/
const SOURCE = /^(\[?[0-9A-Fa-f:.]+\]?(:\d{1,5})?(\/[0-9.]+)?|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)$/

/** The endpoint, address, identification, login and registration of every peer, for inclusion in pjsip.conf. */
export function peersText(peers: Record<string, string | Peer>): string {
  const sources = new Map<string, string>()
  return Object.entries(peers)
    .map(([name, given]) => {
      const peer = typeof given === 'string' ? { uri: given } : given
      const host = checked(name, peer)
      const from = peer.allow_from?.length ? peer.allow_from : [host]
      for (const source of from) {
        const other = sources.get(source)
        if (other !== undefined) {
          throw fault(
            name,
            `its calls would come from ${source}, and so would those of ${other}: nobody could tell them apart. Give each a port in its uri, or its own allow_from.`,
          )
        }
        sources.set(source, name)
      }
      return peerText(name, peer, from)
    })
    .join('\n')
}

function fault(name: string, what: string): ApelError {
  return new ApelError('peer', `Peer ${JSON.stringify(name)} of the embedded Asterisk: ${what}`, { peer: name })
}

/** Checks a peer; returns the address that its own packets are expected from. */
function checked(name: string, peer: Peer): string {
  if (!NAME.test(name) || RESERVED.has(name)) {
    throw fault(
      name,
      'a name begins with a letter and goes on with letters, digits, _ and -, 40 at most; it is part of dial strings.',
    )
  }
  const uri = URI.exec(peer.uri)
  const port = uri?.[2]
  if (!uri?.[1] || Number(port ?? 1) < 1 || Number(port ?? 1) > 65535) {
    throw fault(name, `its uri ${JSON.stringify(peer.uri)} is not of the form sip:HOST or sip:HOST:PORT.`)
  }
  for (const codec of peer.codecs ?? []) {
    if (!/^[a-z0-9]+$/.test(codec))
      throw fault(name, `${JSON.stringify(codec)} is not a codec's name, such as ulaw, alaw or g722.`)
  }
  for (const source of peer.allow_from ?? []) {
    if (!SOURCE.test(source))
      throw fault(name, `allow_from ${JSON.stringify(source)} is not an address, a network or address:port.`)
  }
  if (peer.register && !peer.username) throw fault(name, 'register needs a username (and usually a password).')
  if (peer.password && !peer.username) throw fault(name, 'a password needs a username.')
  // Several peers on one address are told apart by the port. A name's port is left out: carriers with one answer from many.
  const host = uri[1].replace(/^\[|\]$/g, '')
  if (port === undefined || !isIP(host)) return host
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`
}

function peerText(name: string, peer: Peer, from: string[]): string {
  const line = (key: string, value: string | null | undefined) =>
    value ? [`${key} = ${escaped(name, key, value)}`] : []
  const login = peer.username ? name : null
  const host = peer.uri.replace(/^(sips?:)[^@]*@/, '$1')
  const endpoint = [
    `[${name}]`,
    'type = endpoint',
    'transport = apel-transport',
    'context = apel-inbound',
    'disallow = all',
    `allow = ${(peer.codecs?.length ? peer.codecs : ['ulaw', 'alaw']).join(',')}`,
    `aors = ${name}`,
    ...line('outbound_auth', login),
    ...line('from_domain', peer.from_domain),
    // Media goes through Asterisk: it plays, records, listens and detects keys.
    'direct_media = no',
    'dtmf_mode = rfc4733',
    // Answers go where packets came from: carriers and phones behind NAT.
    'rtp_symmetric = yes',
    'force_rport = yes',
    'rewrite_contact = yes',
    'identify_by = ip',
    // The caller id is sent as P-Asserted-Identity too, and taken from it.
    'send_pai = yes',
    'trust_id_outbound = yes',
    'trust_id_inbound = yes',
    // Bridging must not rename the caller in mid-call; a REFER from outside must not move our call.
    'send_connected_line = no',
    'allow_transfer = no',
  ]
  const aor = [
    `[${name}]`,
    'type = aor',
    ...line('contact', peer.uri),
    `qualify_frequency = ${Math.trunc(peer.qualify ?? 0)}`,
  ]
  const identify = [
    `[${name}]`,
    'type = identify',
    `endpoint = ${name}`,
    'srv_lookups = no',
    ...from.map((source) => `match = ${source}`),
  ]
  const auth = login
    ? [
        `[${name}]`,
        'type = auth',
        'auth_type = userpass',
        ...line('username', peer.username),
        ...line('password', peer.password),
      ]
    : []
  const registration = peer.register
    ? [
        `[${name}]`,
        'type = registration',
        'transport = apel-transport',
        `outbound_auth = ${name}`,
        ...line('server_uri', host),
        ...line('client_uri', host.replace(/^(sips?:)/, `$1${encodeURIComponent(peer.username ?? '')}@`)),
        ...line('contact_user', peer.username),
        // For ever: a carrier that is away, or refuses for a while, must not need a restart of ours.
        'retry_interval = 30',
        'forbidden_retry_interval = 300',
        'fatal_retry_interval = 300',
        'max_retries = 1000000',
      ]
    : []
  return [endpoint, aor, identify, auth, registration]
    .filter((block) => block.length > 0)
    .map((block) => `${block.join('\n')}\n`)
    .join('\n')
}

function escaped(name: string, key: string, value: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused here
  if (/[\x00-\x1f\x7f]/.test(value) || value !== value.trim()) {
    throw fault(
      name,
      `its ${key} begins or ends with a blank, or holds a control character; Asterisk's files cannot hold that.`,
    )
  }
  return value.replaceAll(';', '\\;')
}
