/** The figures of the summary, all from SIPp's log, from what the phones heard, and from the kernel's accounts. */
import { readFileSync } from 'node:fs'
import type { PhoneCall } from '../src/phones/phone.ts'
import type { Dialog } from '../src/phones/sip-log.ts'

/** Seconds of conversation, from the answer to the BYE. */
export function talkTimes(dialogs: Dialog[]): { total: number; median: number; longest: number } {
  const times = dialogs
    .flatMap(({ answeredAt, byeAt }) => (answeredAt === null || byeAt === null ? [] : [(byeAt - answeredAt) / 1000]))
    .sort((a, b) => a - b)
  return {
    total: times.reduce((sum, time) => sum + time, 0),
    median: times[times.length >> 1] ?? 0,
    longest: times.at(-1) ?? 0,
  }
}

/** Calls a second: the most INVITEs of ours in any rolling second, and the most calls that were up at one time. */
export function rates(dialogs: Dialog[]): { most: number; together: number } {
  const starts = dialogs.filter((dialog) => dialog.by === 'far').map((dialog) => dialog.invitedAt)
  const most = Math.max(0, ...starts.map((from) => starts.filter((at) => at >= from && at < from + 1000).length))
  const up = dialogs.filter(({ answeredAt }) => answeredAt !== null)
  const together = Math.max(
    0,
    ...up.map(
      ({ answeredAt: at }) => up.filter((other) => other.answeredAt! <= at! && (other.byeAt ?? Infinity) > at!).length,
    ),
  )
  return { most, together }
}

/** Milliseconds from the end of the last sound to our BYE, for calls that nobody said anything in. */
export function goodbyes(calls: PhoneCall[]): number[] {
  return calls.flatMap(({ ear, endedAt, endedBy }) => {
    const last = ear.phrases.at(-1)
    return last && endedAt !== null && endedBy === 'far' ? [endedAt - last.to] : []
  })
}

/** CPU milliseconds that a process has used so far; 0 when it is gone. */
export function cpuOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // Ticks of a hundredth of a second, on every Linux that Node runs on.
    return (Number(fields[11]) + Number(fields[12])) * 10
  } catch {
    return 0
  }
}
