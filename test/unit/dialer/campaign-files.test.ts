/**
 * Campaigns that are wrong in one thing (`test/campaigns/bad/CODE….yaml`), those that nearly are and right
 * (`test/campaigns/good`), and the demo's with one change that spoils it.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import t from 'tap'
import { loadCampaign } from '../../../src/dialer/campaign.ts'
import type { ProblemCode } from '../../../src/errors.ts'

const known = { flows: ['renewal', 'visit'], trunks: ['carrier', 'spare'] }
const read = (kind: 'bad' | 'good') =>
  readdirSync(`test/campaigns/${kind}`).map((name) => {
    const path = `test/campaigns/${kind}/${name}`
    return { path, code: basename(path, '.yaml').split('_')[0], text: readFileSync(path, 'utf8') }
  })

for (const { path, code, text } of read('bad'))
  t.test(`${path} is refused for that, in its last line`, async (t) => {
    const { campaign, problems } = loadCampaign(path, text, known)
    t.match(problems, [{ code, file: path }])
    t.equal(problems[0]?.line, code === 'name' || code === 'missing-key' ? 1 : text.trimEnd().split('\n').length)
    t.equal(campaign === null, problems[0]?.severity === 'error')
  })

t.test('campaigns that are nearly wrong are right', async (t) => {
  for (const { path, text } of read('good')) {
    const { campaign, problems } = loadCampaign(path, text, known)
    t.strictSame(problems, [], path)
    t.not(campaign, null)
  }
})

/** One change, and the code that it must be told with. */
const mutations: [ProblemCode, string | RegExp, string][] = [
  ['unknown-flow', /^flow: .*/m, 'flow: vsit'],
  ['name', /^campaign: .*/m, 'campaign: visit'],
  ['unknown-key', /^flow:/m, 'flwo: visit\nflow:'],
  ['missing-key', /^flow: .*\n/m, ''],
  ['duplicate-key', /^flow: .*/m, '$&\n$&'],
  ['unknown-trunk', /^dial: .*/m, 'dial: { trunks: [carier] }'],
  ['short-ring', 'ring: 15s', 'ring: 5s'],
  ['bad-value', /$/, '\ntimezone: Bucharest\n'],
  ['wrong-type', /$/, '\nholidays: 2026-12-01\n'],
]

t.test('the campaign of the demo that is changed in one thing is refused for that', async (t) => {
  const path = 'demo/scripts-yaml/campaigns/visits.yaml'
  const whole = readFileSync(path, 'utf8')
  for (const [code, from, to] of mutations) {
    const { problems } = loadCampaign(path, whole.replace(from, to), known)
    t.strictSame(
      problems.map((p) => p.code),
      [code],
      `${code}: ${JSON.stringify(to)}`,
    )
  }
})
