/**
 * SIPp's own log of messages, read as dialogs: the truth about what was on the wire, written by a program that is not
 * ours. One dialog is one Call-ID; a retransmitted INVITE is the same dialog, counted in `invites`.
 */
import { existsSync, readFileSync } from 'node:fs'
import { header, readSip, userOf } from './sip.ts'

/** Times are milliseconds since the epoch; null when it never happened. `phone` is our SIPp, `far` Asterisk. */
export interface Dialog {
  callId: string
  /** The user part that was asked for, and that of the caller. */
  to: string
  from: string
  /** Who sent the INVITE. */
  by: 'far' | 'phone'
  /** INVITEs that SIPp had with this Call-ID before the answer; the relay keeps repetitions of Asterisk's from it. */
  invites: number
  invitedAt: number
  ringingAt: number | null
  /** The final answer to the INVITE: 200, 486, 487 after a CANCEL, …; null when none was sent. */
  code: number | null
  answeredAt: number | null
  cancelledAt: number | null
  byeAt: number | null
  byeBy: 'far' | 'phone' | null
}

interface Entry {
  at: number
  sent: boolean
  text: string
}

/** Reads one or several logs (written in UTC); a file that is not there holds no dialogs. In the order of the INVITEs. */
export function readSipLog(...files: string[]): Dialog[] {
  const dialogs = new Map<string, Dialog>()
  for (const file of files) {
    if (!existsSync(file)) continue
    for (const entry of entries(readFileSync(file, 'utf8'))) note(dialogs, entry)
  }
  return [...dialogs.values()].sort((a, b) => a.invitedAt - b.invitedAt)
}

function* entries(log: string): Generator<Entry> {
  const head = /^-{20,} (\d{4}-\d\d-\d\d)\s+(\d\d:\d\d:\d\d\.\d+)\n\S+ message (sent|received).*\n\n/gm
  const heads = [...log.matchAll(head)]
  for (const [index, match] of heads.entries()) {
    const text = log.slice(match.index + match[0].length, heads[index + 1]?.index ?? log.length)
    const at = Date.parse(`${match[1]}T${match[2]!.slice(0, 12)}Z`)
    yield { at, sent: match[3] === 'sent', text: text.replace(/\r?\n/g, '\r\n') }
  }
}

function note(dialogs: Map<string, Dialog>, { at, sent, text }: Entry): void {
  const message = readSip(text)
  if (!message) return
  const by = sent ? 'phone' : 'far'
  const known = dialogs.get(message.callId)
  if (!known) {
    if (message.method === 'INVITE') dialogs.set(message.callId, begin(message.callId, message.user, text, by, at))
    return
  }
  if (message.method === 'INVITE' && known.code === null) known.invites += 1
  else if (message.method === 'CANCEL') known.cancelledAt ??= at
  else if (message.method === 'BYE' && known.byeAt === null) Object.assign(known, { byeAt: at, byeBy: by })
  else if (message.code > 0 && message.about === 'INVITE') progress(known, message.code, at)
}

function begin(callId: string, to: string, text: string, by: 'far' | 'phone', invitedAt: number): Dialog {
  const open = { ringingAt: null, code: null, answeredAt: null, cancelledAt: null, byeAt: null, byeBy: null }
  return { callId, to, from: userOf(header(text, 'From')), by, invites: 1, invitedAt, ...open }
}

function progress(dialog: Dialog, code: number, at: number): void {
  if (code === 180 || code === 183) dialog.ringingAt ??= at
  if (code < 200 || dialog.code !== null) return
  dialog.code = code
  if (code < 300) dialog.answeredAt = at
}
