import t from 'tap'
import { HOLES, holesOf, mendedIn } from '../../../src/ari/holes.ts'

const advisories = (version: string) => holesOf(version).map(({ advisory }) => advisory)

t.test('a version has the holes that were closed after it', async (t) => {
  t.same(advisories('22.10.1+dfsg+~cs6.17.60671434-1'), [])
  t.equal(mendedIn('22.10.1'), null)
  t.match(advisories('22.10.0'), ['GHSA-8jw3-ccr9-xrmf'])
  t.equal(mendedIn('22.5.1'), '22.10.1')
  t.ok(advisories('22.5.1').includes('GHSA-64qc-9x89-rx5j'))
  t.notOk(advisories('22.5.2').includes('GHSA-64qc-9x89-rx5j'))
  t.ok(advisories('20.9.2').includes('GHSA-v428-g3cw-7hv9'))
})

t.test('a hole that came with one release is in that one alone', async (t) => {
  t.ok(advisories('20.8.0').includes('GHSA-qqxj-v78h-hrf9'))
  t.notOk(advisories('20.7.0').includes('GHSA-qqxj-v78h-hrf9'))
})

t.test('what is numbered otherwise is not judged', async (t) => {
  for (const version of ['GIT-master-1a2b3c', 'certified/20.7-cert5', '20.7-cert5', '', '24.0.0'])
    t.same(advisories(version), [], version)
})

t.test('each names its advisory and the release that closed it', async (t) => {
  for (const { advisory, fixed } of HOLES) {
    t.match(advisory, /^GHSA(-[a-z0-9]{4}){3}$/)
    for (const [major, release] of Object.entries(fixed)) t.ok(release.startsWith(`${major}.`), release)
  }
})
