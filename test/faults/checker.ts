/**
 * The one checker that proves the promises P1 to P11 from outside, after any fault: what SIPp's log says was on the wire,
 * what the ledger says was attempted, what the receiver of webhooks was told, what Asterisk still has, and what the logs
 * say. The service's own counters are no evidence.
 *
 * Each account is plain data, so that the checker itself can be held to accounts that are wrong in one point.
 */
import type { Dialog } from '../../src/phones/sip-log.ts'
import type { Held } from '../support/memory.ts'

/** The fields of a record that a promise speaks of, as the API gives them (RFC 3339, null when absent). */
export interface Account {
  id: string
  number: string
  kind: string
  trunk: string | null
  disposition: string | null
  outcome: string | null
  queued_at: string | null
  dialed_at: string | null
  answered_at: string | null
  ended_at: string | null
}

/** One request that reached the receiver of webhooks, whatever it was answered. */
export interface Delivery {
  /** `X-Apel-Delivery`. */
  id: string
  event: string
  /** The record's id. */
  call: string
  disposition: string | null
}

/** What became of a call whose process was killed under it, by its phone. */
export interface Survivor {
  number: string
  /** Whether it reached the end that its phone was told to reach. */
  reached: boolean
  /** The longest stretch without a packet of sound, ms. */
  silence: number
}

export interface Evidence {
  dialogs: Dialog[]
  /** Every record, legs too. */
  records: Account[]
  /** By trunk: how many may be on at once, and begin in any rolling second. A dialog's trunk is its attempt's. */
  trunks: Record<string, { channels: number; cps: number }>
  /** When the Asterisk of these trunks was killed (ms), with all its channels: no BYE tells of their end. */
  deaths: { at: number; trunks: string[] }[]
  /** ms from the dial to the end at the most, without the 120 s of grace. */
  longest: number
  /** Numbers that nobody may dial; and times (ms) from when on nobody may, until when. */
  forbidden: string[]
  pauses: { from: number; to: number }[]
  /** Null: nobody listened to webhooks. */
  deliveries: Delivery[] | null
  /** Channels and bridges that Asterisk has after the run. */
  channels: number
  bridges: number
  logs: string
  /** What may stand in no log. */
  secrets: string[]
  survivors: Survivor[]
  /** What each process holds that lives after the run, and what it held when it had just started; after a collection. */
  processes: { name: string; fresh: Held; now: Held }[]
}

/** Grace of P3, of P4 after a pause, and of P7 for the clock of SIPp's log (it writes when a packet has come), ms. */
const END_GRACE = 120_000
const PAUSE_GRACE = 2_000
const JITTER = 25
/** Share of calls that must outlive their process (P11). */
const SURVIVE = 0.99

/** What a process may hold more than a fresh one (P8): caches of sounds and texts, code that has become warm; connections kept alive. */
const MORE_BYTES = 24 * 1024 * 1024
const MORE_HANDLES = 24

/** Every broken promise as a sentence; none means that all hold. */
export function broken(evidence: Evidence): string[] {
  return [
    ...oneDialogEach(evidence),
    ...oneEndEach(evidence),
    ...nobodyForbidden(evidence),
    ...nothingLeft(evidence),
    ...everyResultTold(evidence),
    ...withinTheTrunk(evidence),
    ...backToTheBaseline(evidence),
    ...discreet(evidence),
    ...survived(evidence),
  ]
}

/**
 * The attempt of each dialog that we began: the latest to its number that was written down before it and has none yet, or else
 * (which breaks P1) the latest of all. In the order of the dialogs.
 */
function attributed({ dialogs, records }: Evidence): { dialog: Dialog; record: Account | undefined }[] {
  const ours = dialogs.filter(({ by }) => by === 'far').sort((a, b) => a.invitedAt - b.invitedAt)
  const taken = new Set<string>()
  return ours.map((dialog) => {
    const before = records
      .filter((record) => record.kind !== 'inbound' && record.number === dialog.to)
      .filter((record) => time(record.queued_at) <= dialog.invitedAt + JITTER)
      .sort((a, b) => time(b.queued_at) - time(a.queued_at))
    const record = before.find(({ id }) => !taken.has(id)) ?? before[0]
    if (record) taken.add(record.id)
    return { dialog, record }
  })
}

/** P1 and P2. */
function oneDialogEach(evidence: Evidence): string[] {
  const { records } = evidence
  const faults: string[] = []
  const taken = new Set<string>()
  for (const { dialog, record } of attributed(evidence)) {
    if (record === undefined) faults.push(`P2: ${dialog.to} was dialled and no attempt stood in the ledger before`)
    else if (taken.has(record.id)) faults.push(`P1: the attempt ${record.id} has more than one dialog on the wire`)
    else taken.add(record.id)
  }
  for (const { id, answered_at, kind } of records)
    if (answered_at !== null && kind !== 'inbound' && !taken.has(id))
      faults.push(`P1: the attempt ${id} says that it was answered, and no dialog of it was on the wire`)
  return faults
}

/** P3. */
function oneEndEach({ records, longest }: Evidence): string[] {
  const faults: string[] = []
  const seen = new Set<string>()
  for (const { id, disposition, queued_at, ended_at } of records) {
    if (seen.has(id)) faults.push(`P3: the ledger gives the attempt ${id} twice`)
    seen.add(id)
    if (disposition === null || ended_at === null) faults.push(`P3: the attempt ${id} has not ended`)
    else if (time(ended_at) - time(queued_at) > longest + END_GRACE)
      faults.push(`P3: the attempt ${id} took ${Math.round((time(ended_at) - time(queued_at)) / 1000)} s`)
  }
  return faults
}

