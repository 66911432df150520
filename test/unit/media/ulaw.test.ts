import fc from 'fast-check'
import t from 'tap'
import { length, loudness, trim } from '../../../src/media/ulaw.ts'

t.test('u-law bytes are as loud as G.711 says', async (t) => {
  for (const [byte, level] of [
    [0xff, 0],
    [0x7f, 0],
    [0x80, 32124],
    [0x00, 32124],
    [0xfe, 8],
    [0xf0, 120],
    [0xef, 132],
  ] as const)
    t.equal(loudness(byte), level, byte.toString(16))
})

t.test('a phrase keeps its sound and loses the silence around it', async (t) => {
  const hush = (ms: number) => Buffer.alloc(ms * 8, 0xff)
  const sound = Buffer.alloc(100 * 8, 0x90)
  const cut = trim(Buffer.concat([hush(500), sound, hush(700)]))
  t.equal(length(cut.length), 260, '100 ms with 30 ms before and 120 ms after them, in whole frames')
  t.ok(cut.includes(sound))
})

t.test('silence throughout becomes one frame, not a file that Asterisk refuses', async (t) => {
  t.equal(length(trim(Buffer.alloc(80_000, 0xff)).length), 20)
  t.equal(length(trim(Buffer.alloc(0)).length), 20)
})

t.test('nothing loud is ever lost, and the length is whole frames', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), (bytes) => {
      const sound = Buffer.from(bytes)
      const cut = trim(sound)
      const loud = (buffer: Buffer) => buffer.filter((byte) => loudness(byte) > 120).length
      return cut.length % 160 === 0 && loud(cut) === loud(sound)
    }),
  )
})
