/**
 * A speech engine: text in, WAV out. Two of them: espeak-ng, and any other program that reads a text from its standard
 * input and writes a WAV to its standard output. The text never becomes an argument, the voice only by a fixed alphabet.
 */
import { ApelError } from '../errors.ts'
import { run } from './run.ts'

export interface Utterance {
  text: string
  /** BCP 47, e.g. `en`, `ro`. */
  language: string
  /** The engine's own name of a voice; null: the language's. */
  voice: string | null
  /** Words a minute; null: the engine's default. */
  rate: number | null
}

export interface Engine {
  /** What tells its sound from another version's; part of the cache's key. */
  version(): Promise<string>
  /** Rejects with an `ApelError` that names the voice or carries the engine's complaint. */
  speak(utterance: Utterance): Promise<Buffer>
}

/** ms for one utterance. */
export const deadline = 10_000

const defaultRate = 160
const names = /^[A-Za-z][A-Za-z0-9_+-]{0,39}$/

/** espeak-ng at `program`. */
export function espeak(program: string): Engine {
  let version: Promise<string> | null = null
  return {
    version() {
      version ??= run({ program, args: ['--version'], input: Buffer.alloc(0), deadline }).then(
        (told) => `espeak-ng ${/\d[\w.]*/.exec(told.toString('utf8'))?.[0] ?? 'unknown'}`,
        (error: unknown) => {
          version = null
          throw error
        },
      )
      return version
    },
    async speak({ text, language, voice, rate }) {
      const voices = espeakVoices(voice, language)
      const speed = String(Math.min(450, Math.max(80, Math.round(rate ?? defaultRate))))
      for (const name of voices) {
        try {
          const args = ['-v', name, '-s', speed, '-b', '1', '-z', '--stdin', '--stdout']
          return await run({ program, args, input: Buffer.from(plain(text), 'utf8'), deadline })
        } catch (error) {
          if (!(error instanceof ApelError && /voice does not exist/i.test(error.message))) throw error
        }
      }
      throw unknownVoice(voices[0]!)
    },
  }
}

/**
 * The voices to try, in order. A flow names one voice and may speak several languages: Romanian by an English voice is
 * not understood, so a voice of another language gives way to the language's own. `ro-RO` falls back to `ro`.
 */
export function espeakVoices(voice: string | null, language: string): string[] {
  const tongue = language.toLowerCase()
  const own = [...new Set([tongue, tongue.split('-')[0]!])]
  if (voice !== null && !names.test(voice)) throw unknownVoice(voice)
  if (!names.test(tongue)) throw unknownVoice(language)
  if (voice === null) return own
  const [base, variant] = voice.toLowerCase().split('+')
  const spoken = /^([a-z]{2,3})(-|$)/.exec(base!)?.[1]
  if (spoken === undefined || spoken === 'mb' || spoken === own.at(-1)) return [voice]
  return own.map((name) => (variant === undefined ? name : `${name}+${variant}`))
}

/** espeak-ng reads `[[…]]` as phonemes; in a text they are brackets. */
function plain(text: string): string {
  return text.replaceAll('[[', '[ [')
}

function unknownVoice(name: string): ApelError {
  return new ApelError(
    'voice_unknown',
    `There is no voice \`${name}\`. \`espeak-ng --voices\` lists those that are there, e.g. \`en-gb\`, \`ro\`.`,
    { voice: name },
  )
}

/**
 * Any other engine. `command` is a program and its arguments; in these `{voice}`, `{language}` and `{rate}` are filled
 * in (a voice that is not named is empty). The text comes on its standard input, UTF-8.
 */
export function commandEngine(command: string[]): Engine {
  const [program, ...args] = command
  if (program === undefined) throw new ApelError('speech_missing', '`speech.command` is empty: name a program.')
  return {
    version: async () => `command ${JSON.stringify(command)}`,
    async speak({ text, language, voice, rate }) {
      if (voice !== null && !names.test(voice)) throw unknownVoice(voice)
      if (!names.test(language)) throw unknownVoice(language)
      const facts: Record<string, string> = { voice: voice ?? '', language, rate: String(rate ?? defaultRate) }
      const filled = args.map((arg) => arg.replace(/\{(voice|language|rate)\}/g, (_, name: string) => facts[name]!))
      return run({ program, args: filled, input: Buffer.from(text, 'utf8'), deadline })
    },
  }
}
