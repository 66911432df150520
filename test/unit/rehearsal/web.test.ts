import t from 'tap'
import { makeWeb } from '../../../src/outgoing.ts'
import { openWeb } from '../../../src/rehearsal/web.ts'

t.setTimeout(20_000)

const request = () => ({ method: 'GET', url: 'https://crm.example/orders/7', headers: {}, json: null })

t.test('what a flow asks of anybody is answered as the script says, before or after it is asked', async (t) => {
  const web = await openWeb()
  const real = makeWeb({ allowHosts: [web.host] })
  t.teardown(() => {
    web.close()
    real.close()
  })
  const way = web.instead(real)
  const [early, late, never] = [request(), request(), request()]
  web.expect(early, 'call 1/h1')
  web.answer('call 1/h1', { status: 200, json: { name: 'Ana' }, at: 0 })
  t.same(await way.request(early, 5000), { result: 'ok', status: 200, body: { name: 'Ana' } })
  web.expect(late, 'call 1/h2')
  const asked = way.request(late, 5000)
  web.answer('call 1/h2', { status: 503, json: 'closed', at: Date.now() + 50 })
  t.same(await asked, { result: 'error', status: 503, body: 'closed' })
  web.expect(never, 'call 1/h3')
  t.match(await way.request(never, 100), { result: 'timeout' })
  t.match(await way.request(request(), 100), { result: 'error' }, 'what no call has asked goes its usual way')
})
