/**
 * Journals of real calls, `test/journals/`: each comes out as it did on the line. A call that went wrong in the field is put
 * there when it is mended (what `GET /v1/calls/ID/journal` answers, with its number changed). Where the language itself is
 * changed on purpose, APEL_REWRITE_JOURNALS=1 has the journals say what comes of their inputs now.
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { journalsIn, replayFault, rewritten } from '../../support/journals.ts'

const kept = journalsIn(fileURLToPath(new URL('../../../../test/journals', import.meta.url)))

for (const { name, file, journal } of kept) {
  t.test(`${name} comes out as it did on the line`, async (t) => {
    if (process.env.APEL_REWRITE_JOURNALS === '1')
      writeFileSync(file, `${JSON.stringify(rewritten(journal), null, 1)}\n`)
    else t.equal(replayFault(journal), null)
  })
}

t.test('a hold, a callback, a silence and a secret are among them', async (t) => {
  const names = kept.map(({ name }) => name)
  for (const wanted of ['hold', 'callback', 'silence', 'secret'])
    t.ok(
      names.some((name) => name.includes(wanted)),
      wanted,
    )
})
