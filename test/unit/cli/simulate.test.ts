/** `apel simulate`: a conversation typed, piped, or from a script. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import t from 'tap'
import { run } from '../../../src/cli/program.ts'
import { readTyped } from '../../../src/cli/simulate/words.ts'
import { aFolder } from './command.ts'

t.setTimeout(60_000)

const FLOW = `flow: desk
vars: { answer: "", body: {} }
start: hi
situations:
  lost: { label: Is lost, steps: [ { say: "This is the desk." } ] }
steps:
  hi: { menu: "Good morning, {contact.name}. Press 1, 2 or 3.", options: { "1": bye, "2": wait, "3": ask } }
  wait: { hold: "One minute, please.", task: { external: look }, save: answer, on: { done: told, failed: bye } }
  told: { say: "It is {answer}.", outcome: told, next: hangup }
  ask: { http: { url: "http://crm.test/x" }, save: body, on: { ok: bye, error: bye, timeout: late } }
  late: { say: "Too late.", next: hangup }
  bye: { hangup: { say: "Goodbye." } }
`

function desk(t: Parameters<typeof aFolder>[0]) {
  const cwd = aFolder(t)
  mkdirSync(join(cwd, 'scripts-yaml/flows'), { recursive: true })
  writeFileSync(join(cwd, 'scripts-yaml/flows/desk.yaml'), FLOW)
  /** Simulates with this typed, line by line; without it nothing is. */
  return async (typed: string, ...args: string[]) => {
    const said = { status: 0, out: '', err: '' }
    said.status = await run(
      ['simulate', 'desk', ...args],
      {
        out: async (text) => {
          said.out += text
        },
        err: (text) => {
          said.err += text
        },
        env: {},
        terminal: false,
        cwd,
        input: Readable.from([typed]),
      },
      '1.2.3',
    )
    return said
  }
}

t.test('what is typed is done by the other side, and the transcript has its times', async (t) => {
  const talk = desk(t)
  const { status, out } = await talk('s\n1\n', '--contact', 'name=Ana')
  t.equal(status, 0)
  t.match(out, / 0:00\.0 {2}us {4}Good morning, Ana\./)
  t.match(
    out,
    / 0:07\.\d {2}us {4}Please speak, I am listening\.\n 0:08\.\d {2}them {2}presses 1\n {9}-- bye\n.*Goodbye\./,
  )
  t.match(out, /^disposition {2}completed$/m)
})

t.test('when nothing more is typed they are silent to the end', async (t) => {
  const { status, out } = await desk(t)('')
  t.match({ status, out }, { status: 0, out: /I will call you back\.[\s\S]*disposition {2}silent/ })
})

t.test('talk, situations, answers of machines and hanging up', async (t) => {
  const talk = desk(t)
  t.match((await talk('t\ns\n1\n')).out, /them {2}talks[\s\S]*I did not understand/)
  t.match((await talk('!lost\nh\n')).out, /situation lost[\s\S]*This is the desk\.[\s\S]*disposition {2}hangup/)
  t.match((await talk('!lots\nh\n')).err, /no situation "lots"; did you mean lost\?/)
  t.match((await talk('2\ntask look done "ten"\n')).out, /\[music\][\s\S]*It is ten\.[\s\S]*outcome +told/)
  t.match((await talk('3\nhttp 200 {"a":1}\n')).out, /Goodbye\.[\s\S]*body +\{"a":1\}/)
  t.match((await talk('3\ns\n')).out, /Too late\./)
  t.match((await talk('nonsense\n1\n')).err, /"nonsense" is not understood/)
  t.notMatch((await talk('q\n')).out, /disposition/)
  t.match((await talk('s p1\n')).out, /Please speak[^\n]*\n 0:07\.\d {2}them {2}presses 1/)
})

