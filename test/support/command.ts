/** `apel …` as users run it: the built program in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** The built program; tests run from `build/` as well. */
export const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url))

export interface CommandResult {
  /** Null when it was ended by a signal. */
  code: number | null
  stdout: string
  stderr: string
}

export interface CommandOptions {
  cwd?: string
  env?: Record<string, string>
  /** Ends it after so many ms; 60 s. */
  timeout?: number
  /** Sees what it writes as it comes. */
  onOutput?: (text: string) => void
}

export function startCommand(args: string[], { cwd, env }: CommandOptions = {}): ChildProcess {
  return spawn(process.execPath, ['--enable-source-maps', MAIN, ...args], {
    cwd,
    env: { ...process.env, NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

/** Runs a command to its end. Never rejects for an exit code: the caller looks at it. */
export async function runCommand(args: string[], options: CommandOptions = {}): Promise<CommandResult> {
  const child = startCommand(args, options)
  const result: CommandResult = { code: null, stdout: '', stderr: '' }
  child.stdout?.on('data', (piece) => {
    result.stdout += piece
    options.onOutput?.(String(piece))
  })
  child.stderr?.on('data', (piece) => {
    result.stderr += piece
    options.onOutput?.(String(piece))
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), options.timeout ?? 60_000)
  result.code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  }).finally(() => clearTimeout(timer))
  return result
}
