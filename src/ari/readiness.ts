/**
 * What a fresh link needs before calls may go over it: Asterisk is new enough, the technology that the trunks dial
 * through is loaded and has an endpoint (its HTTP answers seconds before PJSIP does), and it sends only the
 * events that we read. Each time anew: the filter lives and dies with the application, not with the socket.
 */
import { ApelError } from '../errors.ts'
import { EVENT_TYPES } from './events.ts'
import type { AriLink } from './link.ts'
import { saidBy } from './refusals.ts'

export interface Facts {
  /** e.g. `22.10.1`. */
  version: string
  /** As Asterisk gives it; another value means that it was restarted, and that every channel is gone. */
  startup: string
}

/** Older ones lack what calls are made of here: a filter of events, the SIP code of an end. */
export const OLDEST = 20

/** Reads version and start time. Rejects with `node_refused` when the account is wrong. */
export async function readFacts(link: AriLink, node: string): Promise<Facts> {
  const answer = await link.request('GET', '/asterisk/info')
  if (answer.status !== 200) {
    throw new ApelError(
      'node_refused',
      `Asterisk node ${node} answered ${answer.status} to GET /asterisk/info: ${saidBy(answer.body)}; check url, username and password, and that ari.conf gives this account more than read_only`,
      { node, status: answer.status },
      true,
    )
  }
  const info = answer.body as { system?: { version?: unknown }; status?: { startup_time?: unknown } } | null
  return {
    version: String(info?.system?.version ?? 'unknown').replace(/[^0-9.].*$/, '') || String(info?.system?.version),
    startup: String(info?.status?.startup_time ?? ''),
  }
}

/** The major version in `22.10.1`, `certified/20.7-cert5`, `GIT-22-ab12cd3`; infinite for the development branch; null: unreadable. */
export function majorOf(version: string): number | null {
  if (/^GIT-master\b/i.test(version)) return Number.POSITIVE_INFINITY
  const major = /^(?:certified[/-]|GIT-)?(\d{1,3})(?=[.-]|$)/i.exec(version)?.[1]
  return major === undefined ? null : Number(major)
}

/** Why this version will not do; null when it does. */
export function unfit(version: string): string | null {
  const major = majorOf(version)
  if (major === null)
    return `the version of Asterisk cannot be read from "${version}", ${OLDEST} or later is needed: build it from a release, or with a file .version in its sources that names one`
  return major >= OLDEST ? null : `Asterisk ${version} is too old: version ${OLDEST} or later is needed`
}

/** Switches the allow-list of events on. `RESTResponse` carries the answers of the other transport. */
export async function filterEvents(link: AriLink, app: string): Promise<void> {
  const allowed = [...EVENT_TYPES, 'RESTResponse'].map((type) => ({ type }))
  const answer = await link.request('PUT', `/applications/${encodeURIComponent(app)}/eventFilter`, {}, { allowed })
  if (answer.status >= 300) {
    throw new ApelError(
      'ari_refused',
      `the event filter was refused with status ${answer.status}: ${saidBy(answer.body)}`,
      {
        status: answer.status,
      },
    )
  }
}

/**
 * The technologies whose endpoints Asterisk tells, and their drivers; of others, such as `Local`, a refused dial is the first
 * to know. Endpoints of PJSIP are there as soon as its stack is, which is before anything can be dialled through them.
 */
const DRIVERS: Readonly<Record<string, string>> = { PJSIP: 'chan_pjsip.so', SIP: 'chan_sip.so', IAX2: 'chan_iax2.so' }

/** Which of the technologies (`PJSIP`) cannot be dialled through yet, as a sentence; null when all can. */
export async function missingEndpoint(link: AriLink, technologies: readonly string[]): Promise<string | null> {
  for (const technology of technologies) {
    const driver = DRIVERS[technology.toUpperCase()]
    if (driver === undefined) continue
    const module = await link.request('GET', `/asterisk/modules/${driver}`)
    const answer = await link.request('GET', `/endpoints/${encodeURIComponent(technology)}`)
    const running = module.status === 200 && (module.body as { status?: unknown } | null)?.status === 'Running'
    if (!running || answer.status === 404) return `${technology} is not loaded in Asterisk yet`
    if (answer.status >= 300) return `asking for the endpoints of ${technology} gave status ${answer.status}`
    if (!Array.isArray(answer.body) || answer.body.length === 0) return `${technology} has no endpoint in Asterisk yet`
  }
  return null
}
