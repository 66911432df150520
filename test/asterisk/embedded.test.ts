/**
 * The embedded servers, real ones from the cache folder: they start, outlive the process that started them, are found
 * again and stop; and what Asterisk does with calls from outside while no service is there.
 */
import { execFile, spawn } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import { type AsteriskOptions, type EmbeddedAsterisk, startAsterisk } from '../../src/embedded/asterisk.ts'
import { processRef } from '../../src/embedded/process.ts'
import { startRedis } from '../../src/embedded/redis.ts'
import { ensureTools, projectRoot, type Tools } from '../../src/embedded/tools.ts'
import { ApelError } from '../../src/errors.ts'
import { freePort, freeRange } from '../../src/phones/ports.ts'

t.setTimeout(180_000)
const run = promisify(execFile)
const tools: Tools = await ensureTools(['asterisk', 'redis', 'sipp'], (line) => t.comment(line))
const say = () => {}

function folder(test: Test): string {
  const path = mkdtempSync(join(tmpdir(), 'apel-embedded-'))
  test.teardown(() => rmSync(path, { recursive: true, force: true }))
  return path
}

async function nodeOptions(dataDir: string, more: Partial<AsteriskOptions> = {}): Promise<AsteriskOptions> {
  const base = { sipPort: await freePort('udp'), httpPort: await freePort('tcp'), rtp: await freeRange('udp', 40) }
  return { dataDir, name: 'local', ...base, peers: {}, ariUser: 'apel', ariPassword: 'a;b"c', tools, say, ...more }
}

