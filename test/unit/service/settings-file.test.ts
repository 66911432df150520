import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { watchSettings } from '../../../src/service/settings-file.ts'

t.test('a configuration that was written anew is told from one that was not', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'apel-settings-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'apel.yaml')
  writeFileSync(file, 'policy: { allow: ["+40"] }\n')
  const changed = await watchSettings(file)
  t.equal(await changed(), false)
  writeFileSync(file, 'policy: { allow: ["+4"] }\n')
  t.equal(await changed(), true)
  writeFileSync(file, 'policy: { allow: ["+40"] }\n')
  t.equal(await changed(), false)
  rmSync(file)
  t.equal(await changed(), true)
  t.equal(await (await watchSettings(null))(), false)
})
