/**
 * A text becomes what is played: its language is chosen, its holes are filled, its parts are spoken one after another.
 *
 * A text written once is in the flow's language; one written by language follows the `language` variable and falls
 * back to the flow's. The flow's voice speaks the flow's language only: another language takes the engine's own voice.
 */

import type { Spoken } from './io.ts'
import { phrasesIn } from './phrases.ts'
import type { Part, Program, Template, Text } from './program.ts'
import { sayAs } from './say-as.ts'
import { type Scope, type Scoped, scopeOf } from './scope.ts'
import { inText } from './template.ts'

/** The words a minute of a voice that nobody set, and how much slower `pace: slow` speaks. */
const USUAL_RATE = 160
const SLOWER = 0.75

export type Pace = 'slow' | 'normal'

/** What to play for a text. Throws when an expression in it has no value. Empty when there is nothing to say. */
export function render(
  program: Program,
  state: Scoped,
  text: Text,
  pace: Pace,
  overlay?: Record<string, unknown>,
): Spoken[] {
  const wanted = String(state.vars.language ?? program.language)
  if (text.kind === 'phrase') {
    const { language, phrases } = phrasesIn(wanted, program.language)
    return [words(program, phrases[text.phrase], language, pace)]
  }
  const language = chosen(text.variants, wanted, program.language)
  const spoken: Spoken[] = []
  for (const part of text.variants.get(language) ?? []) {
    const said = renderPart(program, state, part, language, pace, overlay)
    if (said !== null) spoken.push(said)
  }
  return spoken
}

export type Sentence = (phrases: ReturnType<typeof phrasesIn>['phrases']) => string

/** A sentence of `phrases.ts` that has holes, in the language of the moment. */
export function sentence(program: Program, state: Scoped, pace: Pace, make: Sentence): Spoken {
  const { language, phrases } = phrasesIn(String(state.vars.language ?? program.language), program.language)
  return words(program, make(phrases), language, pace)
}

export function fill(template: Template, scope: Scope): string {
  let text = ''
  for (const piece of template) text += typeof piece === 'string' ? piece : inText(piece.run(scope))
  return text
}

function renderPart(
  program: Program,
  state: Scoped,
  part: Part,
  language: string,
  pace: Pace,
  overlay?: Record<string, unknown>,
): Spoken | null {
  if (part.kind === 'sound') return { sound: part.name, language }
  const { template } = part
  const only = template[0]
  const filled =
    template.length === 1 && typeof only === 'string' ? only : fill(template, scopeOf(program, state, overlay))
  const said = part.kind === 'say_as' ? sayAs(part.as, filled, language) : filled
  return said.trim() === '' ? null : words(program, said.trim(), language, pace)
}

function words(program: Program, text: string, language: string, pace: Pace): Spoken {
  const own = language === program.language
  const rate = own ? program.voice.rate : null
  return {
    text,
    language,
    voice: own ? program.voice.name : null,
    rate: pace === 'slow' ? Math.round((rate ?? USUAL_RATE) * SLOWER) : rate,
  }
}

function chosen(variants: Map<string, Part[]>, wanted: string, flows: string): string {
  if (variants.has(wanted)) return wanted
  const broad = wanted.split('-')[0]!
  if (variants.has(broad)) return broad
  if (variants.has(flows)) return flows
  return variants.keys().next().value ?? flows
}
