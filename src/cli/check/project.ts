/** Checks the files against each other: campaigns against flows and trunks, the numbers called against flows. */
import { existsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { readDocument } from '../../config/document.ts'
import { type Config, type Environment, loadConfig } from '../../config.ts'
import { loadCampaign } from '../../dialer/campaign.ts'
import type { Problem } from '../../errors.ts'
import { checkTests, readTests } from '../../flow/conversation-test-file.ts'
import { bareName } from '../../flow/library-file.ts'
import { loadFlows } from '../../flow/load.ts'
import { guess } from '../../flow/near.ts'
import type { Program } from '../../flow/program.ts'
import { placeOf } from '../../flow/source.ts'
import { findSound } from '../../media/sounds.ts'
import { allowList, allowsHost } from '../../outgoing/allow-list.ts'
import { texts } from '../../service/shelf.ts'
import { readYaml, unreadable } from '../../service/yaml-files.ts'
import type { Io } from '../io.ts'
import { flowsFolder } from '../project.ts'
import type { Files } from './files.ts'

/** All faults of the files that were asked for. Never rejects because of what is in a file. */
export async function checkProject({ asked, config: path }: Files, io: Pick<Io, 'env' | 'cwd'>): Promise<Problem[]> {
  const { env } = io
  const loaded = path !== null && existsSync(path) ? loadConfig(path, env) : null
  const config = loaded && 'config' in loaded ? loaded.config : null
  const problems: Problem[] = []
  const roots = new Set(asked.filter(({ sort }) => sort !== 'config').map(({ path }) => rootOf(path)))
  // Also of a configuration with faults: the flows that it leads to are there all the same.
  if (path !== null && existsSync(path)) roots.add(flowsFolder(path, io))

  const read = (path: string): Promise<string | null> =>
    readYaml(path).catch((error: unknown) => {
      problems.push(unreadable(path, error))
      return null
    })
  const wanted = new Set(asked.map((file) => file.path))
  const flows = new Set<string>()
  const programs = new Map<string, Program>()
  for (const root of roots) {
    const unread: Problem[] = []
    const inFolders = await texts(root, unread)
    const listed = new Set([...inFolders.map((file) => file.path), ...unread.map((problem) => problem.file)])
    const alone: typeof inFolders = []
    for (const { path, sort } of asked) {
      if (sort !== 'flow' || rootOf(path) !== root || listed.has(path)) continue
      const text = await read(path)
      if (text !== null) alone.push({ path, text })
    }
    const { programs: sound, problems: faults, byFlow } = loadFlows([...inFolders, ...alone], factsOf(root, config))
    const found = [...unread, ...faults]
    for (const [name, program] of sound) {
      flows.add(name)
      programs.set(name, program)
    }
    // A flow with an error is there all the same; who refers to it has no fault of their own.
    for (const name of [...byFlow.keys(), ...unread.map(({ file }) => bareName(file))]) flows.add(name)
    // What is wrong in a library is told with the flows that include it.
    const own = asked.flatMap(({ path }) => (rootOf(path) === root ? (byFlow.get(bareName(path)) ?? []) : []))
    const told = new Set([...wanted, ...own.map(({ file }) => file)])
    problems.push(...found.filter(({ file }) => told.has(file)))
  }

  for (const { path, sort } of asked) {
    if (sort === 'flow') continue
    const text = await read(path)
    if (text === null) continue
    if (sort === 'campaign') {
      const trunks = config?.asterisk.flatMap((node) => node.trunks.map((trunk) => trunk.name)) ?? null
      problems.push(...loadCampaign(path, text, { flows: [...flows], trunks }).problems, ...contactsOf(path, text))
    } else if (sort === 'config') problems.push(...configProblems(path, text, flows, env))
    else if (sort === 'test') problems.push(...testProblems(path, text, programs, flows))
  }
  return problems.filter((one, at, all) => all.findIndex((other) => same(one, other)) === at)
}

/** `flows/`, `campaigns/` and so on are siblings; a file that lies elsewhere stands alone in its own folder. */
function rootOf(path: string): string {
  const folder = dirname(path)
  return ['flows', 'library', 'campaigns', 'tests'].includes(basename(folder)) ? dirname(folder) : folder
}

function factsOf(root: string, config: Config | null) {
  const list = config && allowList(config.http.allow_hosts)
  return {
    sounds: (name: string, language: string) => findSound(join(root, 'sounds'), name, language) !== null,
    ...(list ? { allowHost: (host: string) => allowsHost(host, list) } : {}),
  }
}

function configProblems(path: string, text: string, flows: Set<string>, env: Environment): Problem[] {
  const loaded = loadConfig(path, env)
  const problems = 'problems' in loaded ? loaded.problems : [...loaded.warnings]
  const document = readDocument(text, path, env)
  const inbound = (document.value as { inbound?: Record<string, unknown> } | null)?.inbound ?? {}
  for (const [number, target] of Object.entries(inbound)) {
    const flow = typeof target === 'string' ? target : (target as { flow?: unknown } | null)?.flow
    if (typeof flow !== 'string' || flows.has(flow)) continue
    const message = `There is no flow named ${flow}${guess(flow, flows) || '.'}`
    const place = document.place(['inbound', number, ...(typeof target === 'string' ? [] : ['flow'])])
    problems.push({ file: path, ...place, severity: 'error', code: 'unknown-flow', message })
  }
  return problems
}

/** A test of a flow that has errors is checked by itself. */
function testProblems(path: string, text: string, programs: Map<string, Program>, flows: Set<string>): Problem[] {
  const read = readTests(path, text)
  const program = programs.get(read.flow ?? '')
  if (program !== undefined) return [...read.problems, ...checkTests(read, program)]
  if (read.flow === null || read.root === null || flows.has(read.flow)) return read.problems
  const message = `There is no flow named ${read.flow}${guess(read.flow, flows) || '.'}`
  const place = placeOf(read.root, ['flow'])
  return [...read.problems, { file: path, ...place, severity: 'error', code: 'unknown-flow', message }]
}

function contactsOf(path: string, text: string): Problem[] {
  const document = readDocument(text, path, {})
  const file = (document.value as { contacts?: { file?: unknown } } | null)?.contacts?.file
  if (typeof file !== 'string' || existsSync(join(dirname(path), file))) return []
  const message = `The file ${file} is not there; the import will need another one.`
  return [{ file: path, ...document.place(['contacts', 'file']), severity: 'warning', code: 'missing-file', message }]
}

const same = (a: Problem, b: Problem): boolean =>
  a.file === b.file && a.line === b.line && a.column === b.column && a.message === b.message
