/** What a person types for the other side of a call, one word or several a line. */
import { parseDuration } from '../../flow/duration.ts'
import { near } from '../../flow/near.ts'
import type { ScriptItem } from '../../flow/script.ts'

export type Typed = { item: ScriptItem } | { silence: true } | { quit: true } | { help: true } | { wrong: string }

export const HELP = `  1  4#  1630      press keys, when they listen        p1        press 1 into what they say next
  s                say nothing                         t  t5s    talk for 2 s, for 5 s
  h                hang up                             w30s      let 30 s go by
  !NAME            raise a situation                   q  ?      leave; this help
  http 200 {"a":1}       the answer of a service       task NAME done {"a":1}    an external task is finished
  agent answers          who is called answers, busy, no_answer
  A word after another on one line is done after it: \`s p1\`.
`

/** Reads one line. An answer of a machine takes the whole line. */
export function readTyped(line: string, situations: Iterable<string>): Typed[] {
  const text = line.trim()
  if (/^(http|task|agent)\b/.test(text)) return [answer(text)]
  return text === '' ? [{ silence: true }] : text.split(/\s+/).map((word) => readWord(word, [...situations]))
}

function readWord(word: string, situations: string[]): Typed {
  if (/^[0-9*#]+$/.test(word)) return { item: { press: word } }
  if (/^p[0-9*#]+$/.test(word)) return { item: { press: word.slice(1), during: 'prompt' } }
  if (word === 's') return { silence: true }
  if (word === 'h') return { item: { hangs_up: true } }
  if (word === 'q') return { quit: true }
  if (word === '?' || word === 'help') return { help: true }
  if (/^[tw]/.test(word)) {
    const length = word === 't' ? 2000 : parseDuration(word.slice(1))
    if (length !== null) return { item: word[0] === 't' ? { says: length } : { waits: length } }
  }
  if (!word.startsWith('!')) return { wrong: `"${word}" is not understood; ? shows what is.` }
  const name = word.slice(1)
  if (situations.includes(name)) return { item: { situation: name } }
  const guess = near(name, situations)
  const known = situations.length === 0 ? 'the flow has none' : `there are ${situations.join(', ')}`
  return { wrong: `There is no situation "${name}"; ${guess === null ? known : `did you mean ${guess}?`}` }
}

function answer(text: string): Typed {
  const http = /^http(?:\s+(\d{3}))?(?:\s+(.+))?$/.exec(text)
  const task = /^task\s+(\S+)(?:\s+(done|failed))?(?:\s+(.+))?$/.exec(text)
  const agent = /^agent\s+(answers|busy|no_answer)$/.exec(text)
  if (agent) return { item: { agent: agent[1] as 'answers' | 'busy' | 'no_answer' } }
  const written = (http ?? task)?.at(-1)
  const value = written === undefined ? null : json(written)
  if (http) return { item: { http: { status: Number(http[1] ?? 200), json: value } } }
  if (task)
    return { item: { task: { name: task[1]!, status: (task[2] ?? 'done') as 'done' | 'failed', result: value } } }
  return { wrong: 'Write `http 200 {"a": 1}`, `task NAME done {"a": 1}`, or `agent answers|busy|no_answer`.' }
}

/** JSON, or else the text itself. */
function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
