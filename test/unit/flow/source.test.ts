import fc from 'fast-check'
import t from 'tap'
import { loadFlows } from '../../../src/flow/load.ts'
import { placeOf, readSource } from '../../../src/flow/source.ts'

const read = (text: string) => readSource('f.yaml', text)
const value = (text: string) => read(text).root?.value
const codes = (text: string) => read(text).problems.map((p) => `${p.line}:${p.column} ${p.code}`)

t.setTimeout(120_000)

t.test('an unquoted scalar that begins with + or 0 and a digit is text', async (t) => {
  t.strictSame(
    value(
      '{ a: +40712345678, b: 0712, c: 09:00, d: 16:30, e: 2026-12-01, f: 0x1F, g: 0, h: 0.5, i: 12, j: 1.5, k: -3 }',
    ),
    {
      a: '+40712345678',
      b: '0712',
      c: '09:00',
      d: '16:30',
      e: '2026-12-01',
      f: 31,
      g: 0,
      h: 0.5,
      i: 12,
      j: 1.5,
      k: -3,
    },
  )
  t.strictSame(value('[yes, no, true, ~, null, "01", \'+1\']'), ['yes', 'no', true, null, null, '01', '+1'])
})

t.test('keys are text as they are written', async (t) => {
  t.strictSame(value('{ 1: a, "2": b, 03: c, true: d }'), { '1': 'a', '2': 'b', '03': 'c', true: 'd' })
})

t.test('a BOM is no harm, a NUL is told', async (t) => {
  t.strictSame(value('\uFEFFa: 1'), { a: 1 })
  t.strictSame(codes('a: 1\nb: "x\0"'), ['2:6 yaml'])
})

t.test('every value and key knows its place', async (t) => {
  const { root } = read('a:\n  b: [x, { c: 1 }]\n')
  t.strictSame(placeOf(root!, ['a', 'b', 1, 'c']), { line: 2, column: 15 })
  t.strictSame(placeOf(root!, ['a', 'b', 1, 'c'], true), { line: 2, column: 12 })
  t.strictSame(placeOf(root!, ['a', 'b', 0]), { line: 2, column: 7 })
})

t.test('anchors, aliases and tags are refused where they stand', async (t) => {
  t.strictSame(codes('a: &x 1\nb: *x\nc: !!binary aa\nd: !own 1'), ['1:4 anchor', '2:4 anchor', '3:4 tag', '4:4 tag'])
  t.strictSame(codes('a: "&x *y !z"\nb: a & b * c ! d'), [], 'in a text they are letters')
})

t.test('a key that is there twice is told, each time', async (t) => {
  t.strictSame(codes('a: 1\nb: { c: 1, c: 2 }\na: 2'), ['2:12 duplicate-key', '3:1 duplicate-key'])
})

t.test('a name of the language’s own machinery is no key', async (t) => {
  t.strictSame(codes('a: 1\n__proto__: { x: 1 }'), ['2:1 name'])
  t.equal(({} as Record<string, unknown>).x, undefined)
  t.strictSame(Object.keys(value('{ constructor: 1, toString: 2 }') as object), ['constructor', 'toString'])
})

t.test('nesting of 64 is read, of 65 is refused before anything is composed', async (t) => {
  const nested = (n: number, open: string, close: string) => `x: ${open.repeat(n - 1)}1${close.repeat(n - 1)}`
  t.strictSame(codes(nested(64, '[', ']')), [])
  t.match(codes(nested(65, '[', ']')), [/too-deep/])
  t.strictSame(codes(nested(64, '{ a: ', '}')), [])
  t.match(codes(nested(65, '{ a: ', '}')), [/too-deep/])
  const block = (n: number) => Array.from({ length: n }, (_, i) => `${' '.repeat(i)}a:`).join('\n')
  t.strictSame(codes(block(64)), [])
  t.match(codes(block(65)), [/too-deep/])
})

t.test('what is no YAML, empty, or too large', async (t) => {
  t.match(codes('a: [1, 2\nb: 3'), [/yaml/])
  t.match(codes(''), [/empty/])
  t.match(codes('# nothing\n'), [/empty/])
  t.match(codes('---\na: 1\n---\nb: 2\n'), [/4:1 yaml/])
  t.match(codes(`a: ${'x'.repeat(256 * 1024)}`), [/1:1 too-large/])
  t.match(codes(`a: ${'ă'.repeat(200 * 1024)}`), [/too-large/], 'counted in bytes')
})

