import { readdirSync, readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import t from 'tap'
import { flowSchema, flowSchemaText } from '../../../src/flow/json-schema.ts'
import { loadFlows } from '../../../src/flow/load.ts'
import { readSource } from '../../../src/flow/source.ts'

t.setTimeout(120_000)

/** What the schema finds wrong with a flow, as `PATH message`. */
const ajv = new Ajv({ strict: false, allErrors: true })
const validate = ajv.compile(flowSchema())
function faults(text: string): string[] {
  const { root } = readSource('t.yaml', text)
  if (root === null) throw new Error('the text is not YAML')
  if (validate(root.value)) return []
  return (validate.errors ?? [])
    .filter(({ keyword }) => keyword !== 'if')
    .map(({ instancePath, message, params }) => `${instancePath} ${message} ${params.additionalProperty ?? ''}`.trim())
}

t.test('the file in docs is the schema of the code', async (t) => {
  t.ok(
    readFileSync('docs/flow.schema.json', 'utf8') === flowSchemaText(),
    'docs/flow.schema.json is stale: write it anew with `apel check --schema > docs/flow.schema.json`',
  )
})

t.test('every shipped flow and library is right by the schema', async (t) => {
  for (const folder of ['scripts-yaml/flows', 'scripts-yaml/library', 'test/flows/good', 'test/flows/library'])
    for (const name of listed(folder)) t.strictSame(faults(readFileSync(`${folder}/${name}`, 'utf8')), [], name)
})

function listed(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.yaml'))
  } catch {
    return []
  }
}

t.test('a fault is told where it is, and none beside it', async (t) => {
  const body = (step: string) => `flow: t\nstart: a\nsteps:\n  a: ${step}\n`
  t.strictSame(faults(body('{ say: "Hello.", next: hangup }')), [])
  t.strictSame(faults(body('{ say: "Hello.", barge_inn: true }')), [
    '/steps/a must NOT have additional properties barge_inn',
  ])
  t.strictSame(faults(body('{ menu: "Press 1.", options: { "1": hangup }, timeout: 5 }')), [
    '/steps/a/timeout must be string',
  ])
  t.strictSame(faults(body('{ menu: "Press 1." }')), ["/steps/a must have required property 'options'"])
  t.strictSame(faults('flow: t\nstart: a\nsteps: { a: { say: "Hello." } }\nstepps: {}\n'), [
    'must NOT have additional properties stepps',
  ])
  t.strictSame(faults('situations: { lost: { key: "*", goto: repeat } }\n'), [])
})

/** Every place of a value, with what lies there. */
function places(value: unknown, path: (string | number)[] = []): { path: (string | number)[]; value: unknown }[] {
  const inner = typeof value === 'object' && value !== null ? Object.entries(value) : []
  return [
    { path, value },
    ...inner.flatMap(([key, item]) => places(item, [...path, Array.isArray(value) ? Number(key) : key])),
  ]
}

function changed(value: unknown, path: (string | number)[], to: unknown): unknown {
  const [first, ...rest] = path
  if (first === undefined) return to
  const copy = Array.isArray(value) ? [...value] : { ...(value as object) }
  const part = copy as Record<string | number, unknown>
  part[first] = changed(part[first], rest, to)
  return copy
}

t.test('what the schema refuses, check refuses too, wherever a key or a value is spoilt', async (t) => {
  const libraries = listed('scripts-yaml/library').map((name) => ({
    path: `library/${name}`,
    text: readFileSync(`scripts-yaml/library/${name}`, 'utf8'),
  }))
  const files = ['test/flows/good/every_verb.yaml', 'scripts-yaml/flows/appointment.yaml']
  let refused = 0
  for (const path of files) {
    const { root } = readSource(path, readFileSync(path, 'utf8'))
    for (const [index, { path: at, value }] of places(root?.value).entries()) {
      // Each place is spoilt in one way, in turn.
      const spoilt = [17, 'spoilt', [{}], null, { spoilt: 1 }]
      const isMap = typeof value === 'object' && value !== null && !Array.isArray(value)
      for (const to of [spoilt[index % spoilt.length], ...(isMap ? [{ ...value, spoilt: 1 }] : [])]) {
        const flow = changed(root?.value, at, to)
        if (validate(flow)) continue
        refused++
        const { problems } = loadFlows([{ path, text: JSON.stringify(flow) }, ...libraries])
        if (!problems.some((p) => p.severity === 'error'))
          t.fail(`${path}: check takes ${JSON.stringify(to)} at ${at.join('.')}`)
      }
    }
  }
  t.ok(refused > 300, `${refused} are refused by both`)
})