t.test('a script runs unattended: items of a test, or lines as they are typed', async (t) => {
  const talk = desk(t)
  const cwd = aFolder(t)
  const file = (name: string, text: string) => {
    writeFileSync(join(cwd, name), text)
    return join(cwd, name)
  }
  const good = file(
    'good.yaml',
    '# a comment\n- hears: "Good morning"\n- press: "2"\n- { task: { name: look, result: ten } }\n',
  )
  t.match(await talk('', '--script', good), { status: 0, out: /It is ten\./ })
  t.match(await talk('', '--script', file('map.yaml', 'script: [ { press: "1" } ]\n')), { status: 0, out: /Goodbye/ })
  t.match(await talk('', '--script', file('typed.txt', '2\ntask look failed\n')), { status: 0, out: /Goodbye/ })
  const left = await talk('', '--script', file('left.yaml', '[ { hears: "Good evening" }, { press: "1" } ]'))
  t.match(left, { status: 1, out: /left over: hears "Good evening", press 1/ })
  t.match(await talk('', '--script', file('late.txt', '1\n2 t\n\n3\n')), {
    status: 1,
    out: /left over: press 2, says 2s, press 3/,
  })
  t.match(await talk('', '--script', file('bad.yaml', '- heers: x\n')), {
    status: 2,
    err: /bad\.yaml:1:3 error "heers"/,
  })
  t.match(await talk('', '--script', file('odd.txt', '1x\n2\n')), { status: 2, err: /cannot be played: "1x" is not/ })
  t.match(await talk('', '--script', join(cwd, 'none')), { status: 2 })
  t.match(await talk('', '--var', 'answr=ten'), { status: 2, err: /The flow desk has no variable answr\./ })
  t.match(await talk('', '--var', 'language=ro'), { status: 0, out: /language {5}ro/ })
  const { out } = await talk('', '--script', good, '--json')
  t.match(JSON.parse(out), { result: { outcome: 'told' }, unmet: [], conversation: [{ who: 'us' }] })
})

t.test('each word stands for one thing', async (t) => {
  const cases: [string, unknown[]][] = [
    ['12#', [{ item: { press: '12#' } }]],
    ['1 s h', [{ item: { press: '1' } }, { silence: true }, { item: { hangs_up: true } }]],
    ['', [{ silence: true }]],
    ['t t500ms w2m', [{ item: { says: 2000 } }, { item: { says: 500 } }, { item: { waits: 120_000 } }]],
    ['p*', [{ item: { press: '*', during: 'prompt' } }]],
    ['http', [{ item: { http: { status: 200, json: null } } }]],
    ['http 404', [{ item: { http: { status: 404, json: null } } }]],
    ['task x', [{ item: { task: { name: 'x', status: 'done', result: null } } }]],
    ['agent busy', [{ item: { agent: 'busy' } }]],
  ]
  for (const [line, wanted] of cases) t.strictSame(readTyped(line, []), wanted, line)
  for (const line of ['5x', 'tt', '!no', 'agent late', 'task']) t.match(readTyped(line, []), [{ wrong: /./ }], line)
})

t.test('why the flow came to its apology is told to its author', async (t) => {
  const cwd = aFolder(t)
  mkdirSync(join(cwd, 'scripts-yaml/flows'), { recursive: true })
  const steps = 'hi: { say: "Hello." }\n  tell: { say: "{m.nosuch}", next: hangup }'
  writeFileSync(join(cwd, 'scripts-yaml/flows/odd.yaml'), `flow: odd\nvars: { m: {} }\nstart: hi\nsteps:\n  ${steps}\n`)
  const said: string[] = []
  const out = async (text: string) => void said.push(text)
  const io = { out, err: () => {}, env: {}, terminal: false, cwd, input: Readable.from([]) }
  t.equal(await run(['simulate', 'odd'], io, '1.2.3'), 0)
  t.match(said.join(''), /for technical reasons/)
  t.match(said.join(''), /0:00\.\d {2}fault after \w+: No such key: nosuch/)
})
