/**
 * Which conversation tests a path stands for: a test file, a folder `tests`, or a folder that holds one (`scripts-yaml`,
 * or a project with it). Flows and libraries lie in `flows/` and `library/` beside that `tests/`.
 */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { isYaml } from '../../service/yaml-files.ts'
import { Exit, type Io } from '../io.ts'
import { flowsFolder } from '../project.ts'

export interface Found {
  /** The folder with `flows/` in it. */
  root: string
  tests: string[]
  /** Whether a whole folder was named, so that flows without a test are told too. */
  whole: boolean
}

export function findTests(paths: string[], config: string | undefined, io: Io): Found[] {
  if (paths.length === 0) {
    const root = flowsFolder(config, io)
    const tests = testsIn(join(root, 'tests'))
    if (tests.length === 0)
      throw new Exit(
        2,
        `There are no conversation tests (*.test.yaml) in ${join(root, 'tests')}. Name a file or a folder.`,
      )
    return [{ root, tests, whole: true }]
  }
  const found = new Map<string, Found>()
  for (const given of paths) {
    const one = find(given, io)
    const before = found.get(one.root)
    found.set(one.root, {
      root: one.root,
      tests: [...new Set([...(before?.tests ?? []), ...one.tests])],
      whole: one.whole || (before?.whole ?? false),
    })
  }
  return [...found.values()]
}

function find(given: string, io: Io): Found {
  const path = resolve(io.cwd, given)
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) throw new Exit(2, `${given} is not there.`)
  if (!stat.isDirectory()) return { root: rootOf(dirname(path)), tests: [path], whole: false }
  const config = join(path, 'apel.yaml')
  const roots = [path, join(path, 'scripts-yaml'), ...(existsSync(config) ? [flowsFolder(config, io)] : [])]
  for (const root of roots) {
    const tests = testsIn(join(root, 'tests'))
    if (tests.length > 0) return { root, tests, whole: true }
  }
  const tests = testsIn(path)
  if (tests.length === 0) throw new Exit(2, `${given} has no conversation test (*.test.yaml) in it.`)
  return { root: rootOf(path), tests, whole: true }
}

const rootOf = (folder: string): string => (basename(folder) === 'tests' ? dirname(folder) : folder)

function testsIn(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => isYaml(name) && /\.test\.ya?ml$/.test(name))
    .sort()
    .map((name) => join(folder, name))
}
