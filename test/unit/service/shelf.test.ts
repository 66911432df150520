/** The shelf of flows: what a reload changes, and what it leaves alone. */
import { mkdirSync, mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { simulate, TEST_NOW, testCall } from '../../../src/flow/simulate.ts'
import { begin, step } from '../../../src/flow/step.ts'
import { openShelf } from '../../../src/service/shelf.ts'

const facts = { sounds: () => false, allowHost: () => true }
const hello = (name: string, words: string) =>
  `flow: ${name}\nstart: a\nsteps:\n  a: { say: "${words}" }\n  b: { menu: "${words} Press 1.", options: { "1": hangup } }\n`

async function aShelf(t: { teardown(run: () => unknown): unknown }, flows: Record<string, string>) {
  const folder = mkdtempSync(join(tmpdir(), 'apel-shelf-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'flows'))
  mkdirSync(join(folder, 'library'))
  const put = (name: string, text: string) => writeFileSync(join(folder, 'flows', `${name}.yaml`), text)
  for (const [name, text] of Object.entries(flows)) put(name, text)
  const shelve = (name: string, text: string) => writeFileSync(join(folder, 'library', `${name}.yaml`), text)
  const drop = (name: string) => unlinkSync(join(folder, 'flows', `${name}.yaml`))
  return { shelf: await openShelf(folder, facts), put, drop, shelve }
}

const said = (program: Parameters<typeof simulate>[0] | undefined) =>
  simulate(program!, [{ hangs_up: true }], { context: testCall(), now: TEST_NOW }).lines[0]!.text

t.test('a reload swaps what is sound; a bad file keeps its former version and stops no other', async (t) => {
  const { shelf, put, drop } = await aShelf(t, { one: hello('one', 'One.'), two: hello('two', 'Two.') })
  const before = shelf.get('one')!.version
  put('one', 'flow: one\nstart: nowhere\nsteps:\n  a: { sya: "One." }\n')
  put('two', hello('two', 'Two again.'))
  put('three', hello('three', 'Three.'))
  const problems = await shelf.reload()
  t.ok(problems.length > 0)
  t.ok(problems.every(({ file }) => file.endsWith('one.yaml')))
  t.equal(said(shelf.get('one')), 'One.')
  t.equal(shelf.get('one')!.version, before)
  t.match(shelf.views().find(({ name }) => name === 'one')?.problems, [{ severity: 'error' }])
  t.equal(said(shelf.get('two')), 'Two again.')
  t.equal(said(shelf.get('three')), 'Three.')

  put('one', hello('one', 'One, mended.'))
  drop('two')
  t.strictSame(await shelf.reload(), [])
  t.equal(said(shelf.get('one')), 'One, mended.')
  t.equal(shelf.get('two'), undefined)
})

t.test('a flow that was never right is not there', async (t) => {
  const { shelf } = await aShelf(t, { bad: 'flow: bad\nsteps: {}\n', good: hello('good', 'Good.') })
  t.equal(shelf.get('bad'), undefined)
  t.equal(said(shelf.get('good')), 'Good.')
})

t.test('a call that is on keeps the version that it began with', async (t) => {
  const { shelf, put } = await aShelf(t, { one: hello('one', 'One.') })
  const program = shelf.get('one')!
  const first = step(program, begin(program, testCall()), { type: 'start', at: TEST_NOW, verdict: 'human' })
  put('one', hello('one', 'Other words.'))
  await shelf.reload()
  const played = first.effects.find((effect) => effect.type === 'play')!
  const { effects } = step(program, first.state, { type: 'played', at: TEST_NOW + 1000, id: played.id, ok: true })
  t.match(
    effects.find((effect) => effect.type === 'play'),
    { parts: [{ text: 'One. Press 1.' }] },
  )
  t.equal(said(shelf.get('one')), 'Other words.')
})

t.test('a reload reads libraries again; a bad one keeps the flows that include it as they were', async (t) => {
  const flow = 'flow: one\ninclude: [library/words.yaml]\nstart: a\nsteps:\n  a: { goto: hello }\n'
  const words = (text: string) => `steps:\n  hello: { say: "${text}", next: hangup }\n`
  const { shelf, put, shelve } = await aShelf(t, { two: hello('two', 'Two.') })
  put('one', flow)
  shelve('words', words('One.'))
  t.strictSame(await shelf.reload(), [])
  const first = shelf.get('one')!
  t.strictSame(
    shelf.texts(first)?.map(({ path }) => path),
    ['flows/one.yaml', 'flows/two.yaml', 'library/words.yaml'],
  )
  shelve('words', words('One again.'))
  await shelf.reload()
  t.equal(said(shelf.get('one')), 'One again.')
  t.not(shelf.get('one')!.version, first.version)
  t.equal(said(first), 'One.')
  shelve('words', 'steps:\n  hello: { sya: "One." }\n')
  t.match(await shelf.reload(), [{ file: /library\/words\.yaml$/, line: 2 }])
  t.equal(said(shelf.get('one')), 'One again.')
  t.match(shelf.views().find(({ name }) => name === 'one')?.problems, [{ code: 'unknown-key' }])
  t.strictSame(shelf.views().find(({ name }) => name === 'two')?.problems, [])
})