/** P4. */
function nobodyForbidden({ dialogs, forbidden, pauses }: Evidence): string[] {
  const listed = new Set(forbidden)
  const ours = dialogs.filter(({ by }) => by === 'far')
  return [
    ...ours.filter(({ to }) => listed.has(to)).map(({ to }) => `P4: ${to} may not be dialled and was`),
    ...pauses.flatMap(({ from, to }) =>
      ours
        .filter(({ invitedAt }) => invitedAt > from + PAUSE_GRACE && invitedAt < to)
        .map((dialog) => `P4: ${dialog.to} was dialled ${dialog.invitedAt - from} ms after a pause`),
    ),
  ]
}

/** P5, when the run is over. */
function nothingLeft({ channels, bridges }: Evidence): string[] {
  return [
    ...(channels > 0 ? [`P5: Asterisk has ${channels} channels that nobody owns`] : []),
    ...(bridges > 0 ? [`P5: Asterisk has ${bridges} bridges that nobody owns`] : []),
  ]
}

/** P6. */
function everyResultTold({ records, deliveries }: Evidence): string[] {
  if (deliveries === null) return []
  const faults: string[] = []
  const ends = deliveries.filter(({ event }) => event === 'call.ended')
  for (const { id, disposition, kind } of records) {
    if (kind === 'leg') continue
    const letters = ends.filter(({ call }) => call === id)
    if (letters.length === 0) faults.push(`P6: nobody was told of the end of ${id}`)
    if (new Set(letters.map((letter) => letter.id)).size > 1) faults.push(`P6: ${id} was told under two keys`)
    for (const letter of letters)
      if (letter.disposition !== disposition)
        faults.push(`P6: ${id} is ${disposition} in the ledger and was told as ${letter.disposition}`)
  }
  return faults
}

/** P7, by the wire: who is on the same trunk is known from the records. */
function withinTheTrunk(evidence: Evidence): string[] {
  const { trunks, deaths } = evidence
  const faults: string[] = []
  const all = attributed(evidence)
  for (const [name, { channels, cps }] of Object.entries(trunks)) {
    const begun = all.filter(({ record }) => record?.trunk === name).map(({ dialog }) => dialog)
    const died = deaths.filter((death) => death.trunks.includes(name)).map(({ at }) => at)
    const starts = begun.map(({ invitedAt }) => invitedAt).sort((a, b) => a - b)
    for (let last = cps; last < starts.length; last++) {
      const from = starts[last - cps]!
      const within = starts[last]! - from
      if (within < 1000 - JITTER)
        faults.push(`P7: ${cps + 1} calls over ${name} began within ${within} ms from ${new Date(from).toISOString()}`)
    }
    const moves = begun
      .flatMap((dialog) => [
        { at: dialog.invitedAt, by: 1 },
        { at: Math.min(endOf(dialog), ...died.filter((at) => at > dialog.invitedAt)), by: -1 },
      ])
      .sort((a, b) => a.at - b.at || a.by - b.by)
    let on = 0
    let most = 0
    for (const { by } of moves) {
      on += by
      most = Math.max(most, on)
    }
    if (most > channels) faults.push(`P7: ${most} calls were on over ${name} at once, ${channels} may be`)
  }
  return faults
}

/** P8. */
function backToTheBaseline({ processes, logs }: Evidence): string[] {
  return [
    ...processes.flatMap(({ name, fresh, now }) => [
      ...(now.bytes - fresh.bytes > MORE_BYTES
        ? [`P8: ${name} holds ${Math.round((now.bytes - fresh.bytes) / 2 ** 20)} MB more than when it had started`]
        : []),
      ...(now.handles - fresh.handles > MORE_HANDLES
        ? [`P8: ${name} has ${now.handles} connections, timers and listeners, and had ${fresh.handles}`]
        : []),
    ]),
    ...(/MaxListenersExceededWarning/.test(logs) ? ['P8: listeners were added and not taken away'] : []),
  ]
}

/** P9 and P10. */
function discreet({ logs, records, secrets }: Evidence): string[] {
  const numbers = [...new Set(records.map(({ number }) => number))].filter((number) => number.length > 6)
  const digits = numbers.map((number) => number.replace('+', ''))
  return [
    ...digits.filter((number) => logs.includes(number)).map(() => 'P9: a whole number stands in a log'),
    ...secrets.filter((secret) => logs.includes(secret)).map(() => 'P9: a secret stands in a log'),
    ...(/unhandled ?rejection|uncaught ?exception/i.test(logs) ? ['P10: a rejection was not handled'] : []),
  ]
}

/** P11. */
function survived({ survivors }: Evidence): string[] {
  const lost = survivors.filter(({ reached }) => !reached)
  if (survivors.length === 0 || 1 - lost.length / survivors.length >= SURVIVE) return []
  return [
    `P11: ${lost.length} of ${survivors.length} calls did not outlive their process: ${lost.map(({ number }) => number).join(', ')}`,
  ]
}

/** When the channel was free for another: the BYE, the refusal, the CANCEL. One that never ended is on to the end. */
function endOf({ byeAt, cancelledAt, code, invitedAt }: Dialog): number {
  if (byeAt !== null) return byeAt
  if (cancelledAt !== null) return cancelledAt
  // A refusal's time is not in the dialog; it came after the INVITE.
  return code !== null && code >= 300 ? invitedAt + 1 : Number.POSITIVE_INFINITY
}

function time(text: string | null): number {
  return text === null ? Number.POSITIVE_INFINITY : Date.parse(text)
}
