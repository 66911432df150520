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
  /** It writes where we write, a progress bar included; nothing is collected then. */
  inherit?: boolean
  /** The program of another build. */
  main?: string | undefined
}

export function startCommand(args: string[], { cwd, env, inherit, main = MAIN }: CommandOptions = {}): ChildProcess {
  return spawn(process.execPath, ['--enable-source-maps', main, ...args], {
    cwd,
    env: { ...process.env, ...(inherit ? {} : { NO_COLOR: '1' }), ...env },
    stdio: ['ignore', inherit ? 'inherit' : 'pipe', inherit ? 'inherit' : 'pipe'],
  })
}

/** Runs a command to its end. Never rejects for an exit code: the caller looks at it. */
export async function runCommand(args: string[], options: CommandOptions = {}): Promise<CommandResult> {
  const child = startCommand(args, options)
  const result: CommandResult = { code: null, stdout: '', stderr: '' }
  child.stdout?.on('data', (piece) => {
    result.stdout += piece
  })
  child.stderr?.on('data', (piece) => {
    result.stderr += piece
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), options.timeout ?? 60_000)
  result.code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  }).finally(() => clearTimeout(timer))
  return result
}