/** Starts something in another process that kills itself as soon as it has said the server's pid. */
async function startedByOneThatDies(module: string, call: string, options: unknown): Promise<number> {
  const source = `
    const { ${call} } = await import(${JSON.stringify(new URL(`../../src/embedded/${module}.js`, import.meta.url).href)})
    const { ensureTools } = await import(${JSON.stringify(new URL('../../src/embedded/tools.js', import.meta.url).href)})
    const tools = await ensureTools(['asterisk', 'redis'], () => {})
    const server = await ${call}({ ...${JSON.stringify(options)}, tools, say() {} })
    process.stdout.write(String(server.pid), () => process.kill(process.pid, 'SIGKILL'))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.on('data', (bytes) => {
    said += bytes
  })
  const [, signal] = await once(child, 'close')
  if (signal !== 'SIGKILL') throw new Error(`the starter ended by itself: ${said}`)
  return Number(said)
}

async function until(what: string, holds: () => boolean | Promise<boolean>, ms = 5000): Promise<void> {
  const end = performance.now() + ms
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

t.test('the embedded Redis', async (t) => {
  await t.test('keeps an append-only file, evicts nothing and has no port', async (t) => {
    const dataDir = folder(t)
    const server = await startRedis({ dataDir, tools, say })
    t.teardown(() => server.stop())
    const redis = new Redis(server.url)
    t.teardown(() => redis.disconnect())
    t.equal(server.found, false)
    const config = Object.fromEntries(
      await Promise.all(
        ['appendonly', 'appendfsync', 'maxmemory-policy', 'port', 'save'].map(
          async (key) => (await redis.config('GET', key)) as [string, string],
        ),
      ),
    )
    t.strictSame(config, {
      appendonly: 'yes',
      appendfsync: 'everysec',
      'maxmemory-policy': 'noeviction',
      port: '0',
      save: '',
    })
    t.equal(statSync(server.socket).mode & 0o077, 0, 'nobody else may open its socket')
  })

  await t.test(
    'outlives the service that started it, is found by the next one, and stops with its data kept',
    async (t) => {
      const dataDir = folder(t)
      const pid = await startedByOneThatDies('redis', 'startRedis', { dataDir })
      const found = await startRedis({ dataDir, tools, say })
      t.teardown(() => found.stop())
      t.equal(found.found, true)
      t.equal(found.pid, pid)
      const redis = new Redis(found.url)
      await redis.set('kept', 'yes')
      redis.disconnect()
      await found.stop()
      t.equal(processRef(pid), null, 'its process is gone')
      t.equal(existsSync(found.socket), false, 'its socket is gone')
      const again = await startRedis({ dataDir, tools, say })
      t.teardown(() => again.stop())
      t.equal(again.found, false)
      const second = new Redis(again.url)
      t.teardown(() => second.disconnect())
      t.equal(await second.get('kept'), 'yes')
    },
  )

  await t.test('is started once when two services start at the same moment', async (t) => {
    const dataDir = folder(t)
    const both = await Promise.all([startRedis({ dataDir, tools, say }), startRedis({ dataDir, tools, say })])
    t.teardown(() => both[0].stop())
    t.equal(both[0].pid, both[1].pid)
    t.strictSame(both.map((one) => one.found).sort(), [false, true])
  })

  await t.test('that is stopped for a while is waited for, not doubled', async (t) => {
    const dataDir = folder(t)
    const server = await startRedis({ dataDir, tools, say })
    t.teardown(() => server.stop())
    process.kill(server.pid, 'SIGSTOP')
    const wake = setTimeout(() => process.kill(server.pid, 'SIGCONT'), 3000)
    t.teardown(() => clearTimeout(wake))
    const again = await startRedis({ dataDir, tools, say })
    t.match(again, { found: true, pid: server.pid })
  })

  await t.test('is reached by a short path when the data folder lies deep', async (t) => {
    const dataDir = join(folder(t), 'deep'.repeat(20), 'down, & below'.repeat(5))
    mkdirSync(dataDir, { recursive: true })
    const server = await startRedis({ dataDir, tools, say })
    t.teardown(() => server.stop())
    t.ok(Buffer.byteLength(server.socket) < 108)
    t.ok(existsSync(join(dataDir, 'redis', 'redis.sock')), 'the socket itself lies in the data folder')
    const redis = new Redis(server.url)
    t.teardown(() => redis.disconnect())
    t.equal(await redis.ping(), 'PONG')
  })

  await t.test('that cannot start says why', async (t) => {
    const dataDir = folder(t)
    mkdirSync(join(dataDir, 'redis', 'appendonlydir'), { recursive: true })
    writeFileSync(join(dataDir, 'redis', 'appendonlydir', 'appendonly.aof.manifest'), 'nonsense\n')
    const error = await startRedis({ dataDir, tools, say }).then(
      () => null,
      (cause) => cause,
    )
    t.ok(error instanceof ApelError)
    t.match(error, { code: 'embedded_start', message: /^Redis did not start: .*redis\.log/s })
  })
})

t.test('the embedded Asterisk', async (t) => {
  const dataDir = folder(t)
  const known = await freePort('udp')
  const unknown = await freePort('udp')
  const options = await nodeOptions(dataDir, {
    peers: {
      carrier: `sip:127.0.0.1:${known}`,
      ana: { uri: `sip:127.0.0.1:${await freePort('udp')}`, username: 'ana', password: 'x;y"z', codecs: ['alaw'] },
    },
  })
  let asterisk: EmbeddedAsterisk
  t.before(async () => {
    asterisk = await startAsterisk(options)
  })
  t.teardown(() => asterisk?.stop())

  const ari = async (path: string, method = 'GET') => {
    const login = Buffer.from(`${asterisk.username}:${asterisk.password}`).toString('base64')
    return await fetch(`${asterisk.url}/ari${path}`, { method, headers: { authorization: `Basic ${login}` } })
  }

  await t.test('starts with its peers, and answers ARI', async (t) => {
    const info = await ari('/asterisk/info')
    t.equal(info.status, 200)
    t.match(await info.json(), { system: { version: /^2\d\./ } })
    const endpoints = (await (await ari('/endpoints')).json()) as { resource: string; state: string }[]
    t.strictSame(endpoints.map(({ resource, state }) => `${resource} ${state}`).sort(), [
      'ana online',
      'carrier online',
    ])
  })

  await t.test('boots without an error or a warning in its log', (t) => {
    const log = readFileSync(join(dataDir, 'asterisk/local/log/messages'), 'utf8')
    t.strictSame(
      log.split('\n').filter((line) => /(ERROR|WARNING)\[/.test(line)),
      [],
    )
    t.end()
  })

  await t.test('keeps its password from others', (t) => {
    for (const name of readdirSync(join(dataDir, 'asterisk/local/etc'))) {
      t.equal(statSync(join(dataDir, 'asterisk/local/etc', name)).mode & 0o077, 0, name)
    }
    t.end()
  })

  await t.test('has music on hold that sounds', async (t) => {
    t.match(await asterisk.cli('moh show files'), /Class: default\s+File: \S+quiet/)
    const loop = readFileSync(join(projectRoot(), 'dialplans/sounds/moh/quiet.ulaw'))
    t.ok(loop.length <= 200_000)
    t.ok(new Set(loop).size > 50, 'it is not silence')
  })

  await t.test(
    'lets a caller hear ringing for 8 s and then a polite sentence, while no service is there',
    async (t) => {
      const call = await callIn(t, { sipPort: options.sipPort, from: known, number: '+40311234567' })
      t.equal(call.code, 200)
      t.ok(call.ringing !== null && call.ringing < 1000, `180 after ${call.ringing} ms`)
      t.ok(call.answered !== null && call.answered > 7500 && call.answered < 10_000, `200 after ${call.answered} ms`)
      const sentence = readFileSync(join(projectRoot(), 'dialplans/sounds/apel/unavailable.ulaw'))
      t.ok(call.heard.includes(sentence.subarray(8000, 40_000)), 'the middle of the sentence arrived sample by sample')
      t.ok(call.bye !== null && call.bye - (call.answered ?? 0) < 10_000, 'Asterisk hangs up after it')
    },
  )

  await t.test(
    'offers a call to the application that comes back meanwhile, unanswered and with its number',
    async (t) => {
      t.equal(
        (await ari(`/asterisk/variable?variable=APEL_APPS&value=${encodeURIComponent('gone,apel-test-2')}`, 'POST'))
          .status,
        204,
      )
      t.teardown(() => ari('/asterisk/variable?variable=APEL_APPS&value=', 'POST'))
      const calling = callIn(t, { sipPort: options.sipPort, from: known, number: '100', speaks: true })
      await until('the call rings', async () => /1 active channel/.test(await asterisk.cli('core show channels count')))
      const login = encodeURIComponent(`${asterisk.username}:${asterisk.password}`)
      const socket = new Events(`${asterisk.url.replace('http', 'ws')}/ari/events?app=apel-test-2&api_key=${login}`)
      t.teardown(() => socket.close())
      const start = await socket.event('StasisStart')
      t.match(start, {
        args: ['inbound'],
        channel: {
          state: 'Ring',
          caller: { number: '+40722000111' },
          dialplan: { exten: '100', context: 'apel-inbound' },
        },
      })
      const id = (start as { channel: { id: string } }).channel.id
      t.equal((await ari(`/channels/${id}/ring`, 'POST')).status, 204)
      t.equal((await ari(`/channels/${id}/answer`, 'POST')).status, 204)
      const shown = await asterisk.cli(`core show channel ${start.channel.name}`)
      const left = Number(/Time to Hangup: (\d+)/.exec(shown)?.[1]) - Math.floor(Date.now() / 1000)
      t.ok(left > 3500 && left <= 3600, `Asterisk itself ends the call after ${left} s`)
      t.ok(await socket.event('ChannelTalkingStarted'), 'talk is detected without being asked for')
      const asked = performance.now()
      t.equal((await ari(`/channels/${id}/continue?context=apel-amd&extension=s&priority=1`, 'POST')).status, 204)
      t.match(await socket.event('StasisStart', 'amd'), { args: ['amd', 'MACHINE', /^LONGGREETING/] })
      const verdict = Math.round(performance.now() - asked)
      t.ok(verdict < 2000, `one who talks on and on is a machine after ${verdict} ms`)
      t.equal((await ari(`/channels/${id}`, 'DELETE')).status, 204)
      const call = await calling
      t.equal(call.code, 200)
    },
  )

  await t.test('refuses a source that is no peer, before any dialplan', async (t) => {
    const before = await asterisk.cli('core show channels count')
    const call = await callIn(t, { sipPort: options.sipPort, from: unknown, number: '+40311234567' })
    t.equal(call.code, 401)
    t.equal(call.ringing, null)
    const processed = (text: string) => /(\d+) calls? processed/.exec(text)?.[1]
    t.equal(processed(await asterisk.cli('core show channels count')), processed(before))
  })

  await t.test('has no way from the inbound context to a trunk', async (t) => {
    const dialplan = await asterisk.cli('dialplan show apel-inbound')
    t.notMatch(dialplan, /\b(Dial|Originate|Queue|Goto\(|Macro|Gosub|System|TrySystem|AGI)\b/)
    t.notMatch(dialplan, /Include =>/)
    t.match(dialplan, /'_\[\+0-9\]!'/)
  })

  await t.test('is found by the next start, and takes a changed peer without a restart', async (t) => {
    const same = await startAsterisk(options)
    t.match(same, { found: true, applied: 'unchanged', pid: asterisk.pid })
    const bob = { uri: `sip:127.0.0.1:${unknown}` }
    const { ana: _ana, ...others } = options.peers
    const more = await startAsterisk({ ...options, peers: { ...others, bob } })
    t.match(more, { found: true, applied: 'reloaded', pid: asterisk.pid })
    await until('the new peer is there and the old one is gone', async () => {
      // ARI goes on listing an endpoint that was taken away, as offline, until the next restart.
      const endpoints = (await (await ari('/endpoints')).json()) as { resource: string; state: string }[]
      const online = endpoints.filter((one) => one.state === 'online').map((one) => one.resource)
      return online.sort().join() === 'bob,carrier'
    })
    await until('the new peer may call in', async () => {
      const call = await callIn(t, { sipPort: options.sipPort, from: unknown, number: 'nobody' })
      return call.code === 404
    })
  })

  await t.test('is restarted when its ports changed', async (t) => {
    const before = asterisk.pid
    asterisk = await startAsterisk({ ...options, httpPort: await freePort('tcp') })
    t.match(asterisk, { found: true, applied: 'restarted' })
    t.not(asterisk.pid, before)
    t.equal(processRef(before), null)
    t.equal((await ari('/asterisk/info')).status, 200)
  })

  await t.test('stops with the process gone, even when it hangs', async (t) => {
    process.kill(asterisk.pid, 'SIGSTOP')
    t.teardown(() => processRef(asterisk.pid) && process.kill(asterisk.pid, 'SIGKILL'))
    await asterisk.stop()
    t.equal(processRef(asterisk.pid), null)
  })
})

t.test('an embedded Asterisk outlives the service that started it, in a deep data folder, and is found', async (t) => {
  const dataDir = join(folder(t), 'deep'.repeat(20))
  mkdirSync(dataDir)
  const options = await nodeOptions(dataDir)
  const pid = await startedByOneThatDies('asterisk', 'startAsterisk', options)
  const found = await startAsterisk(options)
  t.teardown(() => found.stop())
  t.match(found, { found: true, applied: 'unchanged', pid })
  t.match(await found.cli('core show version'), /^Asterisk 2/)
})

t.test('a port that is taken is an error that names the port and its key', async (t) => {
  const dataDir = folder(t)
  const options = await nodeOptions(dataDir)
  const refusal = async () =>
    await startAsterisk(options).then(
      async (one) => {
        await one.stop()
        return null
      },
      (cause) => cause,
    )

  const socket = createSocket('udp4')
  socket.bind(options.sipPort, '127.0.0.1')
  await once(socket, 'listening')
  t.match(await refusal(), {
    code: 'port_taken',
    message: new RegExp(`Port ${options.sipPort} .*embedded\\.sip_port of the node local in apel\\.yaml`),
  })
  socket.close()

  const server = createServer().listen(options.httpPort, '127.0.0.1')
  await once(server, 'listening')
  t.match(await refusal(), {
    code: 'port_taken',
    message: new RegExp(`Port ${options.httpPort} .*embedded\\.http_port`),
  })
  server.close()
})

t.test('a peer that cannot be is an error that names it', async (t) => {
  const options = await nodeOptions(folder(t))
  const refusal = async (peers: AsteriskOptions['peers']) =>
    await startAsterisk({ ...options, peers }).then(
      async (started) => await started.stop(),
      (cause) => cause,
    )
  for (const [peers, message] of [
    [{ 'a b': 'sip:127.0.0.1:5090' }, /"a b".*a name begins with a letter/],
    [{ 'x]\n[y': 'sip:127.0.0.1:5090' }, /a name begins with a letter/],
    [{ a: 'http://127.0.0.1' }, /"a".*sip:HOST/],
    [{ a: 'sip:127.0.0.1:99999' }, /sip:HOST/],
    [{ a: 'sip:h\nmatch=0.0.0.0/0' }, /sip:HOST/],
    [{ a: { uri: 'sip:127.0.0.1:5090', username: 'u', password: 'p\n[evil]' } }, /password.*control character/],
    [{ a: { uri: 'sip:127.0.0.1:5090', register: true } }, /register needs a username/],
    [{ a: { uri: 'sip:127.0.0.1:5090', codecs: ['ulaw\nx'] } }, /not a codec/],
    [{ a: 'sip:127.0.0.1:5090', b: 'sip:127.0.0.1:5090' }, /nobody could tell them apart/],
  ] as [AsteriskOptions['peers'], RegExp][]) {
    t.match(await refusal(peers), { code: 'peer', message })
  }
})

// ------------------------------------------------------------------------------------------------------- the far side

interface InboundCall {
  code: number | null
  /** Milliseconds after the INVITE. */
  ringing: number | null
  answered: number | null
  bye: number | null
  /** The bytes of speech that came by RTP, in order. */
  heard: Buffer
}

/** One call by SIPp from the port `from`, its media to a socket of ours; waits for its end. */
async function callIn(
  t: Test,
  { sipPort, from, number, speaks = false }: { sipPort: number; from: number; number: string; speaks?: boolean },
): Promise<InboundCall> {
  const place = folder(t)
  const media = createSocket('udp4')
  const packets = new Map<number, Buffer>()
  media.on('message', (packet) => packets.set(packet.readUInt16BE(2), packet.subarray(12)))
  media.bind(0, '127.0.0.1')
  await once(media, 'listening')
  writeFileSync(join(place, 'call.xml'), scenario(number, media.address().port))
  const log = join(place, 'messages.log')
  const mouth = speaks ? speakTo(media, log) : undefined
  await run(
    tools.path('sipp'),
    [
      `127.0.0.1:${sipPort}`,
      '-sf',
      'call.xml',
      '-i',
      '127.0.0.1',
      '-p',
      String(from),
      '-m',
      '1',
      '-nostdin',
      '-trace_msg',
      '-message_file',
      log,
      '-timeout',
      '40s',
    ],
    { cwd: place, timeout: 60_000, killSignal: 'SIGKILL', env: { ...process.env, TERM: 'dumb', TZ: 'UTC' } },
  ).catch(() => undefined)
  clearInterval(mouth)
  media.close()
  const text = existsSync(log) ? readFileSync(log, 'utf8') : ''
  const entries = [...text.matchAll(/^-+ (\S+ \S+)\n.*message (sent|received).*:\n\n(.*)/gm)].map(
    ([, at = '', way, first = '']) => ({
      at: Date.parse(`${at.replace(' ', 'T').slice(0, 23)}Z`),
      received: way === 'received',
      first,
    }),
  )
  const begun = entries.find((one) => one.first.startsWith('INVITE'))?.at ?? 0
  const when = (pattern: RegExp) => {
    const entry = entries.find((one) => one.received && pattern.test(one.first))
    return entry ? entry.at - begun : null
  }
  const final = entries.find((one) => one.received && /^SIP\/2\.0 [2-6]/.test(one.first))
  const first = [...packets.keys()][0] ?? 0
  const inOrder = [...packets].sort(([a], [b]) => ((a - first + 0x8000) & 0xffff) - ((b - first + 0x8000) & 0xffff))
  return {
    code: final ? Number(final.first.slice(8, 11)) : null,
    ringing: when(/ 180 /),
    answered: when(/ 200 /),
    bye: when(/^BYE/),
    heard: Buffer.concat(inOrder.map(([, payload]) => payload)),
  }
}

/** A loud square tone, as soon as the answer in SIPp's log says where to. */
function speakTo(media: Socket, log: string): NodeJS.Timeout {
  const packet = Buffer.alloc(172)
  for (let at = 12; at < 172; at++) packet[at] = at % 8 < 4 ? 0x10 : 0x90
  packet[0] = 0x80
  let sequence = 0
  return setInterval(() => {
    const port = /SIP\/2\.0 200[\s\S]*?m=audio (\d+)/.exec(existsSync(log) ? readFileSync(log, 'utf8') : '')?.[1]
    if (port === undefined) return
    packet.writeUInt16BE(sequence & 0xffff, 2)
    packet.writeUInt32BE((sequence * 160) >>> 0, 4)
    sequence++
    media.send(packet, Number(port), '127.0.0.1')
  }, 20)
}

/** Calls, and after the answer waits for the other side's BYE. A refusal ends it. */
function scenario(number: string, mediaPort: number): string {
  const head = (method: string, tag: string) => `${method} sip:${number}@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
From: <sip:+40722000111@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:${number}@[remote_ip]:[remote_port]>${tag}
Call-ID: [call_id]
CSeq: 1 ${method}
Contact: <sip:caller@[local_ip]:[local_port]>
Max-Forwards: 70`
  const ack = `<send><![CDATA[\n${head('ACK', '[peer_tag_param]')}\nContent-Length: 0\n\n]]></send>`
  const refusals = [401, 403, 404, 486, 488, 503]
    .map((code) => `<recv response="${code}" optional="true" next="refused"/>`)
    .join('\n')
  return `<?xml version="1.0" encoding="UTF-8"?>
<scenario name="caller">
<send retrans="500"><![CDATA[
${head('INVITE', '')}
Content-Type: application/sdp
Content-Length: [len]

v=0
o=caller 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio ${mediaPort} RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=ptime:20
]]></send>
<recv response="100" optional="true"/>
<recv response="180" optional="true"/>
<recv response="183" optional="true"/>
${refusals}
<recv response="200"/>
${ack}
<recv request="BYE"/>
<send next="end"><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
<label id="refused"/>
${ack}
<label id="end"/>
</scenario>
`
}

/** The events of one application. */
class Events {
  private readonly seen: Record<string, unknown>[] = []
  private readonly socket: WebSocket

  constructor(url: string) {
    this.socket = new WebSocket(url)
    this.socket.on('message', (bytes) => {
      this.seen.push(JSON.parse(String(bytes)))
    })
    // A socket that fails shows as an event that does not come.
    this.socket.on('error', () => {})
  }

  // biome-ignore lint/suspicious/noExplicitAny: an event is whatever Asterisk sends; t.match says what it must be
  async event(type: string, argument?: string): Promise<any> {
    const find = () =>
      this.seen.find((one) => one.type === type && (argument === undefined || (one.args as string[])[0] === argument))
    await until(`${type} ${argument ?? ''}`, () => find() !== undefined, 10_000)
    return find()
  }

  close(): void {
    this.socket.close()
  }
}
