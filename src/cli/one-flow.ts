/** One flow for a command: by its name in the project, or by the path of its file. */
import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { bareName } from '../flow/library-file.ts'
import { loadFlows } from '../flow/load.ts'
import type { Program } from '../flow/program.ts'
import { findSound } from '../media/sounds.ts'
import { texts } from '../service/shelf.ts'
import { Exit, type Io } from './io.ts'
import { problemLine } from './problems.ts'
import { flowsFolder } from './project.ts'

/** `purpose` is what cannot be done with a flow that has errors, e.g. `drawn`. */
export async function loadOne(name: string, config: string | undefined, io: Io, purpose: string): Promise<Program> {
  const isFile = /\.ya?ml$/.test(name)
  const path = isFile ? resolve(io.cwd, name) : join(flowsFolder(config, io), 'flows', `${name}.yaml`)
  if (!existsSync(path)) throw new Exit(2, `There is no flow ${name}; ${path} is not there.`)
  const root = basename(dirname(path)) === 'flows' ? dirname(dirname(path)) : dirname(path)
  const files = (await texts(root, [])).filter((file) => file.path !== path)
  const sounds = (sound: string, language: string) => findSound(join(root, 'sounds'), sound, language) !== null
  const { programs, byFlow } = loadFlows([...files, { path, text: readFileSync(path, 'utf8') }], { sounds })
  const flow = programs.get(bareName(path))
  if (flow) return flow
  for (const problem of byFlow.get(bareName(path)) ?? []) io.err(`${problemLine(problem, io.cwd)}\n`)
  throw new Exit(1, `The flow ${name} has errors; it cannot be ${purpose}.`)
}
