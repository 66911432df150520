/**
 * The far side of every arm: SIPp rings 200 ms, answers, sends sound as phones do, presses a key after 600 ms, and holds the call for good only when it
 * is hung up within three seconds of the key, and not before. Nothing but that is a success, so an arm that does not hear
 * the key, or does not come to its end, fails. SIPp's own CPU is charged to nobody.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sippOpen, startSipp } from '../../src/phones/sipp.ts'
import { waitFor } from '../../test/support/wait.ts'
import { phoneCapture } from './pcap.ts'

/** ms. */
export const RING = 200
export const KEY_AT = 600
const KEY_LENGTH = 80
const END_WITHIN = 3000

const SDP = `v=0
o=phone 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio [media_port] RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=ptime:20
a=sendrecv`

const answer = (status: string, extra = '', body = '') => `<![CDATA[
SIP/2.0 ${status}
[last_Via:]
[last_From:]
[last_To:];tag=[pid]p[call_number]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:phone@[local_ip]:[local_port]>${extra}
Content-Length: [len]

${body}
]]>`

const scenario = (capture: string) => `<?xml version="1.0" encoding="UTF-8"?>
<scenario name="phone">
<recv request="INVITE"/>
<send>${answer('180 Ringing')}</send>
<pause milliseconds="${RING}"/>
<send retrans="500">${answer('200 OK', '\nContent-Type: application/sdp', SDP)}</send>
<recv request="ACK"/>
<nop><action><exec play_pcap_audio="${capture}"/></action></nop>
<pause milliseconds="${KEY_AT}"/>
<recv request="BYE" timeout="${END_WITHIN}"/>
<send>${answer('200 OK').replace(';tag=[pid]p[call_number]', '')}</send>
</scenario>
`

export interface Tally {
  /** Calls that arrived, that went as they should, and that did not. */
  arrived: number
  good: number
  failed: number
  /** ms between the first and the last good one's end, to 200 ms. */
  span: number
}

export interface Phones {
  /** What SIPp has counted so far, at most 200 ms ago. */
  tally(): Tally
  /** Resolves when so many calls were good, or after `ms`. */
  over(calls: number, ms: number): Promise<Tally>
  /** SIPp's last word on what went wrong; empty when nothing did. */
  complaint(): string
  stop(): Promise<void>
}

/**
 * The phones of one stretch of calls. `port` is the one that the peer of Asterisk has. SIPp is not told how many calls
 * will come: what Asterisk sends again to calls of the stretch before would count as some of them.
 */
export async function startPhones(folder: string, port: number, media: number): Promise<Phones> {
  const capture = join(folder, 'key.pcap')
  const file = join(folder, 'phone.xml')
  const statistics = join(folder, `phones-${process.hrtime.bigint()}.csv`)
  writeFileSync(capture, phoneCapture('1', KEY_AT, KEY_LENGTH, KEY_AT + END_WITHIN))
  writeFileSync(file, scenario(capture))
  const args = ['-mp', String(media), '-trace_stat', '-stf', statistics, '-fd', '200ms']
  const log = join(folder, 'phones.log')
  const sipp = await startSipp(file, log, args, { port, messages: false })
  await sippOpen(sipp, log)
  const tally = () => tallyOf(statistics)
  return {
    tally,
    async over(calls, ms) {
      const all = () => tally().good >= calls
      await waitFor(all, { timeout: ms, every: 50, what: 'the phones' }).catch(() => undefined)
      return tally()
    },
    complaint: () => (existsSync(`${log}.errors`) ? readFileSync(`${log}.errors`, 'utf8').trim().slice(-500) : ''),
    stop: () => sipp.stop(),
  }
}

function tallyOf(file: string): Tally {
  let text = ''
  try {
    text = readFileSync(file, 'utf8')
  } catch {}
  const [head = '', ...lines] = text.trimEnd().split('\n')
  const names = head.split(';')
  const rows = lines.map((line) => line.split(';')).filter((row) => row.length >= names.length - 1)
  const at = (row: string[] | undefined, name: string) => row?.[names.indexOf(name)] ?? '0'
  const good = rows.map((row) => Number(at(row, 'SuccessfulCall(C)')))
  const last = rows.at(-1)
  const first = good.findIndex((count) => count > 0)
  const full = good.indexOf(good.at(-1) ?? 0)
  // "DATE\tTIME\tSECONDS.MICROSECONDS"
  const time = (row: string[] | undefined) => 1000 * Number(at(row, 'CurrentTime').split('\t').at(-1))
  return {
    arrived: Number(at(last, 'TotalCallCreated')),
    good: good.at(-1) ?? 0,
    failed: Number(at(last, 'FailedCall(C)')),
    span: first < 0 ? 0 : time(rows[full]) - time(rows[first]),
  }
}
