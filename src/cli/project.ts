/**
 * The files of a project as a command finds them: `apel.yaml` here or where `-c` says, and the folder of flows that it names.
 * A client needs only that folder; it must not fail because the passwords of the service are not in its environment.
 */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { readDocument } from '../config/document.ts'
import { Exit, type Io } from './io.ts'

/** The configuration's file, or null when there is none and none was asked for. */
export function configFile(asked: string | undefined, io: Pick<Io, 'cwd'>): string | null {
  if (asked !== undefined) return resolve(io.cwd, asked)
  const here = join(io.cwd, 'apel.yaml')
  return existsSync(here) ? here : null
}

/** The folder with `flows/`, `campaigns/` and so on in it; it need not exist. */
export function flowsFolder(asked: string | undefined, io: Pick<Io, 'cwd' | 'env'>): string {
  const file = configFile(asked, io)
  if (file === null) return join(io.cwd, 'scripts-yaml')
  const { value } = readDocument(readText(file), file, io.env)
  const flows = (value as { flows?: unknown } | null)?.flows
  return resolve(dirname(file), typeof flows === 'string' && flows !== '' ? flows : 'scripts-yaml')
}

/** A file that the user named. */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new Exit(2, `${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? error}).`)
  }
}

/** Where a campaign's file stands: a name under `campaigns/`, or a path that ends in .yaml. */
export function campaignFile(name: string, config: string | undefined, io: Io): string {
  if (/\.ya?ml$/.test(name)) return resolve(io.cwd, name)
  return join(flowsFolder(config, io), 'campaigns', `${name}.yaml`)
}
