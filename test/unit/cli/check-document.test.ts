/** `docs/check.md` and the table of codes say the same; its examples are wrong in what they say, and their mends are right. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { PROBLEM_CODES, type Problem } from '../../../src/errors.ts'
import { aFolder, apelIn } from './command.ts'

t.setTimeout(60_000)

interface Entry {
  code: string
  meaning: string
  wrong: string | undefined
  right: string | undefined
}

const document = readFileSync('docs/check.md', 'utf8')
const entries = document
  .split(/^### /m)
  .slice(1)
  .map((section): Entry => {
    const example = (kind: string) => new RegExp(`^\`\`\`yaml ${kind}\n([\\s\\S]*?)^\`\`\``, 'm').exec(section)?.[1]
    const [, code = '', meaning = ''] = /^`([a-z-]+)`\n\n(.*)$/m.exec(section) ?? []
    return { code, meaning, wrong: example('wrong'), right: example('right') }
  })

t.test('every code is documented once, with its meaning, and no other is', async (t) => {
  t.strictSame(Object.fromEntries(entries.map(({ code, meaning }) => [code, meaning])), PROBLEM_CODES)
  t.equal(entries.length, Object.keys(PROBLEM_CODES).length)
})

/** Where an example belongs, and what stands before it. */
function placed(example: string): { name: string; text: string } {
  if (/^campaign:/m.test(example)) return { name: 'scripts-yaml/campaigns/example.yaml', text: example }
  if (/^(flow|steps|#)/m.test(example)) {
    const head = /^(flow:|#)/m.test(example) ? '' : 'flow: example\nstart: first\n'
    return { name: 'scripts-yaml/flows/example.yaml', text: head + example }
  }
  return { name: 'other.yaml', text: example }
}

t.test('every example is wrong in that and in nothing else, and its mend is right', async (t) => {
  const cwd = aFolder(t)
  const put = (name: string, text: string) => {
    mkdirSync(join(cwd, name, '..'), { recursive: true })
    writeFileSync(join(cwd, name), text)
  }
  put('apel.yaml', 'http: { allow_hosts: [crm.example] }\n')
  put('scripts-yaml/flows/support.yaml', 'flow: support\nstart: a\nsteps: { a: { hangup: true } }\n')
  put('scripts-yaml/sounds/greeting.wav', '')
  put('scripts-yaml/flows/broken.yaml', 'flow: broken\nstart: a\nsteps: { a: { hangpu: true } }\n')
  put('scripts-yaml/library/common.yaml', 'steps:\n  topics: { say: "Visits and bills.", next: hangup }\n')
  put('scripts-yaml/campaigns/contacts.csv', 'phone\n')
  const told = async (example: string) => {
    const { name, text } = placed(example)
    put(name, text)
    const args = name === 'other.yaml' ? ['-c', name, name] : [name]
    const { out } = await apelIn(cwd)('check', '--json', ...args)
    return (JSON.parse(out) as Problem[]).map((p) => p.code)
  }
  for (const { code, wrong, right } of entries) {
    // What is too large, or cannot be read, no page can show.
    t.equal(wrong === undefined, ['unreadable', 'too-large'].includes(code), `${code} has an example`)
    if (wrong === undefined || right === undefined) continue
    t.strictSame(await told(wrong), [code], `${code}: the example`)
    t.strictSame(await told(right), [], `${code}: its mend`)
  }
})

t.test('the sample on top is what is printed', async (t) => {
  const cwd = aFolder(t)
  const flow =
    'flow: visit\nstart: ask\nsteps:\n  ask:\n    menu: "To confirm, press 1."\n    timeout: 5s\n    optoins: { "1": hangup }\n'
  mkdirSync(join(cwd, 'scripts-yaml/flows'), { recursive: true })
  writeFileSync(join(cwd, 'scripts-yaml/flows/visit.yaml'), flow)
  const sample = /^```\n([\s\S]*?)^```/m.exec(document)?.[1]
  t.equal((await apelIn(cwd)('check')).out, sample)
})
