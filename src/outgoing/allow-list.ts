/**
 * What the service may reach: a list of hosts. A host is reached by its name or address when an entry names it (`crm.example`,
 * `crm.example:8443`, `192.0.2.7`, `10.0.0.0/8`). An address that is not public (loopback, private, link-local, …) is reached
 * only when an entry names that very address, the `host:port`, or a network that holds it, since a name that an outsider
 * controls may point anywhere.
 */
import ipaddr from 'ipaddr.js'
import { ApelError } from '../errors.ts'

export interface AllowList {
  /** Is this host named at all, by name, address, `host:port` or network? */
  names(host: string, port: number): boolean
  /** May a connection to `host:port` go to this address? Public ones may; others when an entry names them. */
  reaches(address: string, host: string, port: number): boolean
}

/** Reads `http.allow_hosts`. Throws `bad_host` with the entry that is no host, `host:port`, address or network. */
export function allowList(entries: readonly string[]): AllowList {
  const hosts = new Set<string>()
  const networks: [ipaddr.IPv4 | ipaddr.IPv6, number][] = []
  for (const entry of entries) {
    if (ipaddr.isValidCIDR(entry)) networks.push(ipaddr.parseCIDR(entry))
    else hosts.add(hostEntry(entry))
  }
  const inNetwork = (address: string) => {
    if (!ipaddr.isValid(address)) return false
    const found = ipaddr.process(address)
    return networks.some(([net, bits]) => found.kind() === net.kind() && found.match([net, bits] as never))
  }
  return {
    names: (host, port) => hosts.has(host) || hosts.has(`${host}:${port}`) || inNetwork(host),
    reaches(address, host, port) {
      const found = ipaddr.process(address)
      if (found.range() === 'unicast') return true
      const text = found.toString()
      return hosts.has(text) || hosts.has(`${text}:${port}`) || hosts.has(`${host}:${port}`) || inNetwork(address)
    },
  }
}

/** The address of a request, once it is seen to be http(s) and on the list. Throws `http_refused`. */
export function allowedUrl(text: string, list: AllowList): URL {
  const url = urlOf(text)
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text
    throw new ApelError('http_refused', `\`${shown}\` is no http or https address.`)
  }
  if (url.username !== '' || url.password !== '')
    throw new ApelError('http_refused', `The address on ${url.host} holds a user name; put credentials into a header.`)
  if (!list.names(hostOf(url), portOf(url)))
    throw new ApelError('http_refused', `${url.host} is not allowed; list it under \`http.allow_hosts\`.`)
  return url
}

/** The host as the list knows it: an address in its one spelling and without brackets, a name in lower case. */
export function hostOf(url: URL): string {
  const name = url.hostname.replace(/^\[|\]$/g, '').toLowerCase()
  return ipaddr.isValid(name) ? ipaddr.process(name).toString() : name.replace(/\.$/, '')
}

/** The port, the protocol's own when the address names none. */
export function portOf(url: URL): number {
  return url.port !== '' ? Number(url.port) : url.protocol === 'https:' ? 443 : 80
}

function hostEntry(entry: string): string {
  const text = entry.includes(':') && ipaddr.isValid(entry) ? `[${entry}]` : entry
  const url = /[/?#@\\\s]/.test(text) ? null : urlOf(`http://${text}`)
  if (url === null || hostOf(url) === '')
    throw new ApelError('bad_host', `\`${entry}\` is no host, host:port, address or network (10.0.0.0/8).`, { entry })
  // From the text: an address drops the port that is its protocol's own.
  const port = /:(\d+)$/.exec(text)?.[1]
  return port === undefined ? hostOf(url) : `${hostOf(url)}:${Number(port)}`
}

function urlOf(text: string): URL | null {
  return URL.canParse(text) ? new URL(text) : null
}

/** Does the list name this host as a flow writes it (`HOST` or `HOST:PORT`)? For the check of a flow, before any call. */
export function allowsHost(host: string, list: AllowList): boolean {
  const url = urlOf(`http://${host}`)
  if (url === null) return false
  const ports = url.port === '' ? [80, 443] : [Number(url.port)]
  return ports.some((port) => list.names(hostOf(url), port))
}
