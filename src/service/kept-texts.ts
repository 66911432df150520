/**
 * The texts of the flows that calls are held by, kept in the ledger beside the journals: a call can be replayed, and taken
 * over, after its file has changed. What a reload brings is kept at once, what is in use anew from time to time; a ledger
 * that is away gets it later.
 */
import type { Clock } from '../call/ports.ts'
import type { Program } from '../flow/program.ts'
import type { Log } from '../log.ts'
import { type KeptText, nameOf } from '../store/journals.ts'
import type { Store } from '../store/store.ts'
import type { Shelf } from './shelf.ts'

export interface KeptTexts {
  /** The name under which the texts of this program are kept; null for one that is not of the shelf. */
  nameOf(program: Program): string | null
  /** Keeps what the shelf holds now, where it is not kept yet. Never rejects. */
  keep(): Promise<void>
  stop(): void
}

const LOOK = 60_000
/** ms after which texts that are in use are kept anew; far less than what they outlive the journals by. */
const ANEW = 6 * 3_600_000

export function keepTexts(shelf: Shelf, store: Store, retention: number, clock: Clock, log: Log): KeptTexts {
  const names = new WeakMap<KeptText[], string>()
  const keptAt = new Map<string, number>()

  const named = (texts: KeptText[]): string => {
    const name = names.get(texts) ?? nameOf(texts)
    names.set(texts, name)
    return name
  }

  const inUse = (): Map<string, KeptText[]> => {
    const texts = shelf.views().flatMap(({ name }) => {
      const program = shelf.get(name)
      const found = program && shelf.texts(program)
      return found ? [found] : []
    })
    return new Map(texts.map((each) => [named(each), each]))
  }

  const keep = async (): Promise<void> => {
    for (const [name, texts] of inUse()) {
      if (clock.now() - (keptAt.get(name) ?? Number.NEGATIVE_INFINITY) < ANEW) continue
      try {
        await store.journals.keepTexts(texts, retention)
        keptAt.set(name, clock.now())
      } catch (error) {
        log.warn({ err: error }, 'the texts of the flows cannot be kept in the ledger yet')
      }
    }
  }

  const timer = setInterval(() => void keep(), LOOK)
  timer.unref()
  return {
    nameOf(program) {
      const texts = shelf.texts(program)
      return texts && named(texts)
    },
    keep,
    stop: () => clearInterval(timer),
  }
}
