/**
 * Texts that are no flows, or hardly: the worst that is known of YAML, garbage, and shipped flows spoilt by bytes, by lines
 * and by values. The same seed gives the same texts.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { stringify } from 'yaml'
import type { FlowFile } from '../../src/flow/load.ts'
import { readSource } from '../../src/flow/source.ts'

export interface Hostile {
  kind: string
  text: string
}

/** Texts that abort a parser, or keep it busy for minutes. */
export function worst(): Hostile[] {
  const deep = 100_000
  const texts: Record<string, string> = {
    'brackets, 100,000 deep': '['.repeat(deep),
    'brackets in pairs': `steps: ${'['.repeat(deep)}${']'.repeat(deep)}`,
    'maps, 100,000 deep': '{a: '.repeat(deep),
    'lists in a line': '- '.repeat(deep),
    'lists by lines': Array.from({ length: 600 }, (_, n) => `${' '.repeat(n)}-`).join('\n'),
    'maps by lines': Array.from({ length: 600 }, (_, n) => `${' '.repeat(n)}a:`).join('\n'),
    questions: '? '.repeat(deep),
    colons: ': '.repeat(deep),
    anchors: '&a '.repeat(deep),
    tags: '!'.repeat(deep),
    quotes: '"'.repeat(2 * deep),
    apostrophes: "'".repeat(2 * deep),
    directives: '%\n'.repeat(deep),
    documents: '---\n'.repeat(50_000),
    blocks: '|\n'.repeat(deep),
    'empty lines': '\n'.repeat(2 * deep),
    'a bomb of aliases': bomb(),
    'an alias of itself': 'a: &a [*a]\n',
    '50 MB of keys': 'a: b\n'.repeat(10_000_000),
    '50 MB in a line': `a: ${'x'.repeat(50_000_000)}`,
    'a key of 200,000 letters': `${'k'.repeat(200_000)}: 1\n`,
    '10,000 keys': `steps: { ${Array.from({ length: 10_000 }, (_, n) => `k${n}: 1`).join(', ')} }`,
    'a key 10,000 times': 'flow: a\n'.repeat(10_000),
    NUL: 'flow: a\0b\n',
    'NULs alone': '\0'.repeat(1000),
    'a BOM': '\uFEFFflow: hostile\n',
    'BOMs in the middle': 'flow: \uFEFF\uFEFFhostile\nsteps: { \uFEFFa: 1 }\n',
    'half a surrogate': 'flow: \uD800\nsteps: { "\uDFFF": { say: "\uD83D" } }\n',
    'the name __proto__':
      'flow: hostile\n__proto__: { start: a }\nsteps: { __proto__: { hangup: true }, a: { __proto__: 1 } }\n',
    constructor:
      'constructor: { prototype: { x: 1 } }\nflow: hostile\nsteps: { constructor: 1, toString: 2, valueOf: [] }\n',
    'a name of the machinery':
      'flow: hostile\nstart: constructor\nsteps: { a: { goto: toString, on: { valueOf: a } } }\n',
    'braces without end': `flow: hostile\nstart: a\nsteps: { a: { say: "${'{'.repeat(100_001)}", next: hangup } }\n`,
    'an expression without end': `flow: hostile\nstart: a\nsteps: { a: { say: "{${'('.repeat(50_000)}}", next: hangup } }\n`,
    'an expression, 900 deep': `flow: hostile\nstart: a\nsteps: { a: { say: "{${'!'.repeat(900)}true}", next: hangup } }\n`,
    '2,000 expressions': `flow: hostile\nstart: a\nsteps: { a: { say: "${'{1+1} '.repeat(2000)}", next: hangup } }\n`,
    'a long chain of steps': `flow: hostile\nstart: s0\nsteps:\n${Array.from({ length: 4000 }, (_, n) => `  s${n}: { goto: s${n + 1} }\n`).join('')}  s4000: { hangup: true }\n`,
    'a long round': `flow: hostile\nstart: s0\nsteps:\n${Array.from({ length: 4000 }, (_, n) => `  s${n}: { goto: s${(n + 1) % 4000} }\n`).join('')}`,
    'steps that all lead everywhere': web(),
  }
  return Object.entries(texts).map(([kind, text]) => ({ kind, text }))
}

/** A billion laughs. */
function bomb(): string {
  const names = [...'abcdefghi']
  const lines = names.map((name, n) => {
    const before = n === 0 ? '"ha"' : `*${names[n - 1]}`
    return `${name}: &${name} [${Array.from({ length: 9 }, () => before).join(', ')}]`
  })
  return `${lines.join('\n')}\n`
}

/** Each of 60 silent steps leads to each: ways beyond count, and rounds in all of them. */
function web(): string {
  const all = Array.from({ length: 60 }, (_, n) => `s${n}`)
  const ways = all.map((to) => `{ if: "true", goto: ${to} }`).join(', ')
  return `flow: hostile\nstart: s0\nsteps:\n${all.map((name) => `  ${name}: { branch: [${ways}], else: hangup }\n`).join('')}`
}

