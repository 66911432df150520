/** The other half of `program.ts`, within the arm's own process: numbers come in, and are dialled at an even pace. */
import type { Order } from './program.ts'

/** `dial` begins a call and resolves when it is over. A new order replaces the one under way. */
export function serve(dial: (number: string) => Promise<void>): void {
  let current = 0
  process.on('message', (order: Order) => {
    current += 1
    const mine = current
    const begun = performance.now()
    const calls: Promise<void>[] = []
    const due = (n: number) => begun + (n * 1000) / order.rate
    const go = (): void => {
      if (mine !== current) return
      while (calls.length < order.numbers.length && due(calls.length) <= performance.now())
        calls.push(dial(order.numbers[calls.length] ?? '').catch(() => undefined))
      if (calls.length < order.numbers.length) setTimeout(go, Math.max(1, due(calls.length) - performance.now()))
      else void Promise.all(calls).then(() => mine === current && process.send?.('done'))
    }
    go()
  })
  process.send?.('ready')
}

export function settings<T>(): T {
  return JSON.parse(process.argv[2] ?? '{}') as T
}
