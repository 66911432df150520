/**
 * Libraries: situations and steps in a file of `library/`, which flows take in by `include: [library/NAME.yaml]`.
 *
 * A library is compiled anew for every flow that includes it, as if its situations and steps were written there: its names
 * are the flow's names, its targets may be steps of the flow, its variables (`vars`) are the flow's. What is wrong in it is
 * told in its own file. It includes no other library.
 */

import type { Problem } from '../errors.ts'
import type { Workshop } from './build.ts'
import { libraryFile } from './file.ts'
import { guess } from './near.ts'
import { problemsOf } from './shape-faults.ts'
import { type Located, placeOf, readSource } from './source.ts'

export interface Library {
  /** As it is named in problems. */
  file: string
  text: string
  root: Located
  /** Empty when the file cannot be read. */
  raw: Record<string, unknown>
  /** Faults that it has whoever includes it. */
  problems: Problem[]
}

const INCLUDED = /^library\/[^/]+\.ya?ml$/i

/** Whether a file is a library and no flow. */
export function isLibrary(path: string): boolean {
  return path.split(/[\\/]/).at(-2) === 'library'
}

/** A file's name without its folder and ending. */
export function bareName(path: string): string {
  return path
    .split(/[\\/]/)
    .at(-1)!
    .replace(/\.ya?ml$/i, '')
}

/** Reads a library. Never throws. */
export function readLibrary(file: string, text: string): Library {
  const { root, problems } = readSource(file, text)
  const nothing: Located = { value: {}, place: START, key: START, items: new Map() }
  if (root === null) return { file, text, root: nothing, raw: {}, problems }
  const checked = libraryFile.safeParse(root.value)
  if (!checked.success) problems.push(...problemsOf(checked.error, file, root, []))
  const raw = asMap(root.value) ?? {}
  const name = bareName(file)
  if (typeof raw.library === 'string' && raw.library !== name) {
    const message = `the library is called "${raw.library}" but its file "${name}": they must be the same`
    problems.push({ file, ...placeOf(root, ['library']), severity: 'error', code: 'flow-name', message })
  }
  return { file, text, root, raw, problems }
}

const START = { line: 1, column: 1 }

/** The libraries that a flow's `include` names, in its order; what is not there is reported. */
export function included({ file, root, problems }: Workshop, include: unknown, libraries: Library[]): Library[] {
  const found: Library[] = []
  for (const [index, path] of (Array.isArray(include) ? include : []).entries()) {
    if (typeof path !== 'string') continue
    const report = (message: string) =>
      problems.push({
        file,
        ...placeOf(root, ['include', index]),
        severity: 'error',
        code: 'unknown-library',
        message,
      })
    const library = libraries.find((one) => tail(one.file) === path)
    if (library === undefined) {
      const known = libraries.map((one) => tail(one.file))
      report(
        INCLUDED.test(path)
          ? `there is no file "${path}" beside the folder of the flows${guess(path, known)}`
          : `"${path}" is no library: write library/NAME.yaml${guess(path, known)}`,
      )
    } else if (found.includes(library)) report(`"${path}" is included twice`)
    else found.push(library)
  }
  return found
}

function tail(path: string): string {
  return path.split(/[\\/]/).slice(-2).join('/')
}

/**
 * The workshops of the libraries of a flow, which build into its program. A name that is there already is reported in
 * the file that comes later, the flow itself being the last.
 */
export function workshopsOf(flow: Workshop, raw: Record<string, unknown>, libraries: Library[]): Workshop[] {
  const shops = libraries.map((library) => {
    const language = typeof library.raw.language === 'string' ? library.raw.language.toLowerCase() : null
    flow.problems.push(...library.problems)
    return { ...flow, file: library.file, root: library.root, language: language ?? flow.language }
  })
  for (const kind of ['step', 'situation'] as const) {
    const taken = new Map<string, string>()
    const files = [...libraries.map((one, index) => ({ shop: shops[index]!, raw: one.raw })), { shop: flow, raw }]
    for (const { shop, raw: own } of files)
      for (const name of Object.keys(asMap(own[`${kind}s`]) ?? {})) {
        const other = taken.get(name)
        if (other === undefined) taken.set(name, placeIn(shop, [`${kind}s`, name]))
        else {
          const message = `there is a ${kind} "${name}" in ${other}, too: names of a flow and its libraries may not clash`
          const place = placeOf(shop.root, [`${kind}s`, name], true)
          flow.problems.push({ file: shop.file, ...place, severity: 'error', code: 'name-clash', message })
        }
        if (kind === 'step') flow.stepNames.add(name)
      }
  }
  return shops
}

function placeIn({ file, root }: Workshop, path: string[]): string {
  return `${tail(file)}:${placeOf(root, path, true).line}`
}

function asMap(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null
}
