/** Every fault of `apel.yaml` is told with its place, all of them at once. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how the configuration writes variables
import t from 'tap'
import { parseConfig } from '../../../src/config.ts'

/** `▸` marks in the text where each fault must be told. */
function marked(text: string): { text: string; places: string[] } {
  const places: string[] = []
  const bare = text.split('\n').map((line, row) => {
    const [first = '', ...rest] = line.split('▸')
    return rest.reduce((before, after) => {
      places.push(`${row + 1}:${before.length + 1}`)
      return before + after
    }, first)
  })
  return { text: bare.join('\n'), places }
}

const node = (rest: string): string => `asterisk:\n  - { name: a, embedded: {}, ${rest} }`
const account = 'username: u, password: p'
const remote = (rest: string): string => `asterisk:\n  - { name: a, url: "https://x", ${account}, ${rest} }`
const token = '"0123456789abcdef"'

/** What the fault is, the text, and the code of each problem. */
const table: [string, string, ...string[]][] = [
  ['a text that is not YAML', 'api: [▸', 'yaml'],
  ['an unknown key', '▸instanc: x', 'unknown-key'],
  ['an unknown key deep inside', remote('trunks: [ { name: t, ▸chanels: 3 } ]'), 'unknown-key'],
  ['a key that stands twice', 'instance: a\n▸instance: b', 'duplicate-key'],
  ['an anchor and an alias', 'instance: ▸&a x\ndata_dir: ▸*a', 'anchor', 'anchor'],
  ['a tag', 'instance: ▸!secret x', 'tag'],
  ['an empty map', 'agents: ▸\n', 'wrong-type'],
  ['a text for a number', 'api: { port: ▸eighty }', 'wrong-type'],
  ['a number for a text', 'data_dir: ▸5', 'wrong-type'],
  ['a port beyond all ports', 'api: { port: ▸70000 }', 'bad-value'],
  ['a duration without a unit', 'drain_timeout: ▸10', 'bad-value'],
  ['a zone that is none', 'policy: { timezone: ▸Europe/Bucarest }', 'bad-value'],
  ['a country that is none', 'policy: { default_country: ▸XX }', 'bad-value'],
  ['a window that ends before it begins', 'policy: { windows: { mon: ▸"9:00-8:00" } }', 'bad-value'],
  ['a day that is none', 'policy: { windows: { fry: ▸"08:00-09:00" } }', 'bad-value'],
  ['a prefix that is none', 'policy: { allow: [ ▸forty ] }', 'bad-value'],
  ['an endpoint without {number}', remote('trunks: [ { name: t, endpoint: ▸"PJSIP/x@c" } ]'), 'bad-value'],
  ['an endpoint of two', remote('trunks: [ { name: t, endpoint: ▸"PJSIP/{number}&PJSIP/1" } ]'), 'bad-value'],
  ['a caller id that is not E.164', remote('trunks: [ { name: t, caller_ids: [ ▸0311234567 ] } ]'), 'bad-value'],
  ['two trunks of one name', remote('trunks: [ { name: t }, { name: ▸t } ]'), 'duplicate-name'],
  [
    'two nodes of one name',
    `${remote('trunks: []')}\n  - { name: ▸a, url: "https://y", ${account} }`,
    'duplicate-name',
  ],
  ['a node without an account', 'asterisk: [ ▸{ name: a, url: "https://x", username: u } ]', 'missing-key'],
  ['a node that is both', node('▸url: "https://x"'), 'bad-value'],
  ['an endpoint to no peer', node('trunks: [ { name: t, endpoint: ▸"PJSIP/{number}@carier" } ]'), 'unknown-peer'],
  ['a trunk named like no peer', node('trunks: [ ▸{ name: t } ]'), 'unknown-peer'],
  ['a peer that cannot be', 'asterisk: [ { name: a, embedded: { peers: { ▸p: "sip:" } } } ]', 'bad-value'],
  ['peers alike', 'asterisk: [ { name: a, embedded: { peers: { p: "sip:h", ▸q: "sip:h" } } } ]', 'bad-value'],
  ['an embedded node that no folder can be named by', 'asterisk: [ { name: ▸a.b, embedded: {} } ]', 'bad-value'],
  ['a port that a node has', 'asterisk: [ { name: a, embedded: { http_port: ▸8080 } } ]', 'port-taken'],
  [
    'ports of two nodes that overlap',
    'asterisk:\n  - { name: a, embedded: {} }\n  - { name: b, trunks: [], embedded: { rtp: ▸"20900-21999", sip_port: 5071, http_port: ▸8098 } }',
    'port-taken',
    'port-taken',
  ],
  ['an open API without tokens', 'api: { host: ▸0.0.0.0 }', 'open-api'],
  [
    'two tokens alike',
    `api:\n  tokens:\n    - { name: a, token: ${token}, scopes: [read] }\n    - { name: b, token: ▸${token}, scopes: [dial] }`,
    'duplicate-name',
  ],
  ['a scope that is none', `api: { tokens: [ { name: a, token: ${token}, scopes: [ ▸write ] } ] }`, 'bad-value'],
  ['an empty token', 'api: { tokens: [ { name: a, token: ▸"${T:-}", scopes: [read] } ] }', 'bad-value'],
  ['a number in two spellings', 'inbound: { "+40311234567": a, ▸0311234567: b }', 'duplicate-name'],
  ['a number that is none', 'inbound: { ▸reception: a }', 'bad-value'],
  ['a host that is none', 'http: { allow_hosts: [ ▸"http://x/" ] }', 'bad-value'],
  ['Redis by two ways', 'redis: { url: "redis://x", ▸sentinels: ["a:1"], name: m }', 'bad-value'],
  ['sentinels without a name', 'redis: ▸{ sentinels: ["a:1"] }', 'missing-key'],
  [
    'an event that never happens',
    'http: { allow_hosts: [x] }\nwebhooks: [ { url: "https://x", secret: s, events: [ ▸call.begun ] } ]',
    'bad-value',
  ],
  [
    'a webhook on a host that is not allowed',
    'webhooks: [ { url: ▸"https://x.example/a", secret: s } ]',
    'host-not-allowed',
  ],
  [
    'a webhook with a password in its address',
    'http: { allow_hosts: [x.example] }\nwebhooks: [ { url: ▸"https://a:b@x.example/", secret: s } ]',
    'host-not-allowed',
  ],
  [
    'two webhooks alike',
    'http: { allow_hosts: [x.example] }\nwebhooks: [ { url: "https://x.example/", secret: s }, { url: ▸"https://x.example/", secret: t } ]',
    'duplicate-name',
  ],
  [
    'a webhook for every step',
    'http: { allow_hosts: [x] }\nwebhooks: [ { url: "https://x", secret: s, events: [ ▸call.step ] } ]',
    'bad-value',
  ],
  ['an engine without a command', 'speech: ▸{ engine: command }', 'missing-key'],
  ['a variable that is not there', 'instance: ▸"${NOBODY}"', 'environment'],
  ['a variable that cannot be', 'instance: ▸"${NO BODY}"', 'environment'],
  ['a missing variable, and nothing that follows from it', 'drain_timeout: ▸"${SOON}"', 'environment'],
  ['a password in the clear', `asterisk: [ { name: a, url: ▸"http://192.0.2.1", ${account} } ]`, 'plain-http'],
  ['a token that can be guessed', 'api: { tokens: [ { name: a, token: ▸abc, scopes: [read] } ] }', 'short-token'],
  [
    'all faults, in the order of the file',
    '▸instanc: x\napi: { port: ▸x, host: ▸0.0.0.0 }\ndrain_timeout: ▸soon',
    ...['unknown-key', 'wrong-type', 'open-api', 'bad-value'],
  ],
]

const warnings = ['plain-http', 'short-token']

for (const [what, yaml, ...codes] of table) {
  const { text, places } = marked(yaml)
  const result = parseConfig(text, 'apel.yaml', {})
  const problems = 'problems' in result ? result.problems : result.warnings
  const told = problems.map(({ line, column, severity, code }) => `${line}:${column} ${severity} ${code}`)
  const expected = places.map((place, n) => {
    const code = codes[n] ?? ''
    return `${place} ${warnings.includes(code) ? 'warning' : 'error'} ${code}`
  })
  t.strictSame(told, expected, `tells ${what}`)
}

t.test('names the key that was probably meant', async (t) => {
  const result = parseConfig('polcy: {}', 'apel.yaml', {})
  t.match('problems' in result && result.problems[0]?.message, /did you mean `policy`/)
})

t.test('says what to do with a file that is not there', async (t) => {
  const { loadConfig } = await import('../../../src/config.ts')
  const result = loadConfig('/nowhere/apel.yaml', {})
  t.match('problems' in result && result.problems, [{ code: 'unreadable', line: 1, message: /apel init/ }])
})
