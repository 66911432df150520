/**
 * Flows that are wrong in one thing (`test/flows/bad`), each with what `check` says of it in its first lines, and flows
 * that are right (`test/flows/good`, and those that are shipped).
 */
import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { loadFlows } from '../../../src/flow/load.ts'

const read = (folder: string) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => ({ path: `${folder}/${name}`, text: readFileSync(`${folder}/${name}`, 'utf8') }))

for (const file of read('test/flows/bad'))
  t.test(`${file.path} is refused with its line, column and reason`, async (t) => {
    const expected = file.text.split('\n').flatMap((line) => (line.startsWith('#! ') ? [line.slice(3)] : []))
    const { programs, problems } = loadFlows([file])
    t.strictSame(problems.map((p) => `${p.line}:${p.column} ${p.code} ${p.message}`).sort(), expected.sort())
    t.equal(programs.size, 0)
  })

for (const folder of ['test/flows/good', 'scripts-yaml/flows', 'demo/scripts-yaml/flows'])
  t.test(`every flow in ${folder} is right`, async (t) => {
    const files = read(folder)
    const { programs, problems } = loadFlows(files)
    t.strictSame(problems, [])
    t.equal(programs.size, files.length)
  })
