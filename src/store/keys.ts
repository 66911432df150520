/**
 * Every name in Redis. Scripts write the same names by the functions of `scripts/prelude.ts`; nothing else does.
 *
 * A campaign of a million contacts must fit in twice the bytes of its CSV, so a contact has no key of its own: rows lie
 * in lists of 128, packed; the way from a number or a key to its row lies in 16,384 small hashes; and a state exists
 * only for contacts that something has happened to. Redis keeps all of these as flat bytes.
 */
import { createHash } from 'node:crypto'

/** Of what is stored. Another one is refused at start. Decision 0140 says when it grows. */
export const DATA_VERSION = 2

export const ROWS_A_BUCKET = 128

export const keys = {
  ledger: 'apel:ledger',
  paused: 'apel:paused',
  campaigns: 'apel:campaigns',
  live: 'apel:live',
  ended: 'apel:ended',
  callbacks: 'apel:callbacks',
  bell: 'apel:bell',
  queuePrefix: 'apel:queue',
  hooks: 'apel:hooks',
  hooksSeen: 'apel:hooks:seen',
  hooksBell: 'apel:hooks:bell',
  deadLetters: 'apel:hooks:dead',
  deadLettersAt: 'apel:hooks:dead:at',
  hook: (id: string, part: 'due' | 'lease') => `apel:hook:${id}:${part}`,
  hookLine: (id: string, line: string) => `apel:hook:${id}:line:${line}`,
  instances: 'apel:instances',
  lock: (name: string) => `apel:lock:${name}`,
  lease: (instance: string) => `apel:i:${instance}:lease`,
  epoch: (instance: string) => `apel:i:${instance}:epoch`,
  instanceLive: (instance: string) => `apel:i:${instance}:live`,
  attempt: (id: string) => `apel:a:${id}`,
  steps: (id: string) => `apel:a:${id}:steps`,
  journal: (id: string) => `apel:a:${id}:journal`,
  text: (digest: string) => `apel:text:${digest}`,
  texts: (name: string) => `apel:texts:${name}`,
  number: (number: string) => `apel:n:${number}`,
  dnc: (campaign: string | null) => (campaign === null ? 'apel:dnc' : `apel:dnc:${campaign}`),
  trunk: (name: string, part: 'live' | 'rate' | 'state' | 'run') => `apel:t:${name}:${part}`,
  callback: (id: string) => `apel:cb:${id}`,
  openCallback: (number: string) => `apel:cbn:${number}`,
  callbacksOf: (number: string) => `apel:ncb:${number}`,
  idempotency: (key: string) => `apel:idem:${createHash('sha256').update(key).digest('base64url')}`,
  campaign: (name: string) => `apel:c:${name}`,
  counts: (name: string) => `apel:c:${name}:counts`,
  flowCounts: (name: string) => `apel:c:${name}:steps`,
  schemas: (name: string) => `apel:c:${name}:schemas`,
  rows: (name: string, row: number) => `apel:c:${name}:r:${Math.floor(row / ROWS_A_BUCKET)}`,
  states: (name: string, row: number) => `apel:c:${name}:s:${Math.floor(row / ROWS_A_BUCKET)}`,
  lanes: (name: string) => `apel:c:${name}:lanes`,
  due: (name: string) => `apel:c:${name}:due`,
  dueCallbacks: (name: string) => `apel:c:${name}:cb`,
  window: (name: string) => `apel:c:${name}:window`,
  campaignLive: (name: string) => `apel:c:${name}:live`,
  results: (name: string) => `apel:c:${name}:results`,
  run: (campaign: string, id: string) => `apel:c:${campaign}:run:${id}`,
  import: (id: string) => `apel:import:${id}`,
  rejects: (campaign: string, id: string) => `apel:c:${campaign}:rejects:${id}`,
}
