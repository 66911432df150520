import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { openDataFolder } from '../../../src/service/data-folder.ts'
import { runCommand } from '../../support/command.ts'

t.setTimeout(60_000)

const folder = mkdtempSync(join(tmpdir(), 'apel-data-'))
t.teardown(() => rmSync(folder, { recursive: true }))
const file = join(folder, 'file')
writeFileSync(file, '')

t.test('a folder that is missing is made, with those above it; one that is there stays', async (t) => {
  const path = join(folder, 'a/b/c')
  t.equal(await openDataFolder(path), join(folder, 'a'))
  t.ok(existsSync(path))
  t.equal(await openDataFolder(path), null)
})

for (const [what, path, why] of [
  ['below /proc', '/proc/nowhere/data', /cannot be made there/],
  ['a file', file, /is a file, or lies below one/],
  ['below a file', join(file, 'data'), /is a file, or lies below one/],
  // Not even root may write there.
  ['in a folder of the kernel', '/sys/kernel', /cannot be written to|another user|read-only/],
] as const)
  t.test(`one ${what} is refused at once: by the start, exit 2, and by the doctor`, async (t) => {
    const config = join(folder, 'apel.yaml')
    writeFileSync(config, `data_dir: ${path}\n`)
    for (const command of ['serve', 'doctor']) {
      const { code, stdout, stderr } = await runCommand([command, '-c', config], { timeout: 15_000 })
      t.match(stdout + stderr, why, command)
      t.match(stdout + stderr, path)
      t.equal(code, command === 'serve' ? 2 : 1)
    }
  })
