/** `docs/situations.md` says which file and which test carry each of the 32 rules: it is held to them. */
import { existsSync, readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'

const rows = readFileSync('docs/situations.md', 'utf8')
  .split('\n')
  .filter((line) => /^\| \d+ \|/.test(line))
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .map(([, row, , where, test]) => ({ row: Number(row), where: where ?? '', test: test ?? '' }))

t.test('all rows are there, in order', async (t) => {
  t.same(
    rows.map(({ row }) => row),
    Array.from({ length: 32 }, (_, index) => index + 1),
  )
})

t.test('every test that a row names is there', async (t) => {
  for (const { row, test } of rows) {
    const [file, ...name] = test.split(': ')
    const { tests } = parse(readFileSync(`scripts-yaml/tests/${file}.test.yaml`, 'utf8')) as {
      tests: { name: string }[]
    }
    t.ok(
      tests.some((each) => each.name === name.join(': ')),
      `row ${row}: ${test}`,
    )
  }
})

t.test('every step and situation that a row names is in its file', async (t) => {
  for (const { row, where } of rows) {
    const file =
      /`(flows\/[a-z]+\.yaml)`/.exec(where)?.[1] ?? (where.startsWith('library') ? 'library/situations.yaml' : null)
    if (file === null) continue
    t.ok(existsSync(`scripts-yaml/${file}`), `row ${row}: ${file}`)
    const { steps, situations } = parse(readFileSync(`scripts-yaml/${file}`, 'utf8')) as Record<string, object>
    const names = where
      .replace(/\([^)]*\)/g, '')
      .split(';')[0]!
      .matchAll(/`([a-z_]+)`/g)
    for (const [, name] of names) t.ok(name! in { ...steps, ...situations }, `row ${row}: ${name} in ${file}`)
  }
})
