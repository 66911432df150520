/** Speed: 500 conversation tests through `apel test`, in a process of its own as an author waits for it. At most 3 s. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { projectRoot } from '../src/embedded/tools.ts'

const MOST = 3000
const shipped = join(projectRoot(), 'scripts-yaml')
const folder = mkdtempSync(join(tmpdir(), 'apel-bench-'))
try {
  for (const part of ['flows', 'library', 'tests']) mkdirSync(join(folder, part))
  const names = (part: string) => readdirSync(join(shipped, part)).filter((name) => name.endsWith('.yaml'))
  for (const part of ['flows', 'library'])
    for (const name of names(part)) writeFileSync(join(folder, part, name), readFileSync(join(shipped, part, name)))
  const tests = names('tests')
  let count = 0
  for (let round = 0; count < 500; round++)
    for (const name of tests) {
      const text = readFileSync(join(shipped, 'tests', name), 'utf8')
      writeFileSync(join(folder, 'tests', `${round}-${name}`), text)
      count += text.split('\n  - name:').length - 1
    }
  const begun = performance.now()
  const { status, stdout } = spawnSync(process.execPath, [join(projectRoot(), 'build/src/main.js'), 'test', folder], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  const took = performance.now() - begun
  console.log(
    `${stdout.trimEnd().split('\n').at(-1)}: ${count} conversation tests in ${Math.round(took)} ms, at most ${MOST}`,
  )
  process.exitCode = status === 0 && took <= MOST ? 0 : 1
} finally {
  rmSync(folder, { recursive: true })
}
