/** The YAML files of a folder, as their authors and their editors keep them there. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Problem } from '../errors.ts'

/** An editor hides what it has locked or saved beside (`.#visit.yaml` leads nowhere): no name begins with a dot. */
export const isYaml = (name: string): boolean => /^[^.].*\.ya?ml$/.test(name)

/** Their texts with their paths, in the order of the names. What cannot be read is left out and told in `problems`. */
export async function yamlTexts(folder: string, problems: Problem[]): Promise<{ path: string; text: string }[]> {
  const names = await readdir(folder).catch(() => [] as string[])
  const found: { path: string; text: string }[] = []
  for (const name of names.filter(isYaml).sort()) {
    const path = join(folder, name)
    try {
      found.push({ path, text: await readYaml(path) })
    } catch (error) {
      problems.push(unreadable(path, error))
    }
  }
  return found
}

/** Rejects for what is no file: a pipe or a device has no end. */
export async function readYaml(path: string): Promise<string> {
  if (!(await stat(path)).isFile()) throw new Error('it is not a file')
  return await readFile(path, 'utf8')
}

/** What is told of a file that is there and cannot be read. */
export function unreadable(file: string, error: unknown): Problem {
  const message = `cannot be read: ${error instanceof Error ? error.message : error}`
  return { file, line: 1, column: 1, severity: 'error', code: 'unreadable', message }
}