/** Numbers from 0 to 1 that a seed decides (mulberry32). */
export function dice(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const BITS = [
  ...[...'[]{}:,-?|>&*!#"\'%@` \n\t\0\uFEFF'],
  ...[
    '__proto__',
    '{{',
    '}}',
    '{1+',
    '~',
    ': ',
    '- ',
    '\n  ',
    '\n',
    'goto',
    'say',
    '"1": ',
    '&a ',
    '*a',
    '!!map ',
    '---\n',
    '0',
    '+1',
  ],
  ...[
    'say: ',
    'repeat',
    'hangup',
    'next: ',
    '1e999',
    '.inf',
    '0x',
    '9'.repeat(400),
    'é',
    '😀',
    '\u2028',
    '\r\n',
    '5s',
    'true',
  ],
]

/** So many texts; a flow that is spoilt is named `hostile`, so that its name is right. */
export function* hostile(seed: number, count: number): Generator<Hostile> {
  const random = dice(seed)
  const below = (n: number) => Math.floor(random() * n)
  const one = <T>(list: readonly T[]): T => list[below(list.length)]!
  const flows = [...shipped('scripts-yaml/flows'), 'test/flows/good/every_verb.yaml'].map((path) =>
    readFileSync(path, 'utf8').replace(/^flow: .*/m, 'flow: hostile'),
  )
  const values = flows.map((text) => readSource('hostile.yaml', text).root?.value)
  const kinds: Record<string, () => string> = {
    'garbage in letters': () => Array.from({ length: below(2000) }, () => String.fromCharCode(below(300))).join(''),
    'garbage in bits of YAML': () => Array.from({ length: below(400) }, () => one(BITS)).join(''),
    'garbage in bytes': () => Buffer.from(Array.from({ length: below(3000) }, () => below(256))).toString('utf8'),
    'spoilt bytes': () => spoilBytes(one(flows)),
    'spoilt lines': () => spoilLines(one(flows)),
    'spoilt values': () => {
      const value = spoilValue(one(values))
      return random() < 0.5 ? JSON.stringify(value) : stringify(value)
    },
  }
  const names = Object.keys(kinds)
  for (let n = 0; n < count; n++) {
    // Three of four are flows that were right.
    const kind = random() < 0.25 ? names[below(3)]! : names[3 + below(3)]!
    yield { kind, text: kinds[kind]!() }
  }

  function spoilBytes(text: string): string {
    for (let times = 1 + below(5); times > 0; times--) {
      const at = below(text.length + 1)
      text = text.slice(0, at) + (random() < 0.7 ? one(BITS) : '') + text.slice(at + below(one([1, 4, 60])))
    }
    return text
  }

  function spoilLines(text: string): string {
    const lines = text.split('\n')
    for (let times = 1 + below(3); times > 0; times--) {
      const at = below(lines.length)
      const line = lines[at] ?? ''
      const how = below(6)
      if (how === 0) lines.splice(at, 1)
      else if (how === 1) lines.splice(below(lines.length), 0, line)
      else if (how === 2) lines[at] = ` ${line}`
      else if (how === 3) lines[at] = line.replace(/^ {1,4}/, '')
      else if (how === 4) lines.splice(at, 0, ...lines.splice(below(lines.length), 1 + below(4)))
      else lines[at] = `${line} ${one(lines).trim()}`
    }
    return lines.join('\n')
  }

  function spoilValue(whole: unknown): unknown {
    const places = placesIn(whole)
    const taken = one(places)
    const other = one(places).value
    const put = one([
      other,
      other,
      17,
      -1,
      0.5,
      '',
      'x',
      true,
      null,
      [],
      {},
      [other],
      { say: 'x' },
      'repeat',
      'hangup',
      '5s',
      '{1}',
    ])
    const spoil = (value: unknown, path: (string | number)[]): unknown => {
      const [first, ...rest] = path
      if (first === undefined) return put
      if (Array.isArray(value)) return value.map((item, n) => (n === first ? spoil(item, rest) : item))
      return Object.fromEntries(
        Object.entries(value as object).flatMap(([key, item]) => {
          if (key !== first) return [[key, item]]
          if (rest.length > 0) return [[key, spoil(item, rest)]]
          const how = below(4)
          if (how === 0) return []
          if (how === 1) return [[one(places.flatMap(({ path }) => path)), item]]
          return [[key, spoil(item, rest)]]
        }),
      )
    }
    const spoilt = spoil(whole, taken.path)
    return random() < 0.3 ? spoilValue(spoilt) : spoilt
  }
}

function placesIn(value: unknown, path: (string | number)[] = []): { path: (string | number)[]; value: unknown }[] {
  const inner = typeof value === 'object' && value !== null ? Object.entries(value) : []
  return [
    { path, value },
    ...inner.flatMap(([key, item]) => placesIn(item, [...path, Array.isArray(value) ? Number(key) : key])),
  ]
}

/** The text as a flow's file; where it includes libraries, with those that shipped flows include. */
export function filesOf(text: string): FlowFile[] {
  libraries ??= shipped('scripts-yaml/library').map((path) => ({ path, text: readFileSync(path, 'utf8') }))
  return [{ path: 'scripts-yaml/flows/hostile.yaml', text }, ...(text.includes('include') ? libraries : [])]
}

let libraries: FlowFile[] | null = null

function shipped(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => `${folder}/${name}`)
}
