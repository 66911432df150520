/**
 * Holes in versions of Asterisk that lie open to whoever can reach what this service needs open: SIP, and ARI. From the
 * security advisories that the change log of each release names (https://github.com/asterisk/asterisk/security/advisories);
 * those in modules that a call does not need are left out.
 */

export interface Hole {
  advisory: string
  what: string
  /** By major version: the release that closed it. */
  fixed: Readonly<Record<number, string>>
  /** By major version: the only release that has it, where it came and went. */
  only?: Readonly<Record<number, string>>
}

const JUNE_2026 = { 20: '20.20.1', 21: '21.12.3', 22: '22.10.1', 23: '23.4.1' }

export const HOLES: readonly Hole[] = [
  {
    advisory: 'GHSA-qqxj-v78h-hrf9',
    what: 'takes every unknown SIP request for one of a known peer',
    fixed: { 20: '20.8.1', 21: '21.3.1' },
    only: { 20: '20.8.0', 21: '21.3.0' },
  },
  {
    advisory: 'GHSA-v428-g3cw-7hv9',
    what: 'a SIP request with a malformed Contact crashes it where res_resolver_unbound is loaded',
    fixed: { 20: '20.9.3', 21: '21.4.3', 22: '22.0.0' },
  },
  {
    advisory: 'GHSA-mrq5-74j5-f5cr',
    what: 'an Identity header crashes it where res_stir_shaken verifies callers',
    fixed: { 20: '20.15.1', 21: '21.10.1', 22: '22.5.1' },
  },
  {
    advisory: 'GHSA-64qc-9x89-rx5j',
    what: 'a malformed Authorization header in a SIP request crashes it',
    fixed: { 20: '20.15.2', 21: '21.10.2', 22: '22.5.2' },
  },
  { advisory: 'GHSA-8jw3-ccr9-xrmf', what: 'a SIP NOTIFY from anybody crashes it', fixed: JUNE_2026 },
  { advisory: 'GHSA-589g-qgf8-m6mx', what: 'a SIP NOTIFY from anybody disables its SIP', fixed: JUNE_2026 },
  {
    advisory: 'GHSA-g8q2-p36q-94f6',
    what: 'a SIP connection over TCP that closes early corrupts its memory',
    fixed: JUNE_2026,
  },
  {
    advisory: 'GHSA-wcvv-g26m-wx5c',
    what: 'an ARI account that may only read can do all over the websocket',
    fixed: JUNE_2026,
  },
  { advisory: 'GHSA-vrfp-mg3q-3959', what: 'an ARI account can write files', fixed: JUNE_2026 },
]

/** Those of this version (`22.10.1`, `22.10.1+dfsg…`). None for one whose numbers cannot be read. */
export function holesOf(version: string): Hole[] {
  const own = numbers(version)
  if (own === null) return []
  const [major] = own
  return HOLES.filter(({ fixed, only }) => {
    const [closed, one] = [numbers(fixed[major] ?? ''), numbers(only?.[major] ?? '')]
    if (only !== undefined) return one !== null && compare(own, one) === 0
    return closed !== null && compare(own, closed) < 0
  })
}

/** The release of its own line that has none of these; null when this one has none. */
export function mendedIn(version: string): string | null {
  const major = numbers(version)?.[0] ?? 0
  const releases = holesOf(version).flatMap(({ fixed }) => {
    const closed = numbers(fixed[major] ?? '')
    return closed === null ? [] : [closed]
  })
  return releases.sort(compare).at(-1)?.join('.') ?? null
}

type Numbers = [number, number, number]

/** A certified release (`certified/20.7-cert5`) is mended under numbers of its own: it is not judged. */
function numbers(version: string): Numbers | null {
  const read = /^(\d+)\.(\d+)\.(\d+)(?!\S*cert)/.exec(version)
  return read === null ? null : [Number(read[1]), Number(read[2]), Number(read[3])]
}

function compare(one: Numbers, other: Numbers): number {
  return one[0] - other[0] || one[1] - other[1] || one[2] - other[2]
}
