/**
 * An arm that is a program of its own (`*-program.ts`), so that its CPU is told apart: it is given numbers and a pace, and
 * says when the last call is over.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type Arm, numbers } from '../arm.ts'

export interface Order {
  numbers: string[]
  /** Calls a second. */
  rate: number
}

/** Starts `arms/FILE-program.js` with `settings` and waits until it is ready. */
export async function programArm(name: string, file: string, settings: Record<string, unknown>): Promise<Arm> {
  const path = fileURLToPath(new URL(`./${file}-program.js`, import.meta.url))
  const child = fork(path, [JSON.stringify(settings)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  await message(child, 'ready')
  return {
    name,
    processes: { node: child.pid ?? 0 },
    async run(calls, rate) {
      child.send({ numbers: numbers(calls), rate } satisfies Order)
      await message(child, 'done')
    },
    async abandon() {
      child.send({ numbers: [], rate: 1 } satisfies Order)
      await message(child, 'done')
    },
    async stop() {
      const end = once(child, 'exit')
      child.kill()
      await end
    },
  }
}

async function message(child: ChildProcess, what: string): Promise<void> {
  for (;;) {
    const over = new AbortController()
    const { signal } = over
    const [said] = await Promise.race([
      once(child, 'message', { signal }),
      once(child, 'exit', { signal }).then(() => ['exit']),
    ]).finally(() => over.abort())
    if (said === what) return
    if (said === 'exit') throw new Error('the program of an arm has ended')
  }
}
