/** A bridge whose process died before it was filled, or ended: the node would keep it for ever. */
import type { Test } from 'tap'
import { OURS } from '../../src/ari/bridges.ts'
import { waitFor } from '../support/wait.ts'
import { type Bench, PASSWORD, USERNAME } from './bench.ts'

export function leftBridges(t: Test, bench: Bench, name: string): void {
  t.test('an empty bridge of ours that was left behind is ended, and one of somebody else is left alone', async (t) => {
    const ours = `${name}-left`
    const theirs = `${name}-theirs`
    const ask = (method: string, path: string) =>
      fetch(`${bench.asterisk.url}/ari/bridges/${path}`, {
        method,
        headers: { authorization: `Basic ${Buffer.from(`${USERNAME}:${PASSWORD}`).toString('base64')}` },
      })
    t.equal((await ask('POST', `${ours}?type=mixing&name=${OURS}`)).status, 200)
    t.equal((await ask('POST', `${theirs}?type=mixing&name=parking`)).status, 200)
    await waitFor(async () => (await ask('GET', ours)).status === 404, { timeout: 20_000, what: 'its end' })
    t.equal((await ask('GET', theirs)).status, 200)
    await ask('DELETE', theirs)
  })
}
