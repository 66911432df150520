/**
 * The flows on disk, as programs. A reload reads everything again and swaps what is sound; a file with an error keeps
 * its former version, and a call keeps the program that it began with, since programs are never changed.
 */
import { isAbsolute, join, relative } from 'node:path'
import type { FlowView } from '../api/ports/control.ts'
import { ApelError, type Problem } from '../errors.ts'
import { bareName } from '../flow/library-file.ts'
import { loadFlows } from '../flow/load.ts'
import type { Program } from '../flow/program.ts'
import type { KeptText } from '../store/journals.ts'
import { yamlTexts } from './yaml-files.ts'

/** Nobody is called with a flow that is not there, or that has an error and no former version. */
export const unknownFlow = (name: string): ApelError =>
  new ApelError('unknown_flow', `There is no flow ${name}, or it has an error.`, { flow: name })

export interface Shelf {
  /** The sound version of a flow, or undefined when there never was one. */
  get(name: string): Program | undefined
  /** All texts among which this program was read: with them it can be read again. Null for one that is not from here. */
  texts(program: Program): KeptText[] | null
  views(): FlowView[]
  /** Every fault of the last reading. */
  problems(): Problem[]
  reload(): Promise<Problem[]>
}

export interface ShelfFacts {
  /** Whether a recorded sound of this name exists for the language. */
  sounds: (name: string, language: string) => boolean
  /** Whether flows may reach this host (and port). */
  allowHost: (host: string) => boolean
}

/** Reads `FOLDER/flows/*.yaml` and `FOLDER/library/*.yaml`. A folder that is not there holds no flow. */
export async function openShelf(folder: string, facts: ShelfFacts): Promise<Shelf> {
  let programs = new Map<string, Program>()
  let problems: Problem[] = []
  let byFlow = new Map<string, Problem[]>()
  const sources = new WeakMap<Program, KeptText[]>()

  async function reload(): Promise<Problem[]> {
    const unread: Problem[] = []
    const files = await texts(folder, unread)
    const read = loadFlows(files, facts)
    const near = files.map(({ path, text }) => ({ path: relative(folder, path), text }))
    for (const program of read.programs.values()) sources.set(program, near)
    problems = [...unread, ...read.problems]
    byFlow = read.byFlow
    // A flow whose file is gone is gone; one that has a fault, or whose library has one, keeps its former version.
    for (const problem of unread) byFlow.set(bareName(problem.file), [problem])
    const kept = [...programs].filter(([name]) => byFlow.has(name) && !read.programs.has(name))
    programs = new Map([...kept, ...read.programs])
    return problems
  }

  await reload()
  return {
    get: (name) => programs.get(name),
    texts: (program) => sources.get(program) ?? null,
    problems: () => problems,
    reload,
    views: () =>
      [...programs.values()]
        .sort((a, b) => a.flow.localeCompare(b.flow))
        .map((program) => ({
          name: program.flow,
          description: program.description,
          version: program.version,
          language: program.language,
          file: isAbsolute(program.file) ? relative(folder, program.file) : program.file,
          steps: [...program.steps.values()].flatMap((step) => step.name ?? []),
          problems: byFlow.get(program.flow) ?? [],
        })),
  }
}

/**
 * All YAML texts of `flows/` and `library/`, with paths that lead to them from the working folder. A file that cannot be
 * read is left out and told in `problems`.
 */
export async function texts(folder: string, problems: Problem[]): Promise<{ path: string; text: string }[]> {
  const found: { path: string; text: string }[] = []
  for (const part of ['flows', 'library']) found.push(...(await yamlTexts(join(folder, part), problems)))
  return found
}
