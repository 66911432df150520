/** SIP messages, as far as an exchange has to read them. Asterisk and SIPp both write full header names. */
export interface SipMessage {
  /** Empty for an answer. */
  method: string
  /** 0 for a request. */
  code: number
  /** The user part of the request's address; empty for an answer. */
  user: string
  callId: string
  /** The method of the CSeq line: what an answer answers. */
  about: string
  text: string
}

/** Null for what is no SIP, such as keep-alives. */
export function readSip(text: string): SipMessage | null {
  const first = text.slice(0, text.indexOf('\r\n'))
  const answer = /^SIP\/2\.0 (\d{3})/.exec(first)
  const request = /^([A-Z]+\d*) sips?:(?:([^@;>]*)@)?[^ ]* SIP\/2\.0$/.exec(first)
  const callId = header(text, 'Call-ID')
  if ((!answer && !request) || !callId) return null
  return {
    method: request?.[1] ?? '',
    code: answer ? Number(answer[1]) : 0,
    user: decodeURIComponent(request?.[2] ?? ''),
    callId,
    about: /\S+$/.exec(header(text, 'CSeq') ?? '')?.[0] ?? '',
    text,
  }
}

export function header(text: string, name: string): string | null {
  return new RegExp(`^${name}[ \\t]*:[ \\t]*(.*?)\\r?$`, 'im').exec(text.split('\r\n\r\n', 1)[0]!)?.[1] ?? null
}

/** The user part of the address in a From or To line. */
export function userOf(line: string | null): string {
  return decodeURIComponent(/sips?:([^@;>]*)@/.exec(line ?? '')?.[1] ?? '')
}

/** The header lines that tie an answer to its request, as they stand: every Via, From, To, Call-ID, CSeq. */
export function transactionLines(text: string): string[] {
  return text
    .split('\r\n\r\n', 1)[0]!
    .split('\r\n')
    .filter((line) => /^(Via|From|To|Call-ID|CSeq|Contact)[ \t]*:/i.test(line))
}

/** Where the other side wants its sound, from the session description; null when there is none. */
export function mediaAddress(text: string): { host: string; port: number } | null {
  const host = /^c=IN IP4 (\S+)/m.exec(text)?.[1]
  const port = /^m=audio (\d+)/m.exec(text)?.[1]
  return host && port && port !== '0' ? { host, port: Number(port) } : null
}
