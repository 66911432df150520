import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../../../src/embedded/tools.ts'

t.test('every error of sounds and of outgoing requests stands in docs/errors.md', async (t) => {
  const root = projectRoot()
  const text = readFileSync(join(root, 'docs/errors.md'), 'utf8')
  const folders = ['src/media', 'src/outgoing']
  const files = folders.flatMap((folder) => readdirSync(join(root, folder)).map((name) => join(folder, name)))
  const codes = [...files, 'src/outgoing.ts'].flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(/(?:ApelError|fail)\(\s*'(\w+)'/g)].map((match) => match[1]),
  )
  t.ok(codes.length > 12)
  for (const code of new Set(codes)) t.match(text, `| \`${code}\` |`)
})
