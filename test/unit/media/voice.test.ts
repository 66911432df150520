import { existsSync, mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import t from 'tap'
import { defaultCacheDir } from '../../../src/embedded/tools.ts'
import { type Engine, espeak } from '../../../src/media/engine.ts'
import { loudness } from '../../../src/media/ulaw.ts'
import { makeStudio } from '../../../src/media/voice.ts'

t.setTimeout(30_000)
const bin = (name: string) => `${defaultCacheDir()}/bin/${name}`
const words = (text: string, language = 'en') => ({ text, language, voice: null, rate: null })

function studioIn(folder: string, engine: Engine = espeak(bin('espeak-ng'))) {
  const recorded = join(folder, 'recorded')
  mkdirSync(join(recorded, 'ro'), { recursive: true })
  const sounds = join(folder, 'sounds')
  const studio = makeStudio({ folder: sounds, engine, sox: bin('sox'), recorded })
  return { studio, recorded, sounds, voice: studio.at({ folder: sounds }) }
}

/** Counts what it is asked for. */
function counted(): { engine: Engine; made: string[] } {
  const inner = espeak(bin('espeak-ng'))
  const made: string[] = []
  return {
    made,
    engine: {
      version: inner.version,
      speak: (utterance) => {
        made.push(utterance.text)
        return inner.speak(utterance)
      },
    },
  }
}

t.test('a text becomes a u-law file without silence at its ends', async (t) => {
  const { voice } = studioIn(t.testdir())
  const [file] = await voice.files([words('I am sorry, I cannot hear you. I will call you back.')])
  const sound = readFileSync(`${file}.ulaw`)
  t.ok(sound.length > 2 * 8000 && sound.length < 6 * 8000, `${sound.length / 8000} s`)
  t.equal(voice.duration([file!]), sound.length / 8)
  const loud = sound.map((byte) => (loudness(byte) > 120 ? 1 : 0))
  t.ok(loud.indexOf(1) <= 0.05 * 8000, 'it begins at once')
  t.ok(sound.length - loud.lastIndexOf(1) <= 0.15 * 8000, 'its end is the end of the phrase')
})

t.test('one text is made once, however many ask at the same time and later', async (t) => {
  const folder = t.testdir()
  const { engine, made } = counted()
  const { voice } = studioIn(folder, engine)
  const answers = await Promise.all(Array.from({ length: 20 }, () => voice.files([words('Thank you. Goodbye.')])))
  t.equal(new Set(answers.flat()).size, 1)
  t.same(made, ['Thank you. Goodbye.'])
  const again = studioIn(folder, engine)
  t.same(await again.voice.files([words('Thank you. Goodbye.')]), answers[0])
  t.equal(made.length, 1, 'nor after a restart')
  await again.voice.files([{ ...words('Thank you. Goodbye.'), rate: 90 }])
  t.equal(made.length, 2, 'another rate is another sound')
})

t.test('what may be kept nowhere is found by nobody, and is gone some minutes later on every shelf', async (t) => {
  const { engine, made } = counted()
  const folder = t.testdir()
  const { studio, sounds, voice } = studioIn(folder, engine)
  const node = studio.at({ folder: join(folder, 'node') })
  const kept = await voice.files([words('Goodbye.')])
  const [first, again, bye] = await node.passing.files(
    ['Your code is 7 3 9 1.', 'Your code is 7 3 9 1.', 'Goodbye.'].map((text) => words(text)),
  )
  t.not(first, again)
  t.equal(basename(bye!), basename(kept[0]!), 'what is on the shelf already is taken from there')
  t.ok((node.passing.duration([first!]) ?? 0) > 500)
  t.equal(made.length, 3)
  await voice.files([words('Your code is 7 3 9 1.')])
  t.equal(made.length, 4, 'it was not found by its words')
  const files = [first!, again!].flatMap((file) => [
    `${file}.ulaw`,
    join(sounds, basename(file).slice(0, 2), `${basename(file)}.ulaw`),
  ])
  t.equal(await studio.sweep(2 ** 30), 0)
  t.ok(files.every((file) => existsSync(file)))
  for (const file of files) utimesSync(file, Date.now() / 1000 - 1000, Date.now() / 1000 - 1000)
  t.equal(await studio.sweep(2 ** 30), 4, 'nothing else goes')
  t.notOk(files.some((file) => existsSync(file)))
})

t.test('a failure is told to all who wait and is not kept', async (t) => {
  let broken = true
  const inner = espeak(bin('espeak-ng'))
  const { voice } = studioIn(t.testdir(), {
    version: inner.version,
    speak: async (utterance) => {
      if (broken) throw new Error('out of order')
      return inner.speak(utterance)
    },
  })
  await Promise.all([1, 2].map(() => t.rejects(voice.files([words('Hello')]))))
  broken = false
  t.equal((await voice.files([words('Hello')])).length, 1)
})

t.test('nothing to say is a moment of silence, not an error', async (t) => {
  const { voice } = studioIn(t.testdir())
  for (const text of ['', ' ', '…', '\0\n']) {
    const files = await voice.files([words(text)])
    t.equal(voice.duration(files), 20, JSON.stringify(text))
  }
})

t.test('a text that is too long is refused with its length', async (t) => {
  const { voice } = studioIn(t.testdir())
  await t.rejects(voice.files([words('no '.repeat(1000))]), { code: 'text_too_long' })
})

t.test('a recorded sound is found in its language, then in the common folder, and becomes u-law', async (t) => {
  const { voice, recorded } = studioIn(t.testdir())
  const tone = (seconds: number) => {
    const samples = Buffer.alloc(16000 * seconds)
    for (let n = 0; n < samples.length / 2; n += 1) samples.writeInt16LE(Math.round(9000 * Math.sin(n / 3)), 2 * n)
    const head = Buffer.from('524946460000000057415645666d74201000000001000100401f0000803e00000200100064617461', 'hex')
    const sizes = Buffer.alloc(4)
    sizes.writeUInt32LE(samples.length)
    return Buffer.concat([head, sizes, samples])
  }
  writeFileSync(join(recorded, 'hello.wav'), tone(1))
  writeFileSync(join(recorded, 'ro', 'hello.wav'), tone(2))
  writeFileSync(join(recorded, 'raw.ulaw'), Buffer.alloc(4000, 0x90))
  const seconds = async (sound: string, language: string) =>
    voice.duration(await voice.files([{ sound, language }]))! / 1000
  t.equal(await seconds('hello', 'en'), 1)
  t.equal(await seconds('hello', 'ro-RO'), 2)
  t.equal(await seconds('raw', 'en'), 0.5)
})

t.test(
  'a sound that is not there, or whose name is a path, is an error that says where it was looked for',
  async (t) => {
    const { voice } = studioIn(t.testdir())
    await t.rejects(voice.files([{ sound: 'nothing', language: 'en' }]), { code: 'sound_missing', message: /recorded/ })
    for (const sound of ['../secret', '/etc/passwd', 'a.b', '', 'a\0b'])
      await t.rejects(voice.files([{ sound, language: 'en' }]), { code: 'sound_name' }, sound)
  },
)

t.test('each node finds the sound in its own folder, or at an address', async (t) => {
  const folder = t.testdir()
  const { engine, made } = counted()
  const { studio, voice } = studioIn(folder, engine)
  const [here] = await voice.files([words('Hello')])
  const [there] = await studio.at({ folder: join(folder, 'other') }).files([words('Hello')])
  t.ok(there!.startsWith(join(folder, 'other')))
  t.same(readFileSync(`${there}.ulaw`), readFileSync(`${here}.ulaw`))
  const web = studio.at({ base: 'http://10.0.0.1:8080/sounds/' })
  const [address] = await web.files([words('Hello')])
  t.match(address, /^http:\/\/10\.0\.0\.1:8080\/sounds\/[0-9a-f]{32}\.ulaw$/)
  t.equal(web.duration([address!]), voice.duration([here!]))
  t.equal(studio.file(address!.split('/').at(-1)!), `${here}.ulaw`)
  t.equal(studio.file('../../etc/passwd'), null)
  t.equal(made.length, 1)
})

t.test('what was not asked for longest goes when the shelf is full; what a call may be playing stays', async (t) => {
  const { studio, voice } = studioIn(t.testdir())
  const [old] = await voice.files([words('An old greeting.')])
  const [used] = await voice.files([words('A greeting of today.')])
  utimesSync(`${old}.ulaw`, 1, 1)
  t.equal(await studio.sweep(1e9), 0)
  t.equal(await studio.sweep(0), 1)
  t.equal(statSync(`${old}.ulaw`, { throwIfNoEntry: false }), undefined)
  t.ok(statSync(`${used}.ulaw`))
})
