import t from 'tap'
import { defaultCacheDir } from '../../../src/embedded/tools.ts'
import { commandEngine, espeak, espeakVoices } from '../../../src/media/engine.ts'
import { run } from '../../../src/media/run.ts'
import { mend } from '../../../src/media/wav.ts'

t.setTimeout(30_000)
const bin = (name: string) => `${defaultCacheDir()}/bin/${name}`

t.test('the voice that speaks fits the language that is spoken', async (t) => {
  for (const [voice, language, voices] of [
    [null, 'en', ['en']],
    [null, 'ro-RO', ['ro-ro', 'ro']],
    ['en-gb', 'en', ['en-gb']],
    ['en-gb', 'en-US', ['en-gb']],
    ['en-gb', 'ro', ['ro']],
    ['en-gb+f3', 'ro', ['ro+f3']],
    ['mb-ro1', 'ro', ['mb-ro1']],
  ] as const)
    t.same(espeakVoices(voice, language), voices, `${voice} for ${language}`)
})

t.test('a voice that is not there is named in the error', async (t) => {
  const engine = espeak(bin('espeak-ng'))
  const say = (voice: string | null, language: string) => engine.speak({ text: 'Hello', language, voice, rate: null })
  await t.rejects(say('xx-gb', 'xx'), { code: 'voice_unknown', message: /`xx-gb`/ })
  await t.rejects(say(null, 'zz'), { code: 'voice_unknown', message: /`zz`/ })
  await t.rejects(say('--help', 'en'), { code: 'voice_unknown' })
  await t.rejects(say('en', '-q'), { code: 'voice_unknown' })
})

t.test('the rate is words a minute: a slower voice takes longer', async (t) => {
  const engine = espeak(bin('espeak-ng'))
  const at = async (rate: number) =>
    (await engine.speak({ text: 'Please speak, I am listening.', language: 'en', voice: null, rate })).length
  t.ok((await at(100)) > 1.4 * (await at(200)))
})

t.test('a text is only ever spoken: options, phonemes and quotes in it are words', async (t) => {
  const engine = espeak(bin('espeak-ng'))
  for (const text of ['--version', '-w /tmp/x', "[[h@l'oU]]", '"; echo x', '$(id)', '<voice name="ro">da</voice>'])
    t.ok((await engine.speak({ text, language: 'en', voice: null, rate: null })).length > 2000, text)
})

t.test('any other engine reads the text and writes a WAV; its arguments are filled in without a shell', async (t) => {
  const script = `
    const [voice, language, rate] = process.argv.slice(1)
    let text = ''
    process.stdin.on('data', (d) => { text += d }).on('end', () => process.stdout.write([voice, language, rate, text].join('|')))`
  const engine = commandEngine([process.execPath, '-e', script, '{voice}', '{language}', '{rate}'])
  t.equal(
    String(await engine.speak({ text: 'Bună; $(id)', language: 'ro', voice: 'ana', rate: 120 })),
    'ana|ro|120|Bună; $(id)',
  )
  await t.rejects(engine.speak({ text: 'x', language: 'ro', voice: '$(id)', rate: null }), { code: 'voice_unknown' })
})

t.test('an engine that is not there, fails, or hangs is an error that says so', async (t) => {
  const input = Buffer.from('x')
  const node = (code: string, deadline = 5000) =>
    run({ program: process.execPath, args: ['-e', code], input, deadline })
  await t.rejects(run({ program: '/no/such/engine', args: [], input, deadline: 1000 }), { code: 'speech_missing' })
  await t.rejects(node('console.error("no licence"); process.exit(3)'), {
    code: 'speech_failed',
    message: /no licence/,
  })
  await t.rejects(node('setTimeout(() => {}, 60000)', 300), { code: 'speech_slow', again: true })
  t.equal(String(await node('process.stdout.write("read nothing")')), 'read nothing')
})

t.test('a WAV that was written to a pipe gets its true length', async (t) => {
  const head = Buffer.from(
    '524946464cffff7f57415645666d742010000000010001002256000044ac0000020010006461746100ffff7f',
    'hex',
  )
  const mended = mend(Buffer.concat([head, Buffer.alloc(100)]))
  t.equal(mended.readUInt32LE(40), 100)
  t.equal(mended.readUInt32LE(4), 136)
  t.throws(() => mend(Buffer.from('<html>')), { code: 'speech_failed' })
  t.throws(() => mend(head.subarray(0, 36)), { code: 'speech_failed' })
})
