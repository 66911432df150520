/**
 * Which files a check is about. A folder stands for the project in it: its `apel.yaml`, and `flows/`, `library/` and
 * `campaigns/` below it, below its `scripts-yaml/`, or around it. What a file is, its folder tells; else its first keys do.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { isYaml } from '../../service/yaml-files.ts'
import { Exit, type Io } from '../io.ts'
import { configFile, flowsFolder } from '../project.ts'

export type Sort = 'flow' | 'library' | 'campaign' | 'config' | 'test'

export interface CheckedFile {
  path: string
  sort: Sort
}

export interface Files {
  asked: CheckedFile[]
  /** The configuration that trunks and allowed hosts come from, also when it is not itself asked for. */
  config: string | null
}

const sorts: Record<string, Sort> = { flows: 'flow', library: 'library', campaigns: 'campaign', tests: 'test' }

export function findFiles(paths: string[], config: string | undefined, io: Io): Files {
  const own = configFile(config, io)
  if (paths.length === 0) {
    const asked = [...(own === null ? [] : [{ path: own, sort: 'config' as const }]), ...below(flowsFolder(config, io))]
    if (asked.length === 0)
      throw new Exit(2, 'There is nothing to check here: no apel.yaml, no scripts-yaml/. Name a file or a folder.')
    return { asked, config: own }
  }
  const asked = paths.flatMap((given) => {
    const path = resolve(io.cwd, given)
    const stat = statSync(path, { throwIfNoEntry: false })
    if (!stat) throw new Exit(2, `${given} is not there.`)
    if (!stat.isDirectory()) return [{ path, sort: sortOf(path) }]
    const found = inFolder(path, io)
    if (found.length === 0) throw new Exit(2, `${given} has no flow, campaign or configuration in it.`)
    return found
  })
  const named = asked.find((file) => file.sort === 'config')?.path
  return { asked, config: config === undefined ? (named ?? own) : own }
}

function inFolder(folder: string, io: Io): CheckedFile[] {
  const config = join(folder, 'apel.yaml')
  if (existsSync(config)) return [{ path: config, sort: 'config' }, ...below(flowsFolder(config, io))]
  if (basename(folder) in sorts) return yamlIn(folder).map((path) => ({ path, sort: sortOf(path) }))
  const found = [...below(folder), ...below(join(folder, 'scripts-yaml'))]
  return found.length > 0 ? found : yamlIn(folder).map((path) => ({ path, sort: sortOf(path) }))
}

function below(folder: string): CheckedFile[] {
  return Object.entries(sorts).flatMap(([name, sort]) => yamlIn(join(folder, name)).map((path) => ({ path, sort })))
}

function yamlIn(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter(isYaml)
    .sort()
    .map((name) => join(folder, name))
}

function sortOf(path: string): Sort {
  const place = sorts[basename(dirname(path))]
  if (place) return place
  if (/\.test\.ya?ml$/.test(path)) return 'test'
  if (/^apel(\.[\w-]+)?\.ya?ml$/.test(basename(path))) return 'config'
  const text = readFileSync(path, 'utf8').slice(0, 262_144)
  if (/^campaign\s*:/m.test(text)) return 'campaign'
  if (/^flow\s*:/m.test(text) || /^steps\s*:/m.test(text)) return /^tests\s*:/m.test(text) ? 'test' : 'flow'
  return /^(asterisk|policy|inbound|redis|api|instance|data_dir|http|webhooks)\s*:/m.test(text) ? 'config' : 'flow'
}
