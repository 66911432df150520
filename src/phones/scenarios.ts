/**
 * The two SIPp scenarios of the phones. SIPp is the SIP side: its own transactions, retransmissions, tags, and its own
 * log of every message. When to ring, answer, refuse or hang up is decided by the phone's behaviour (`phone.ts`): the
 * exchange hands SIPp a request that no network knows (RING, PROGRESS, ANSWER, REFUSE486, HANGUP, GIVEUP), which is a branch here.
 * Such an order carries the header lines of the call's INVITE, since `[last_…]` copies from whatever came last.
 * A scenario has no pauses, because what arrives within a pause (a CANCEL above all) would break it.
 */

/** Every refusal that a phone can be asked for; SIPp wants the code as a literal in its file. */
export const REFUSALS = [400, 401, 403, 404, 407, 408, 410, 480, 484, 486, 488, 500, 502, 503, 504, 600, 603, 604]

const OWN_TAG = 'tag=[pid]p[call_number]'

const SDP = `v=0
o=phone 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio MEDIA RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=ptime:20
a=sendrecv`

const label = (id: string) => `<label id="${id}"/>`
const on = (request: string, next: string) => `<recv request="${request}" optional="true" next="${next}"/>`
const onCode = (code: number, next: string) => `<recv response="${code}" optional="true" next="${next}"/>`

function send(lines: string[], { next = '', retransmit = false, body = '', media = '' } = {}): string {
  const attributes = `${next && ` next="${next}"`}${retransmit ? ' retrans="500"' : ''}`
  const tail = body
    ? ['Content-Type: application/sdp', 'Content-Length: [len]', '', body.replace('MEDIA', media)]
    : ['Content-Length: 0', '']
  return `<send${attributes}><![CDATA[\n${[...lines, ...tail].join('\n')}\n]]></send>`
}

/** An answer to what came last; `tagged` when our tag is not in its To yet. */
function answer(
  status: string,
  options: Parameters<typeof send>[1] & { tagged?: boolean; cseq?: string } = {},
): string {
  const to = options.tagged ? `[last_To:];${OWN_TAG}` : '[last_To:]'
  const contact = /^(18[03]|200)/.test(status) ? ['Contact: <sip:phone@[outer]>'] : []
  const cseq = options.cseq ?? '[last_CSeq:]'
  return send([`SIP/2.0 ${status}`, '[last_Via:]', '[last_From:]', to, '[last_Call-ID:]', cseq, ...contact], options)
}

/** In a conversation: the far side may hang up, re-invite, or we are told to hang up. Ends at `end`. */
function conversation(media: string, bye: string[]): string[] {
  return [
    label('talking'),
    on('INVITE', 'again'),
    on('ACK', 'talking'),
    on('HANGUP', 'hangup'),
    '<recv request="BYE"/>',
    answer('200 OK', { next: 'end' }),
    label('again'),
    answer('200 OK', { body: SDP, media, next: 'talking' }),
    label('hangup'),
    send(bye, { retransmit: true }),
    label('parting'),
    // Both may hang up at the same moment.
    on('BYE', 'crossed'),
    '<recv response="200" next="end"/>',
    label('crossed'),
    answer('200 OK', { next: 'parting' }),
  ]
}

function scenario(name: string, lines: string[]): string {
  const text = ['<?xml version="1.0" encoding="UTF-8"?>', `<scenario name="${name}">`, ...lines]
  return `${[...text, label('end'), '<nop/>', '</scenario>'].join('\n')}\n`
}

