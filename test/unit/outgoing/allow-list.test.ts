import t from 'tap'
import { allowedUrl, allowList } from '../../../src/outgoing/allow-list.ts'

t.test('an address is on the list by its name, host:port, address or network', async (t) => {
  const list = allowList([
    'crm.example',
    'Api.Example:8443',
    '192.0.2.7',
    '127.0.0.1:9000',
    '10.0.0.0/8',
    '::1',
    'web.example:80',
  ])
  for (const good of [
    'http://crm.example/a?b=c',
    'https://CRM.example:444/',
    'https://api.example:8443/',
    'http://192.0.2.7/',
    'http://127.0.0.1:9000/x',
    'http://10.9.8.7:81/',
    'http://[::1]:8080/',
    'http://web.example/',
    'http://crm.example./',
  ])
    t.ok(allowedUrl(good, list), good)
  for (const bad of [
    'https://api.example/',
    'http://127.0.0.1/',
    'http://127.0.0.1:9001/',
    'http://localhost:9000/',
    'http://11.0.0.1/',
    'http://crm.example.evil.example/',
    'https://web.example/',
    'http://0x7f000001/',
    'ftp://crm.example/',
    'file:///etc/passwd',
    'http://user:pass@crm.example/',
    'crm.example',
    '',
  ])
    t.throws(() => allowedUrl(bad, list), { code: 'http_refused' }, bad)
})

t.test('an address that is not public is reached only when an entry names it', async (t) => {
  const list = allowList(['crm.example', 'inner.example:9000', '127.0.0.2', '10.1.0.0/16', '127.0.0.3:81'])
  for (const [address, host, port, reached] of [
    ['93.184.216.34', 'crm.example', 80, true],
    ['127.0.0.1', 'crm.example', 80, false],
    ['10.0.0.1', 'crm.example', 80, false],
    ['192.168.1.1', 'crm.example', 80, false],
    ['169.254.169.254', 'crm.example', 80, false],
    ['0.0.0.0', 'crm.example', 80, false],
    ['100.64.0.1', 'crm.example', 80, false],
    ['::1', 'crm.example', 80, false],
    ['::ffff:127.0.0.1', 'crm.example', 80, false],
    ['fd00::1', 'crm.example', 80, false],
    ['fe80::1', 'crm.example', 80, false],
    ['64:ff9b::7f00:1', 'crm.example', 80, false],
    ['2606:2800:220:1::1', 'crm.example', 80, true],
    ['127.0.0.1', 'inner.example', 9000, true],
    ['127.0.0.1', 'inner.example', 9001, false],
    ['127.0.0.2', 'crm.example', 80, true],
    ['::ffff:127.0.0.2', 'crm.example', 80, true],
    ['10.1.2.3', 'crm.example', 80, true],
    ['10.2.2.3', 'crm.example', 80, false],
    ['127.0.0.3', 'crm.example', 81, true],
    ['127.0.0.3', 'crm.example', 82, false],
  ] as const)
    t.equal(list.reaches(address, host, port), reached, `${address} for ${host}:${port}`)
})

t.test('an entry that makes no sense is named', async (t) => {
  for (const entry of [
    'http://crm.example',
    'crm.example/path',
    'a b',
    '',
    'crm.example:99999',
    '10.0.0.0/99',
    'user@crm',
  ])
    t.throws(() => allowList([entry]), { code: 'bad_host', facts: { entry } }, entry)
})
