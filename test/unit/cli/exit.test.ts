/** What a command answers to the shell: 0 done, 1 the answer is no, 2 wrong usage, 3 the service cannot be reached. */
import t from 'tap'
import { aFolder, apelIn, aService } from './command.ts'

t.setTimeout(60_000)

t.test('wrong usage is 2, with a hint; help and version are 0', async (t) => {
  const apel = apelIn(aFolder(t))
  const wrong: [string[], RegExp][] = [
    [['calll'], /calls/],
    [['dial', '+40711111111'], /--flow/],
    [['dial'], /--flow/],
    [['calls', '--limit', 'ten'], /whole number/],
    [['calls', '--kind', 'odd'], /first/],
    [['campaign', 'start'], /name/],
    [['campaign', 'apply', 'nobody'], /nobody\.yaml/],
    [['batch', 'renewals'], /--run-id/],
    [['batch', 'renewals', '--run-id', 'a', '--until', 'never'], /first-pass/],
    [['batch', 'renewals', '--run-id', 'a', '--timeout', '4'], /duration/],
    [['callbacks', 'move', 'b1', 'soon'], /RFC|time such as/],
    [['dial', '1', '--flow', 'f', '--var', 'x'], /NAME=VALUE/],
    [['calls', '--url', 'ftp://x'], /http:/],
    [['check', 'nowhere'], /not there/],
    [['graph', 'nowhere'], /no flow/],
  ]
  for (const [args, hint] of wrong) {
    const { status, err } = await apel(...args)
    t.equal(status, 2, args.join(' '))
    t.match(err, hint, args.join(' '))
  }
  t.match(await apel('--version'), { status: 0, out: '1.2.3\n' })
  for (const command of [
    '',
    'serve',
    'init',
    'check',
    'graph',
    'doctor',
    'campaign',
    'campaign import',
    'batch',
    'dial',
    'calls',
    'show',
    'callbacks',
    'callbacks list',
    'dnc',
    'dnc add',
    'stop',
    'resume',
  ]) {
    const { status, out } = await apel(...command.split(' ').filter((word) => word !== ''), '--help')
    t.equal(status, 0, command)
    t.match(out, /Usage: apel/, command)
  }
})

t.test('a service that is not there is 3', async (t) => {
  const apel = apelIn(aFolder(t), { APEL_URL: 'http://127.0.0.1:9' })
  const commands = [
    'calls',
    'calls --watch',
    'show c1',
    'campaign status',
    'campaign start x',
    'campaign results x',
    'callbacks list',
    'dnc list',
    'dnc add +40711111111',
    'stop',
    'resume',
    'dial +40711111111 --flow f',
    'batch x --run-id 1',
  ]
  for (const command of commands) {
    const { status, err } = await apel(...command.split(' '))
    t.equal(status, 3, command)
    t.match(err, /cannot be reached/, command)
  }
})

t.test('what the service refuses is 1, with its code', async (t) => {
  const { apel } = await aService(t)
  const refused: [string, RegExp][] = [
    ['show c99', /not_found/],
    ['campaign status nobody', /not_found/],
    ['campaign resume renewals', /invalid_state/],
    ['dial 1&2 --flow f', /\(number\)/],
    ['dnc remove +40711111111', /not_found/],
    ['callbacks cancel b99', /not_found/],
  ]
  for (const [command, code] of refused) {
    const { status, err } = await apel(...command.split(' '))
    t.equal(status, 1, command)
    t.match(err, code, command)
  }
})

t.test('the address and the token come from the options before the environment', async (t) => {
  const { url } = await aService(t)
  const apel = apelIn(aFolder(t), { APEL_URL: 'http://127.0.0.1:9', APEL_TOKEN: 'x' })
  t.equal((await apel('calls', '--url', url, '--token', 'y')).status, 0)
})
