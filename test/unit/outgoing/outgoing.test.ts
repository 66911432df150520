import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import t, { type Test } from 'tap'
import { makeWeb } from '../../../src/outgoing.ts'

t.setTimeout(20_000)

interface Seen {
  method: string
  url: string
  headers: Record<string, unknown>
  body: string
}

/** A real web server on loopback, and the service's way out with a list that names it. */
async function serve(t: Test, answer: RequestListener, allow?: (port: number) => string[]) {
  const seen: Seen[] = []
  const sockets = new Set<Socket>()
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (piece) => {
      body += piece
    })
    request.on('end', () => {
      seen.push({ method: request.method!, url: request.url!, headers: request.headers, body })
      answer(request, response)
    })
  })
  server.on('connection', (socket) => sockets.add(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const port = (server.address() as AddressInfo).port
  const web = makeWeb({ allowHosts: allow?.(port) ?? [`127.0.0.1:${port}`] })
  t.teardown(() => {
    web.close()
    server.closeAllConnections()
    server.close()
  })
  const get = (path: string, timeout = 5000) =>
    web.request({ method: 'GET', url: `http://127.0.0.1:${port}${path}`, headers: {}, json: null }, timeout)
  return { port, seen, sockets, web, get }
}

t.test('JSON goes out and comes back', async (t) => {
  const { seen, web, port } = await serve(t, (_, response) => {
    response.setHeader('Content-Type', 'application/json; charset=utf-8').end('{"found":true,"name":"Ana"}')
  })
  const headers = { 'X-Key': 'k', Host: 'other.example', 'Content-Length': '5' }
  const url = `http://127.0.0.1:${port}/orders?id=7`
  t.same(await web.request({ method: 'POST', url, headers, json: { id: 7 } }, 5000), {
    result: 'ok',
    status: 200,
    body: { found: true, name: 'Ana' },
  })
  t.match(seen, [{ method: 'POST', url: '/orders?id=7', body: '{"id":7}' }])
  t.match(seen[0]?.headers, { 'x-key': 'k', 'content-type': 'application/json', host: `127.0.0.1:${port}` })
})

t.test('what is not JSON is text, also when it only says that it is', async (t) => {
  const { get } = await serve(t, (request, response) => {
    response.setHeader('Content-Type', request.url === '/liar' ? 'application/json' : 'text/plain').end('{"a":')
  })
  t.match(await get('/plain'), { result: 'ok', body: '{"a":' })
  t.match(await get('/liar'), { result: 'ok', body: '{"a":' })
})

t.test(
  'JSON that is nested deeper than anybody writes it stays text: our stack is not for a stranger to use up',
  async (t) => {
    const { get } = await serve(t, (request, response) => {
      const levels = Number(request.url!.slice(1))
      response.setHeader('Content-Type', 'application/json').end('['.repeat(levels) + ']'.repeat(levels))
    })
    t.type((await get('/64')).body, Array)
    t.type((await get('/65')).body, 'string')
    t.type((await get('/500000')).body, 'string')
  },
)

t.test('any status but 2xx is an error with its status, and a redirect is not followed', async (t) => {
  const { get, seen } = await serve(t, (request, response) => {
    response.writeHead(Number(request.url!.slice(1)), { Location: '/200' }).end()
  })
  for (const status of [301, 302, 400, 404, 500, 503]) t.match(await get(`/${status}`), { result: 'error', status })
  t.match(await get('/204'), { result: 'ok', status: 204 })
  t.notOk(seen.some(({ url }) => url === '/200'))
})

t.test('an answer over 1 MiB is an error and is not read to its end', async (t) => {
  let sent = 0
  const { get } = await serve(t, (_, response) => {
    const more = () => {
      while (!response.destroyed && sent < 1e9) {
        sent += 65536
        if (!response.write(Buffer.alloc(65536))) return void response.once('drain', more)
      }
      response.end()
    }
    more()
  })
  t.match(await get('/'), { result: 'error', status: null })
  t.ok(sent < 50e6, `${sent} bytes`)
})

t.test('an answer that does not come, or trickles, is a timeout', async (t) => {
  const { get } = await serve(t, (request, response) => {
    if (request.url === '/never') return
    const drip = setInterval(() => response.write('.'), 20)
    response.on('close', () => clearInterval(drip))
  })
  t.match(await get('/never', 200), { result: 'timeout', status: null })
  t.match(await get('/drip', 200), { result: 'timeout', status: null })
})

t.test('a connection that breaks off or is refused is an error, never a rejection', async (t) => {
  const { get, web, port } = await serve(t, (_, response) => {
    response.writeHead(200, { 'Content-Length': '100' }).write('half')
    setImmediate(() => response.destroy())
  })
  t.match(await get('/'), { result: 'error' })
  const closed = { method: 'GET', url: `http://127.0.0.1:${port}\0`, headers: {}, json: null }
  t.match(await web.request(closed, 1000), { result: 'error' })
  const bad = { method: 'GET', url: `http://127.0.0.1:${port}/`, headers: { 'X-A': 'a\r\nb: c' }, json: null }
  t.match(await web.request(bad, 1000), { result: 'error' })
  const circle: Record<string, unknown> = {}
  circle.self = circle
  t.match(await web.request({ ...bad, headers: {}, json: circle }, 1000), { result: 'error' })
})

t.test('a name that leads to a private address is refused unless the entry says the port or the address', async (t) => {
  const answer: RequestListener = (_, response) => void response.end('in')
  for (const [entries, reached] of [
    [() => ['localhost'], false],
    [(port: number) => [`localhost:${port}`], true],
    [() => ['localhost', '127.0.0.0/8'], true],
    [() => ['localhost', '127.0.0.1'], true],
    [() => ['127.0.0.1'], false],
  ] as [(port: number) => string[], boolean][]) {
    const { web, port, seen } = await serve(t, answer, entries)
    const request = { method: 'GET', url: `http://localhost:${port}/`, headers: {}, json: null }
    t.equal((await web.request(request, 2000)).result, reached ? 'ok' : 'error', entries(1).join())
    t.equal(seen.length, reached ? 1 : 0)
  }
})

t.test('what is read goes over one connection; one that was closed meanwhile is opened anew', async (t) => {
  const { get, sockets } = await serve(t, (_, response) => void response.end('x'))
  await get('/1')
  await get('/2')
  t.equal(sockets.size, 1)
  for (const socket of sockets) socket.resetAndDestroy()
  t.match(await get('/3'), { result: 'ok' })
  t.equal(sockets.size, 2)
})

t.test('a webhook gets the answer as it is, or the reason', async (t) => {
  const { web, port } = await serve(t, (_, response) => void response.writeHead(503).end('busy'))
  const hook = { method: 'POST', headers: {}, body: '{}', timeout: 1000 }
  t.match(await web.send({ ...hook, url: `http://127.0.0.1:${port}/` }), { status: 503, body: 'busy' })
  await t.rejects(web.send({ ...hook, url: 'http://other.example/' }), {
    code: 'http_refused',
    message: /allow_hosts/,
  })
})

t.test('who does not answer on a connection that was kept open is given up, and not asked again', async (t) => {
  const { seen, get } = await serve(t, (request, response) => {
    if (request.url === '/first') response.end('here')
  })
  t.match(await get('/first'), { result: 'ok' })
  t.match(await get('/second', 100), { result: 'timeout' })
  // The connection's end comes a moment later; a request that followed it would be seen, and its failure is nobody's.
  await new Promise((resolve) => setTimeout(resolve, 200))
  t.same(
    seen.map(({ url }) => url),
    ['/first', '/second'],
  )
})
