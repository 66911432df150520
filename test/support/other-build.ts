/** A build of another release: ours, copied, with what a release may change changed in it. */
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const OWN = new Set(['build', 'package.json', '.git'])

/** Makes it in this folder, which is made; answers its program. `dataVersion`: of what it keeps in Redis. */
export function otherBuild(
  folder: string,
  { version, dataVersion }: { version: string; dataVersion?: number },
): string {
  mkdirSync(folder, { recursive: true })
  for (const name of readdirSync(root)) if (!OWN.has(name)) symlinkSync(join(root, name), join(folder, name))
  const described = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...described, version }))
  cpSync(join(root, 'build/src'), join(folder, 'build/src'), { recursive: true })
  if (dataVersion !== undefined) {
    const file = join(folder, 'build/src/store/keys.js')
    const ours = readFileSync(file, 'utf8')
    const theirs = ours.replace(/DATA_VERSION = \d+/, `DATA_VERSION = ${dataVersion}`)
    if (theirs === ours) throw new Error('the version of the data is not where it was')
    writeFileSync(file, theirs)
  }
  return join(folder, 'build/src/main.js')
}
