/**
 * What a phone sends, as a capture file for SIPp's `play_pcap_audio`, which puts its own addresses in: 50 packets a second
 * without a voice, as every phone sends them, and in between one key as a telephone event (RFC 4733).
 */

/** Payload types of the phones' SDP. */
const ULAW = 0
const EVENT = 101
const VOLUME = 10
const SILENCE = 0xff
/** ms between packets, and units of 1/8000 s. */
const STEP = 20
const UNITS = 160

/** The key begins `at` ms after the start and lasts `length`; its end is sent three times, as the RFC asks. Silence up to `until`. */
export function phoneCapture(key: string, at: number, length: number, until: number): Buffer {
  const event = '0123456789*#'.indexOf(key)
  const packets: Buffer[] = []
  const add = (ms: number, type: number, timestamp: number, payload: Buffer) => {
    const rtp = Buffer.alloc(12)
    rtp[0] = 0x80
    rtp[1] = type
    rtp.writeUInt16BE(packets.length + 1, 2)
    rtp.writeUInt32BE(timestamp, 4)
    rtp.writeUInt32BE(0x61_70_65_6c, 8)
    packets.push(record(ms, udp(Buffer.concat([rtp, payload]))))
  }
  const press = (ms: number, units: number, end: boolean) => {
    const payload = Buffer.from([event, (end ? 0x80 : 0) | VOLUME, 0, 0])
    payload.writeUInt16BE(units, 2)
    add(ms, EVENT, (at / STEP) * UNITS, payload)
  }
  const sound = Buffer.alloc(UNITS, SILENCE)
  for (let ms = 0; ms < until; ms += STEP) {
    if (ms < at || ms >= at + length) add(ms, ULAW, (ms / STEP) * UNITS, sound)
    else press(ms, ((ms - at) / STEP + 1) * UNITS, false)
    if (ms === at + length - STEP) for (let n = 1; n <= 3; n += 1) press(ms + n, (length / STEP) * UNITS, true)
  }
  const head = Buffer.alloc(24)
  head.writeUInt32LE(0xa1b2c3d4, 0)
  head.writeUInt16LE(2, 4)
  head.writeUInt16LE(4, 6)
  head.writeUInt32LE(65535, 16)
  head.writeUInt32LE(1, 20)
  return Buffer.concat([head, ...packets])
}

function record(ms: number, frame: Buffer): Buffer {
  const head = Buffer.alloc(16)
  head.writeUInt32LE(Math.floor(ms / 1000), 0)
  head.writeUInt32LE((ms % 1000) * 1000, 4)
  head.writeUInt32LE(frame.length, 8)
  head.writeUInt32LE(frame.length, 12)
  return Buffer.concat([head, frame])
}

/** Ethernet, IPv4 and UDP around it; SIPp looks at their lengths and no more. */
function udp(payload: Buffer): Buffer {
  const head = Buffer.alloc(42)
  head.writeUInt16BE(0x0800, 12)
  head[14] = 0x45
  head.writeUInt16BE(28 + payload.length, 16)
  head[22] = 64
  head[23] = 17
  head.writeUInt32BE(0x7f000001, 26)
  head.writeUInt32BE(0x7f000001, 30)
  head.writeUInt16BE(8 + payload.length, 38)
  return Buffer.concat([head, payload])
}
