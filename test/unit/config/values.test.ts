/** What the configuration is when nothing is wrong with it. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how the configuration writes variables
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { type Config, parseConfig } from '../../../src/config.ts'
import { projectRoot } from '../../../src/embedded/tools.ts'

t.setTimeout(60_000)

function config(text: string, env: Record<string, string> = {}, path: string | null = '/etc/apel/apel.yaml'): Config {
  const result = parseConfig(text, path, env)
  if ('problems' in result) throw new Error(result.problems.map((one) => one.message).join('\n'))
  return result.config
}

t.test('without a file everything is embedded, and nothing may be dialled', async (t) => {
  const { redis, asterisk, policy, api, recordings, retention, instance } = config('', {}, null)
  t.match(redis, { kind: 'embedded' })
  t.match(asterisk, [
    {
      name: 'local',
      embedded: { sip_port: 5070, http_port: 8098, rtp: { from: 20000, to: 20999 }, bind: '127.0.0.1' },
      trunks: [{ name: 'carrier', endpoint: 'PJSIP/{number}@carrier', number_format: 'e164', channels: 30, cps: 10 }],
    },
  ])
  t.match(asterisk[0]?.embedded?.peers, [{ name: 'carrier', uri: 'sip:127.0.0.1:5090', codecs: ['ulaw', 'alaw'] }])
  t.strictSame(policy.allow, [])
  t.strictSame(policy.windows.sat, [{ from: 480, to: 1260 }])
  t.strictSame(policy.windows.sun, [])
  t.strictSame(policy.per_number, { per_day: null, per_week: null })
  t.strictSame(api, { host: '127.0.0.1', port: 8080, tokens: [] })
  t.strictSame(recordings, { enabled: false, keep: 30 * 86_400_000 })
  t.strictSame(retention, { records: 365 * 86_400_000, journals: 30 * 86_400_000, vars: 90 * 86_400_000 })
  t.match(instance, /^[A-Za-z0-9]/)
})

t.test('a key that a file leaves out has the same default as without a file', async (t) => {
  const { file, ...some } = config('log: { level: info }', {}, null)
  const { file: none, ...all } = config('', {}, null)
  t.strictSame(some, all)
})

t.test('relative paths are relative to the file', async (t) => {
  const { data_dir, flows, asterisk } = config(
    'data_dir: ../var\nasterisk: [ { name: a, url: "https://x", username: u, password: p, sounds: { shared: s } } ]',
  )
  t.equal(data_dir, '/etc/var')
  t.equal(flows, '/etc/apel/scripts-yaml')
  t.strictSame(asterisk[0]?.sounds, { kind: 'shared', folder: '/etc/apel/s' })
})

t.test('sounds over HTTP are fetched from the API', async (t) => {
  const of = (sounds: string) =>
    config(`asterisk: [ { name: a, url: "https://x", username: u, password: p, sounds: ${sounds} } ]`).asterisk[0]
      ?.sounds
  t.strictSame(of('http'), { kind: 'http', base: 'http://127.0.0.1:8080/sounds' })
  t.strictSame(of('{ http: "http://10.0.0.5:8080/" }'), { kind: 'http', base: 'http://10.0.0.5:8080/sounds' })
})

t.test('the environment fills values and never makes structure', async (t) => {
  const env = { NAME: 'x', EVIL: 'a, port: 1 }\nflows: /', PORT: '9090', EMPTY: '' }
  t.equal(config('instance: ${NAME}-1', env).instance, 'x-1')
  t.equal(config('data_dir: "${EVIL}"'.replace('EVIL', 'NAME'), env).data_dir, '/etc/apel/x')
  t.equal(config('api:\n  port: ${PORT}', env).api.port, 9090)
  t.equal(config('api:\n  port: ${NOPE:-7070}', env).api.port, 7070)
  t.equal(config('instance: ${EMPTY:-other}', env).instance, 'other')
  t.ok('problems' in parseConfig('instance: "${EVIL}"', 'apel.yaml', env))
})

t.test('unquoted numbers of telephones are text', async (t) => {
  const { inbound, policy } = config(
    'inbound: { +40311234567: a, 100: { flow: b, campaign: c } }\npolicy: { allow: [+40, 100] }',
  )
  t.strictSame({ ...inbound }, { '100': { flow: 'b', campaign: 'c' }, '+40311234567': { flow: 'a', campaign: null } })
  t.strictSame(policy.allow, ['+40', '100'])
})

t.test('the numbers called are kept in E.164', async (t) => {
  t.strictSame(Object.keys(config('inbound: { 031 123 4567: a, default: b }').inbound).sort(), [
    '+40311234567',
    'default',
  ])
})

t.test('a node that reaches beyond this host listens on all its addresses', async (t) => {
  const bind = (uri: string, more = '') =>
    config(`asterisk: [ { name: a, embedded: { peers: { carrier: "${uri}" } ${more} } } ]`).asterisk[0]?.embedded?.bind
  t.equal(bind('sip:127.0.0.1:5090'), '127.0.0.1')
  t.equal(bind('sip:sip.example;transport=udp'), '0.0.0.0')
  t.equal(bind('sip:sip.example', ', bind: 192.0.2.1'), '192.0.2.1')
})

t.test('it is frozen to the bottom', async (t) => {
  const { asterisk, policy } = config('')
  t.throws(() => (asterisk as unknown[]).push(1))
  t.throws(() => (policy.windows.mon as unknown[]).push(1))
  t.throws(() => Object.assign(asterisk[0] ?? {}, { name: 'x' }))
})

t.test('the example of the guide is right', async (t) => {
  const file = join(projectRoot(), 'test/unit/config/example.yaml')
  const env = { ARI_PASSWORD: 'p', APEL_TOKEN: '0123456789abcdef', HOOK_SECRET: 's' }
  const result = parseConfig(readFileSync(file, 'utf8'), '/etc/apel.yaml', env)
  t.ok('config' in result && result.warnings.length === 0, JSON.stringify(result))
})

t.test('no text makes it throw or wait', async (t) => {
  const piece = fc.constantFrom(
    'a',
    ':',
    ' ',
    '\n',
    '- ',
    '{',
    '}',
    '[',
    ']',
    '"',
    "'",
    '&x',
    '*x',
    '!t',
    '${',
    '}',
    '#',
    '|',
    '0',
    '+4',
    '\t',
    '?',
    'policy',
    'asterisk',
    '__proto__',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      const begun = performance.now()
      parseConfig(pieces.join(''), 'apel.yaml', {})
      return performance.now() - begun < 1000
    }),
    { numRuns: 300 },
  )
  for (const text of ['['.repeat(100_000), 'a:\n'.repeat(50_000), `${'  '.repeat(400)}a: 1`, '"'.repeat(200_000)])
    t.ok('problems' in parseConfig(text, 'apel.yaml', {}))
})