t.test('hostile texts take no time', async (t) => {
  const hostile: Record<string, string> = {
    brackets: '['.repeat(200_000),
    maps: '{a: '.repeat(60_000),
    sequences: '- '.repeat(100_000),
    questions: '? '.repeat(100_000),
    colons: ': '.repeat(100_000),
    anchors: '&a '.repeat(60_000),
    quotes: '"'.repeat(250_000),
    apostrophes: "'".repeat(250_000),
    tags: '!'.repeat(250_000),
    directives: '%\n'.repeat(100_000),
    documents: '---\n'.repeat(60_000),
    lines: '\n'.repeat(250_000),
    blocks: '|\n'.repeat(100_000),
    large: 'a: b\n'.repeat(10_000_000),
    bomb: 'a: &a [x,x,x,x]\nb: &b [*a,*a,*a,*a]\nc: [*b,*b,*b,*b]\n',
  }
  read('a: [b, { c: d }]')
  for (const [name, text] of Object.entries(hostile)) {
    const before = performance.now()
    const { problems } = loadFlows([{ path: 't.yaml', text }])
    t.ok(problems.length > 0, `${name}: told`)
    t.ok(problems.length <= 10, `${name}: not told too often`)
    // 200 ms on a quiet machine; this one may be busy with calls.
    t.ok(performance.now() - before < 4000, `${name}: ${Math.round(performance.now() - before)} ms`)
  }
})

const GOOD = `flow: t
start: greet
vars: { n: 0, code: "" }
situations: { again: { key: "*", goto: repeat } }
steps:
  greet: { say: "Hello {contact.name}." }
  ask:
    menu: { en: "Press 1.", ro: "Apasati 1." }
    options: { "1": { say: ["Thanks", { sound: beep }], set: { n: "n + 1" }, outcome: yes, goto: code } }
    noinput: [ "Hm?", { say: "Bye.", goto: end } ]
  code: { gather: "Code?", save: code, num_digits: 4, confirm: "{code}?" }
  wait: { hold: true, task: { http: { url: "http://x/{code}" } }, on: { done: later, failed: end } }
  later: { callback: "When?", choices: [30m, enter_time], window: { mon-fri: "09:00-17:00" }, on: { scheduled: end, declined: end } }
  end: { hangup: { say: "Goodbye." } }
on_hangup: [ { http: { url: "http://x/" } } ]
`

t.test('whatever is done to a flow, the answer is a program or an error with its place', async (t) => {
  t.strictSame(loadFlows([{ path: 't.yaml', text: GOOD }]).problems, [])
  const bits = [
    ...'[]{}:,-?|>&*!#"\'% \n\t\0\uFEFF',
    '__proto__',
    '{{',
    '}}',
    '{1+',
    '0',
    '+1',
    '~',
    ': ',
    '- ',
    '\n  ',
    'goto',
    'say',
  ]
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          at: fc.nat(GOOD.length),
          cut: fc.oneof(fc.constant(0), fc.nat(30)),
          put: fc.oneof(fc.constantFrom(...bits), fc.string({ maxLength: 8 })),
        }),
        { minLength: 1, maxLength: 6 },
      ),
      (edits) => {
        let text = GOOD
        for (const { at, cut, put } of edits) text = text.slice(0, at) + put + text.slice(at + cut)
        const { programs, problems } = loadFlows([{ path: 't.yaml', text }])
        const lines = text.split('\n').length
        for (const p of problems)
          if (p.line < 1 || p.line > lines + 1 || p.column < 1 || p.message === '') throw new Error(JSON.stringify(p))
        return programs.size === 1 || problems.some((p) => p.severity === 'error')
      },
    ),
    { numRuns: 150 },
  )
})

t.test('garbage is no flow', async () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 500, unit: 'binary' }), (text) => {
      const { programs, problems } = loadFlows([{ path: 't.yaml', text }])
      return programs.size === 0 && problems.length > 0
    }),
    { numRuns: 150 },
  )
})
