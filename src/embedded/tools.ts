/**
 * Where the embedded servers and their helpers are. `setup/install.sh` finds them on the host or fetches them into the
 * cache folder, tries each, and leaves a small program in `bin/` and a stamp with facts for each part. This file reads
 * the stamps, and runs the script when one is missing.
 */
import { spawn } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { ApelError } from '../errors.ts'

/** What can be set up: `speech` is espeak-ng and sox, `sipp` brings tcpdump along. */
export type Part = 'asterisk' | 'redis' | 'speech' | 'sipp'
export type Program = 'asterisk' | 'redis-server' | 'redis-cli' | 'espeak-ng' | 'sox' | 'sipp' | 'tcpdump'

export interface Tools {
  cacheDir: string
  /** Absolute path of a program to run; it need not be in PATH. */
  path(program: Program): string
  /** What the set-up learnt: `version`, `source` (`own` or `host`), for Asterisk also `modules` and `data`. */
  fact(part: Part, name: 'version' | 'source' | 'modules' | 'data'): string
}

/** Says one line to whoever watches the start. */
export type Say = (line: string) => void

const PROGRAMS: Record<Part, Program[]> = {
  asterisk: ['asterisk'],
  redis: ['redis-server', 'redis-cli'],
  speech: ['espeak-ng', 'sox'],
  sipp: ['sipp', 'tcpdump'],
}

/** The stamp's first line; the same number stands in setup/install.sh. */
const LAYOUT = 'layout=1'

/** The folder of the checkout (or of the installed package), whether this runs from `src/` or from `build/src/`. */
export function projectRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'setup/install.sh'))) {
    const above = dirname(folder)
    if (above === folder) {
      throw new ApelError(
        'setup_missing',
        'setup/install.sh is not beside this program: the installation is not complete. Copy the whole project, not build/ alone.',
      )
    }
    folder = above
  }
  return folder
}

/** `$XDG_CACHE_HOME/apel`, the folder that `make setup` fills. */
export function defaultCacheDir(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'apel')
}

/** The parts that `make setup` has not put in place yet, or whose programs are gone since. */
export function missingParts(parts: Part[], cacheDir = defaultCacheDir()): Part[] {
  return parts.filter(
    (part) => stampOf(part, cacheDir) === null || !PROGRAMS[part].every((name) => runs(cacheDir, name)),
  )
}

/**
 * The tools, set up first where a part of them is missing; the script's lines go to `say`. Rejects with `setup_failed`
 * and the script's own last sentence.
 */
export async function ensureTools(parts: Part[], say: Say, cacheDir = defaultCacheDir()): Promise<Tools> {
  const missing = missingParts(parts, cacheDir)
  if (missing.length > 0) {
    say(`Not set up yet: ${missing.join(', ')}. Running setup/install.sh; this happens once.`)
    await install(missing, say, cacheDir)
  }
  const stamps = new Map(parts.map((part) => [part, stampOf(part, cacheDir)]))
  return {
    cacheDir,
    path: (program) => join(cacheDir, 'bin', program),
    fact(part, name) {
      const value = (stamps.get(part) ?? stampOf(part, cacheDir))?.get(name)
      if (value === undefined)
        throw new ApelError('setup_missing', `The part ${part} is not set up. Run \`make setup\`.`, { part, name })
      return value
    },
  }
}

async function install(parts: Part[], say: Say, cacheDir: string): Promise<void> {
  const child = spawn('bash', [join(projectRoot(), 'setup/install.sh'), ...parts], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, APEL_CACHE: cacheDir },
  })
  let last = ''
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      last = line
      say(line)
    })
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('close', resolve)
    child.once('error', reject)
  }).catch((cause: Error) => {
    throw new ApelError('setup_failed', `setup/install.sh cannot be run: ${cause.message}. It needs bash.`, { parts })
  })
  if (code !== 0)
    throw new ApelError('setup_failed', last || `setup/install.sh ended with ${code}.`, { parts, code }, true)
}

function stampOf(part: Part, cacheDir: string): Map<string, string> | null {
  try {
    const lines = readFileSync(join(cacheDir, 'stamps', part), 'utf8')
      .trim()
      .split('\n')
    if (lines[0] !== LAYOUT) return null
    return new Map(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]))
  } catch {
    return null
  }
}

function runs(cacheDir: string, program: Program): boolean {
  try {
    const wrapper = readFileSync(join(cacheDir, 'bin', program), 'utf8')
    const target = /^# runs (.+)$/m.exec(wrapper)?.[1]
    if (target === undefined) return false
    accessSync(target, constants.X_OK)
    return true
  } catch {
    return false
  }
}
