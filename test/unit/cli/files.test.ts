/** The commands that work on files alone. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { files } from '../../../src/cli/init/files.ts'
import { aFolder, apelIn } from './command.ts'

t.setTimeout(60_000)

t.test('init writes a project that check finds right, and writes over nothing', async (t) => {
  const cwd = aFolder(t)
  const apel = apelIn(cwd)
  t.match(await apel('init', 'mine'), { status: 0 })
  for (const [name, text] of Object.entries(files())) t.equal(readFileSync(join(cwd, 'mine', name), 'utf8'), text)
  t.match(await apelIn(join(cwd, 'mine'))('check'), { status: 0, out: '', err: '4 files, 0 errors, 0 warnings\n' })
  t.match(await apel('check', 'mine'), { status: 0, out: '' })
  writeFileSync(join(cwd, 'mine/apel.yaml'), '# mine\n')
  t.match(await apel('init', 'mine'), { status: 1, err: /already there/ })
  t.match(await apel('init', '/proc/nope'), { status: 1, err: /The folder \/proc\/nope cannot be made: ENOENT/ })
  t.equal(readFileSync(join(cwd, 'mine/apel.yaml'), 'utf8'), '# mine\n')
})

t.test('check tells every fault of every file, each with its place', async (t) => {
  const cwd = aFolder(t)
  const put = (name: string, text: string): void => {
    mkdirSync(join(cwd, name, '..'), { recursive: true })
    writeFileSync(join(cwd, name), text)
  }
  put('apel.yaml', 'polcy: {}\ninbound: { default: deks }\n')
  put(
    'scripts-yaml/flows/desk.yaml',
    'flow: desk\nstart: hi\nsteps:\n  hi: { say: "Hello." }\n  bye: { hangup: true }\n',
  )
  put('scripts-yaml/flows/bad.yaml', 'flow: bad\nstart: hi\nsteps:\n  hi: { sya: "Hello." }\n')
  put('scripts-yaml/campaigns/spring.yaml', 'campaign: spring\nflow: dsk\ncontacts: { file: none.csv }\n')
  const { status, out } = await apelIn(cwd)('check')
  t.equal(status, 1)
  t.match(
    out,
    /^apel\.yaml:1:1 error Unknown key `polcy`; did you mean `policy`\? \[unknown-key\]\n {4}polcy: \{\}\n {4}\^$/m,
  )
  t.match(out, /^apel\.yaml:2:21 error There is no flow named deks: did you mean "desk"\? \[/m)
  t.match(out, /^scripts-yaml\/flows\/bad\.yaml:4:\d+ error /m)
  t.match(out, /^scripts-yaml\/campaigns\/spring\.yaml:2:7 error There is no flow named dsk: did you mean "desk"\? \[/m)
  t.match(out, /^scripts-yaml\/campaigns\/spring\.yaml:3:19 warning The file none\.csv is not there/m)
  t.notMatch(out, /desk\.yaml/)
  t.match(await apelIn(cwd)('check', 'scripts-yaml/flows/desk.yaml'), { status: 0 })
  t.match(await apelIn(cwd)('check', 'scripts-yaml/flows'), { status: 1 })
  t.match(JSON.parse((await apelIn(cwd)('check', '--json', 'apel.yaml')).out), [{ code: 'unknown-key', line: 1 }, {}])
})

t.test('a file that cannot be read is told, and the others are checked all the same', async (t) => {
  const cwd = aFolder(t)
  mkdirSync(join(cwd, 'scripts-yaml/flows/folder.yaml'), { recursive: true })
  mkdirSync(join(cwd, 'scripts-yaml/campaigns/spring.yaml'), { recursive: true })
  writeFileSync(join(cwd, 'scripts-yaml/flows/bad.yaml'), 'flow: bad\n')
  const { status, out } = await apelIn(cwd)('check')
  t.equal(status, 1)
  t.match(out, /^scripts-yaml\/flows\/folder\.yaml:1:1 error cannot be read: .* \[unreadable\]$/m)
  t.match(out, /^scripts-yaml\/campaigns\/spring\.yaml:1:1 error cannot be read: .* \[unreadable\]$/m)
  t.match(out, /^scripts-yaml\/flows\/bad\.yaml:1:1 error "steps" is missing/m)
})

t.test('a flow is drawn by its name or its file', async (t) => {
  const cwd = aFolder(t)
  const apel = apelIn(cwd)
  await apel('init')
  t.match(await apel('graph', 'reminder'), { status: 0, out: /^flowchart|graph|stateDiagram/ })
  t.match(await apel('graph', 'scripts-yaml/flows/reminder.yaml', '--format', 'dot'), { status: 0, out: /^digraph/ })
  t.match(await apel('graph', 'reminder', '--format', 'svg', '-o', 'r.svg'), { status: 0, out: '' })
  t.match(readFileSync(join(cwd, 'r.svg'), 'utf8'), /<svg[\s\S]*confirm/)
  writeFileSync(join(cwd, 'bad.yaml'), 'flow: bad\n')
  t.match(await apel('graph', 'bad.yaml'), { status: 1, err: /cannot be drawn/ })
})

t.test('doctor says each part and its mend, and leaves nothing behind', async (t) => {
  const cwd = aFolder(t)
  const text =
    'data_dir: ./data\napi: { port: 0 }\nredis: { url: "redis://127.0.0.1:9" }\nasterisk: [ { name: pbx, url: "http://127.0.0.1:9", username: a, password: b } ]\n'
  writeFileSync(join(cwd, 'apel.yaml'), text)
  const env = { HOME: process.env.HOME ?? '/', APEL_URL: 'http://127.0.0.1:9' }
  const { status, out } = await apelIn(cwd, env)('doctor', '--json')
  t.equal(status, 1)
  const found = JSON.parse(out) as { state: string; what: string; mend: string | null }[]
  t.match(found, [
    { what: 'configuration', state: 'ok' },
    { what: 'data_dir', state: 'ok' },
    { what: 'service', state: 'ok' },
    { what: 'redis', state: 'fail', mend: /redis/ },
    { what: 'clock' },
    { what: 'speech' },
    { what: 'asterisk pbx', state: 'fail', mend: /url/ },
    { what: 'policy', state: 'warn', mend: /policy\.allow/ },
    { what: 'flows', state: 'warn' },
  ])
  for (const { state, mend } of found) t.equal(state === 'ok', mend === null)
  t.notOk(existsSync(join(cwd, 'data')))

  writeFileSync(join(cwd, 'apel.yaml'), 'api: { port: x }')
  t.match(await apelIn(cwd, env)('doctor'), { status: 1, out: /fail.*apel\.yaml:1:14 error/ })
})
