/** Whatever is sent to whatever path, the answer is a 2xx or a documented refusal in our shape, and never a 500. */
import fc from 'fast-check'
import t from 'tap'
import { withCampaign } from './api.ts'
import { type Description, judge, oddRequests } from './requests.ts'

t.setTimeout(120_000)

const { app } = await withCampaign()
t.teardown(() => app.close())
const description = (await app.inject('/docs/json')).json() as Description

t.test('random requests to every path of the description', async (t) => {
  let answered = 0
  await fc.assert(
    fc.asyncProperty(oddRequests(description), async (request) => {
      const { method, url, headers, body } = request
      const payload = body === null ? {} : { payload: body }
      const response = await app.inject({ method: method as 'GET', url, headers, ...payload })
      answered++
      judge(request, response.statusCode, response.body)
    }),
    { numRuns: 2000 },
  )
  t.ok(answered >= 2000)
  t.equal((await app.inject('/health/live')).statusCode, 200)
})
