import t from 'tap'
import type { AriAnswer, AriLink } from '../../../src/ari/link.ts'
import { majorOf, missingEndpoint, readFacts, unfit } from '../../../src/ari/readiness.ts'

/** A link that gives these answers. */
function answering(answers: Record<string, AriAnswer>): AriLink {
  return {
    transport: 'websocket',
    request: async (_, path) => answers[path] ?? { status: 404, body: null },
    ping() {},
    async close() {},
  }
}

t.test('a version is read from releases, certified ones, packages and builds from git', async (t) => {
  for (const [version, major] of [
    ['22.10.1', 22],
    ['20', 20],
    ['certified/20.7-cert5', 20],
    ['certified-18.9-cert14', 18],
    ['GIT-22-ab12cd3M', 22],
    ['GIT-master-ab12cd3', Number.POSITIVE_INFINITY],
    ['GIT-5123abc', null],
    ['SVN-branch-1.8-r1', null],
    ['UNKNOWN__and_probably_unsupported', null],
    ['unknown', null],
  ] as const)
    t.equal(majorOf(version), major, version)
})

t.test('the gate is for versions that are new enough, and closed to those that cannot be read', async (t) => {
  for (const version of ['20.0.0', '22.10.1', '23', 'GIT-master-ab12cd3', 'certified/20.7-cert5'])
    t.equal(unfit(version), null, version)
  for (const version of ['18.9.0', '16', 'certified/18.9-cert14', 'GIT-18-ab12cd3'])
    t.match(unfit(version), /is too old: version 20 or later/, version)
  for (const version of ['UNKNOWN__and_probably_unsupported', 'unknown', ''])
    t.match(unfit(version), /cannot be read from .* names one/, version)
  const info = (version: unknown) => answering({ '/asterisk/info': { status: 200, body: { system: { version } } } })
  t.equal((await readFacts(info('22.10.1~dfsg+~cs6.15'), 'n')).version, '22.10.1')
  t.match(unfit((await readFacts(info(undefined), 'n')).version), /cannot be read/)
})

t.test('an endpoint counts when its driver runs, too', async (t) => {
  const endpoints = { status: 200, body: [{ technology: 'PJSIP', resource: 'carrier' }] }
  const running = { status: 200, body: { name: 'chan_pjsip.so', status: 'Running' } }
  const ask = (module: AriAnswer, found: AriAnswer) =>
    missingEndpoint(answering({ '/asterisk/modules/chan_pjsip.so': module, '/endpoints/PJSIP': found }), ['PJSIP'])
  t.equal(await ask(running, endpoints), null)
  t.match(await ask({ status: 404, body: null }, endpoints), /PJSIP is not loaded/)
  t.match(await ask({ status: 200, body: { status: 'Not Running' } }, endpoints), /PJSIP is not loaded/)
  t.match(await ask(running, { status: 404, body: null }), /PJSIP is not loaded/)
  t.match(await ask(running, { status: 200, body: [] }), /has no endpoint/)
  t.equal(await missingEndpoint(answering({}), ['Local']), null, 'of others nothing is told')
})
