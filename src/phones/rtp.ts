/**
 * RTP as a phone needs it: a fixed header of 12 bytes before 20 ms of ulaw sound, or before the four bytes of a key
 * (RFC 4733). Asterisk sends nothing fancier to us, and takes nothing fancier.
 */
export const SOUND = 0
export const KEY = 101
/** Samples in a frame of 20 ms at 8 kHz; one ulaw sample is one byte. */
export const FRAME = 160
export const FRAME_MS = 20
/** ulaw's zero. */
export const QUIET = 0xff
/** A key's event number is its place here. */
export const KEYS = '0123456789*#ABCD'

export interface RtpPacket {
  type: number
  marker: boolean
  sequence: number
  timestamp: number
  source: number
  payload: Buffer
}

/** Null for what is no RTP: RTCP comes to a neighbouring port and may meet another phone's socket (types 200 to 204). */
export function readRtp(bytes: Buffer): RtpPacket | null {
  if (bytes.length < 12 || bytes[0]! >> 6 !== 2) return null
  const type = bytes[1]! & 0x7f
  if (type >= 72 && type <= 76) return null
  const start = 12 + 4 * (bytes[0]! & 0x0f)
  return {
    type,
    marker: (bytes[1]! & 0x80) !== 0,
    sequence: bytes.readUInt16BE(2),
    timestamp: bytes.readUInt32BE(4),
    source: bytes.readUInt32BE(8),
    payload: bytes.subarray(start),
  }
}

export function writeRtp(packet: RtpPacket): Buffer {
  const header = Buffer.alloc(12)
  header[0] = 0x80
  header[1] = packet.type | (packet.marker ? 0x80 : 0)
  header.writeUInt16BE(packet.sequence & 0xffff, 2)
  header.writeUInt32BE(packet.timestamp >>> 0, 4)
  header.writeUInt32BE(packet.source >>> 0, 8)
  return Buffer.concat([header, packet.payload])
}

/** The payload of a key: `duration` in samples since its begin, `end` in the last packets. */
export function keyPayload(key: string, duration: number, end: boolean): Buffer {
  const number = KEYS.indexOf(key.toUpperCase())
  if (number < 0) throw new Error(`a phone has no key ${JSON.stringify(key)}`)
  return Buffer.from([number, (end ? 0x80 : 0) | 10, (duration >> 8) & 0xff, duration & 0xff])
}
