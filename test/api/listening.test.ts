/** The API on a real port: events as they come, uploads that break off, clients that are rude. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import t from 'tap'
import { anApi, withCampaign } from './api.ts'
import { aRecord } from './memory-ports.ts'

t.setTimeout(30_000)

const until = async (what: string, true_: () => boolean): Promise<void> => {
  for (const end = performance.now() + 5000; !true_(); ) {
    if (performance.now() > end) throw new Error(`never: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

t.test('events reach those who listen, by their filter, and the end of the service ends them', async (t) => {
  const { app, memory } = await withCampaign()
  const url = await app.listen({ port: 0 })
  const read = async (query: string): Promise<() => string> => {
    const response = await fetch(`${url}/v1/events${query}`)
    t.match(response.headers.get('content-type'), /text\/event-stream/)
    let text = ''
    void (async () => {
      for await (const chunk of response.body ?? []) text += Buffer.from(chunk as Uint8Array).toString()
      text += 'END'
    })().catch(() => {})
    return () => text
  }
  const all = await read('')
  const ended = await read('?types=call.ended')
  const other = await read('?campaign=other')
  await until('three listeners', () => memory.listeners() === 3)
  memory.emit({ type: 'call.started', data: aRecord({ ended_at: null }) })
  memory.emit({ type: 'call.step', data: { id: 'a1', at: Date.UTC(2026, 0, 5), step: 'greet', event: 'start' } })
  memory.emit({ type: 'call.ended', data: aRecord() })
  await until('the end arrives', () => all().includes('event: call.ended') && ended().includes('event: call.ended'))
  t.match(all(), /event: call\.started\ndata: \{"id":"a1".*"ended_at":null/)
  t.match(
    all(),
    /event: call\.step\ndata: \{"id":"a1","at":"2026-01-05T00:00:00\.000Z","step":"greet","event":"start"\}\n\n/,
  )
  t.notMatch(ended(), /call\.started/)
  t.notMatch(other(), /event:/)
  t.equal((await fetch(`${url}/v1/events?types=call.begun`)).status, 400)
  await app.close()
  await until('the streams end', () => [all, ended, other].every((text) => text().endsWith('END')))
  t.equal(memory.listeners(), 0, 'and nobody listens any more')
})

t.test('a listener that does not read is let go, and the others go on', async (t) => {
  const { app, memory } = await anApi()
  t.teardown(() => app.close())
  await app.listen({ port: 0 })
  const { port } = app.server.address() as { port: number }
  const deaf = connect(port, '127.0.0.1')
  deaf.write('GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n')
  deaf.pause()
  deaf.on('error', () => {})
  await until('it listens', () => memory.listeners() === 1)
  const big = aRecord({ vars: { text: 'x'.repeat(100_000) } })
  for (let n = 0; n < 2000 && memory.listeners() > 0; n++) {
    memory.emit({ type: 'call.ended', data: big })
    await new Promise(setImmediate)
  }
  await until('it is let go', () => memory.listeners() === 0)
  deaf.destroy()
})

t.test('an upload that breaks off is a failed import, not a hanging one', async (t) => {
  const { app, memory } = await withCampaign()
  t.teardown(() => app.close())
  await app.listen({ port: 0 })
  const { port } = app.server.address() as { port: number }
  let failed: unknown = null
  memory.ports.contacts.import = async (_campaign, { stream }) => {
    try {
      for await (const _ of stream);
    } catch (error) {
      failed = error
      throw error
    }
    throw new Error('it came to an end')
  }
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(
    'POST /v1/campaigns/renewals/contacts HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\nContent-Length: 1000\r\n\r\nnumber\n',
  )
  await new Promise((resolve) => app.server.once('request', resolve)).catch(() => {})
  socket.destroy()
  await until('the import hears of it', () => failed !== null)
  t.match(failed, { message: /broke off|aborted/ })
})

t.test('a body of 100 MB is refused without being kept', async (t) => {
  const { app } = await anApi()
  t.teardown(() => app.close())
  const url = await app.listen({ port: 0 })
  const before = process.memoryUsage().rss
  const megabyte = Buffer.alloc(1024 * 1024, 'x')
  function* body() {
    for (let n = 0; n < 100; n++) yield megabyte
  }
  const response = await fetch(`${url}/v1/calls`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: Readable.from(body()) as unknown as ReadableStream,
    duplex: 'half',
  } as RequestInit).catch((error: Error) => error)
  t.ok(response instanceof Error || response.status === 413)
  t.ok(process.memoryUsage().rss - before < 80 * 1024 * 1024)
  t.equal((await fetch(`${url}/health/live`)).status, 200)
})

t.test('a body that comes byte by byte is cut off', async (t) => {
  const { app } = await anApi([], 300)
  t.teardown(() => app.close())
  await app.listen({ port: 0 })
  const { port } = app.server.address() as { port: number }
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(
    'POST /v1/calls HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n',
  )
  const drip = setInterval(() => socket.write(' '), 50)
  t.teardown(() => clearInterval(drip))
  let closed = false
  socket.on('data', () => {})
  socket.on('close', () => {
    closed = true
  })
  await until('the connection ends', () => closed)
})

t.test('what was asked before it closes is answered, in its own shape', async (t) => {
  const { app, memory } = await anApi()
  await app.listen({ port: 0 })
  const { port } = app.server.address() as { port: number }
  let answer = (): void => {}
  let asked = false
  memory.ports.calls.get = () =>
    new Promise((resolve) => {
      asked = true
      answer = () => resolve({ ...aRecord(), state: 'ended', steps: [], legs: [] })
    })
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.on('data', (piece) => {
    text += piece
  })
  socket.write('GET /v1/calls/a1 HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await until('it is asked', () => asked)
  socket.write('GET /v1/calls HTTP/1.1\r\nHost: localhost\r\n\r\n')
  const closing = app.close()
  await new Promise(setImmediate)
  answer()
  await until('the answer', () => text.includes('"id":"a1"'))
  socket.destroy()
  await closing
  t.match(text, /^HTTP\/1\.1 200/)
  t.notMatch(text, /FST_ERR|statusCode/)
})

t.test('noise on the port is answered or dropped, and the service goes on', async (t) => {
  const { app } = await anApi()
  t.teardown(() => app.close())
  const url = await app.listen({ port: 0 })
  const { port } = app.server.address() as { port: number }
  const noises = [
    '\r\n\r\n',
    'OPTIONS sip:x SIP/2.0\r\n\r\n',
    `GET /${'a'.repeat(30_000)} HTTP/1.1\r\n\r\n`,
    '\0\xff\0\xff',
    'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
  ]
  for (const noise of noises)
    await new Promise<void>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => socket.end(noise))
      socket.on('data', () => {})
      socket.on('error', () => resolve())
      socket.on('close', () => resolve())
    })
  t.equal((await fetch(`${url}/health/live`)).status, 200)
})

t.test('a long answer is made only as fast as it is read', async (t) => {
  const { app, memory } = await withCampaign()
  t.teardown(() => app.close())
  await app.listen({ port: 0 })
  const { port } = app.server.address() as { port: number }
  let made = 0
  let ended = false
  memory.ports.campaigns.results = async function* () {
    try {
      for (; made < 1_000_000; made++) yield aRecord({ vars: { text: 'x'.repeat(1000) } })
    } finally {
      ended = true
    }
  }
  const deaf = connect(port, '127.0.0.1')
  deaf.on('error', () => {})
  deaf.pause()
  deaf.write('GET /v1/campaigns/renewals/results HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await until('it is being made', () => made > 10)
  let before = -1
  await until('it waits for its reader', () => {
    const still = made === before
    before = made
    return still && made > 10
  })
  t.ok(made < 50_000, `${made} records for nobody`)
  deaf.destroy()
  await until('it is given up when the reader goes', () => ended)
})

t.test('headers without an end are refused in our shape', async (t) => {
  const { app } = await anApi()
  t.teardown(() => app.close())
  const url = await app.listen({ port: 0 })
  const response = await fetch(`${url}/v1/calls`, { headers: { 'x-long': 'x'.repeat(20_000) } })
  t.equal(response.status, 400)
  t.match(await response.json(), { code: 'bad_request', details: null })
})

t.test(
  'results are read from the ledger only as fast as the client takes them, and no more once it is gone',
  async (t) => {
    const { app, memory } = await withCampaign()
    t.teardown(() => app.close())
    let given = 0
    let ended = false
    memory.ports.campaigns.results = async function* () {
      try {
        for (; given < 500_000; given++) yield aRecord({ id: `a${given}`, vars: { note: 'x'.repeat(500) } })
      } finally {
        ended = true
      }
    }
    await app.listen({ port: 0 })
    const { port } = app.server.address() as { port: number }
    const slow = connect(port, '127.0.0.1')
    slow.on('error', () => {})
    slow.write('GET /v1/campaigns/renewals/results HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await new Promise((resolve) => slow.once('data', resolve))
    slow.pause()
    let before = -1
    let still = 0
    await until('it is held back', () => {
      still = given === before ? still + 1 : 0
      before = given
      return still > 20
    })
    t.ok(given < 20_000, `${given} records were read for a client that has taken one piece`)
    slow.resume()
    await until('it goes on', () => given > before + 1000)
    slow.destroy()
    await until('nothing is read any more', () => ended)
    t.ok(given < 500_000)
  },
)

t.test('a connection on which nothing is asked does not hold up the end of the service', async (t) => {
  const { app } = await anApi()
  await app.listen({ port: 0 })
  const { port } = app.server.address() as { port: number }
  const mute = connect(port, '127.0.0.1')
  t.teardown(() => mute.destroy())
  await once(mute, 'connect')
  const ended = once(mute, 'close')
  const asked = performance.now()
  await app.close()
  await ended
  t.ok(performance.now() - asked < 5000, `closed after ${Math.round(performance.now() - asked)} ms`)
})

t.test('a forecast may take its time: one is made at a time, and none for who has gone', async (t) => {
  const { app, memory } = await withCampaign()
  t.teardown(() => app.close())
  const sockets: Socket[] = []
  app.server.on('connection', (socket) => sockets.push(socket))
  await app.listen({ port: 0 })
  const { port } = app.server.address() as { port: number }
  const waiting: (() => void)[] = []
  let begun = 0
  const { forecast } = memory.ports.campaigns
  memory.ports.campaigns.forecast = async (name, request) => {
    begun += 1
    await new Promise<void>((resolve) => waiting.push(resolve))
    return await forecast(name, request)
  }
  const ask = async () => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    socket.on('data', (piece) => {
      text += piece
    })
    const before = sockets.length
    socket.write('GET /v1/campaigns/renewals/forecast HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await until('it is asked', () => (sockets[before]?.timeout ?? 0) > 60_000)
    return { socket, text: () => text }
  }
  const [first, gone, last] = [await ask(), await ask(), await ask()]
  gone.socket.destroy()
  await until('it is gone', () => sockets[1]!.destroyed)
  t.equal(begun, 1)
  waiting[0]!()
  await until('the first one is answered', () => first.text().startsWith('HTTP/1.1 200'))
  await until('the last one is made', () => waiting.length === 2)
  t.equal(begun, 2)
  waiting[1]!()
  await until('the last one is answered', () => last.text().startsWith('HTTP/1.1 200'))
  for (const { socket } of [first, last]) socket.destroy()
})
