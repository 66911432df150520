import t from 'tap'
import { newId } from '../../../src/dialer/ids.ts'
import { recordedAt, sweepRecordings } from '../../../src/service/recordings.ts'

const now = Date.UTC(2026, 10, 24, 4)
const day = 86_400_000

t.test('a recording tells its time by its name, and others tell nothing', async (t) => {
  t.equal(recordedAt(`${newId(now)}.r12`), now)
  t.equal(recordedAt('1795493644.17.r3'), 1_795_493_644_000)
  t.equal(recordedAt('pbx-1795493644.17.r3'), 1_795_493_644_000)
  for (const name of ['1795493644.17', 'voicemail/msg0001', 'in-100-1795493644.17', '', 'greeting.r1'])
    t.equal(recordedAt(name), null, name)
})

t.test('only ours that are too old are deleted', async (t) => {
  const deleted: string[] = []
  const old = `${newId(now - 31 * day)}.r1`
  const names = [old, `${newId(now - 29 * day)}.r1`, '1700000000.1', 'greeting']
  const node = { recordings: async () => names, deleteRecording: async (name: string) => void deleted.push(name) }
  t.equal(await sweepRecordings(node, 30 * day, now), 1)
  t.same(deleted, [old])
})