/** A phone that is called. Key `outer` is the exchange's address, host:port. */
export function calleeScenario(): string {
  const remember = (header: string, name: string, what = '.*') =>
    `<ereg regexp="${what}" search_in="hdr" header="${header}:" assign_to="${name}"/>`
  return scenario('callee', [
    '<recv request="INVITE"><action>',
    remember('From', 'from'),
    remember('To', 'to'),
    remember('Contact', 'contact', 'sip:[^>]*'),
    '</action></recv>',
    label('waiting'),
    on('CANCEL', 'cancelled'),
    on('RING', 'ring'),
    on('PROGRESS', 'progress'),
    ...REFUSALS.map((code) => on(`REFUSE${code}`, `refuse${code}`)),
    `<recv request="ANSWER"><action>${remember('X-Media', 'media', '[0-9]+')}</action></recv>`,
    answer('200 OK', { tagged: true, retransmit: true, body: SDP, media: '[$media]' }),
    label('answered'),
    on('CANCEL', 'too_late'),
    '<recv request="ACK"/>',
    ...conversation('[$media]', [
      'BYE [$contact] SIP/2.0',
      'Via: SIP/2.0/UDP [outer];rport;branch=[branch]',
      `From:[$to];${OWN_TAG}`,
      'To:[$from]',
      '[last_Call-ID:]',
      'CSeq: 1 BYE',
      'Max-Forwards: 70',
    ]),
    label('ring'),
    answer('180 Ringing', { tagged: true, next: 'waiting' }),
    label('progress'),
    answer('183 Session Progress', { tagged: true, next: 'waiting' }),
    ...REFUSALS.flatMap((code) => [
      label(`refuse${code}`),
      answer(`${code} Refused`, { tagged: true, retransmit: true }),
      '<recv request="ACK" next="end"/>',
    ]),
    label('cancelled'),
    answer('200 OK', { tagged: true }),
    answer('487 Request Terminated', { tagged: true, retransmit: true, cseq: 'CSeq: [last_cseq_number] INVITE' }),
    '<recv request="ACK" next="end"/>',
    label('too_late'),
    answer('200 OK', { tagged: true, next: 'answered' }),
  ])
}

/** A phone that calls. Keys: `outer`, `target` (Asterisk's address), `called`, `caller`, `rtp` (the port of our sound). */
export function callerScenario(): string {
  const request = (method: string, cseq: string, tag = '') => [
    `${method} sip:[called]@[target] SIP/2.0`,
    // One branch for the INVITE, its CANCEL and the ACK of a refusal: they are one transaction.
    'Via: SIP/2.0/UDP [outer];rport;branch=z9hG4bK-[pid]-[call_number]-invite',
    `From: <sip:[caller]@[outer]>;${OWN_TAG}`,
    `To: <sip:[called]@[target]>${tag}`,
    'Call-ID: [call_id]',
    `CSeq: ${cseq}`,
    'Max-Forwards: 70',
  ]
  const acknowledge = request('ACK', '1 ACK', '[peer_tag_param]')
  const refusals = [...new Set([...REFUSALS, 487])]
  const inDialog = (method: string, cseq: string) => [
    `${method} [next_url] SIP/2.0`,
    'Via: SIP/2.0/UDP [outer];rport;branch=[branch]',
    ...request(method, cseq, '[peer_tag_param]').slice(2),
  ]
  return scenario('caller', [
    send([...request('INVITE', '1 INVITE'), 'Contact: <sip:phone@[outer]>'], {
      retransmit: true,
      body: SDP,
      media: '[rtp]',
    }),
    label('calling'),
    ...[100, 180, 183].map((code) => onCode(code, 'calling')),
    ...refusals.map((code) => onCode(code, 'refused')),
    on('GIVEUP', 'giveup'),
    '<recv response="200" rrs="true"/>',
    send(inDialog('ACK', '1 ACK')),
    ...conversation('[rtp]', inDialog('BYE', '2 BYE')),
    label('giveup'),
    send(request('CANCEL', '1 CANCEL'), { retransmit: true }),
    label('given_up'),
    onCode(200, 'given_up'),
    onCode(180, 'given_up'),
    '<recv response="487"/>',
    label('refused'),
    send(acknowledge, { next: 'end' }),
  ])
}
