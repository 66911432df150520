/** `apel serve` as a child process: started until it is ready, killed, started again on the same data, stopped. */
import type { ChildProcess } from 'node:child_process'
import { createWriteStream, readFileSync } from 'node:fs'
import { startCommand } from './command.ts'
import { waitFor } from './wait.ts'

export class ServiceProcess {
  readonly url: string
  readonly #config: string
  readonly #log: string
  readonly #env: Record<string, string>
  readonly #main: string | undefined
  #child: ChildProcess | null = null
  #exit: Promise<number | null> = Promise.resolve(null)

  /** `log` is a file that gets all its output, over every start; `main`: of another build than ours. */
  constructor(options: {
    url: string
    config: string
    log: string
    env?: Record<string, string>
    main?: string | undefined
  }) {
    this.url = options.url
    this.#config = options.config
    this.#log = options.log
    this.#env = options.env ?? {}
    this.#main = options.main
  }

  get pid(): number | null {
    return this.#child?.pid ?? null
  }

  /** All that it has written so far. */
  log(): string {
    return readFileSync(this.#log, 'utf8')
  }

  /** Starts it; with `ready` (the default) waits for /health/ready. Throws with the end of its log when it ends instead. */
  async start({ ready = true, timeout = 60_000 } = {}): Promise<void> {
    if (this.#child) throw new Error('the service is running already')
    const child = startCommand(['serve', '-c', this.#config], { env: this.#env, main: this.#main })
    this.#child = child
    const log = createWriteStream(this.#log, { flags: 'a' })
    child.stdout?.pipe(log, { end: false })
    child.stderr?.pipe(log, { end: false })
    this.#exit = new Promise((resolve) => {
      child.once('error', () => resolve(null))
      child.once('close', (code) => {
        log.end()
        if (this.#child === child) this.#child = null
        resolve(code)
      })
    })
    if (ready) await this.ready(timeout)
  }

  async ready(timeout = 60_000): Promise<void> {
    const look = async () => {
      if (!this.#child) return 'ended'
      const answer = await fetch(`${this.url}/health/ready`, { signal: AbortSignal.timeout(2000) })
      return answer.ok ? 'ready' : null
    }
    const state = await waitFor(look, { timeout, every: 50, what: 'the service to be ready' }).catch((cause) => {
      throw new Error(`the service is not ready; its log ends:\n${this.#tail()}`, { cause })
    })
    if (state === 'ended') throw new Error(`the service ended instead of being ready; its log ends:\n${this.#tail()}`)
  }

  /** Sends a signal and waits for the end of the process, by force after `timeout` ms. Answers its exit code. */
  async end(signal: NodeJS.Signals = 'SIGTERM', timeout = 20_000): Promise<number | null> {
    const child = this.#child
    if (!child) return await this.#exit
    child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), timeout)
    const code = await this.#exit
    clearTimeout(timer)
    return code
  }

  #tail(): string {
    return this.log().split('\n').slice(-30).join('\n')
  }
}
