/** What a node process really holds: its inspector is opened from outside, and asked after a collection. */
import { WebSocket } from 'ws'
import { waitFor } from './wait.ts'

export interface Held {
  /** Of the heap and of buffers beside it. */
  bytes: number
  /** Connections, timers, open files, and listeners of signals. */
  handles: number
}

const EXPRESSION = `JSON.stringify({
  bytes: process.memoryUsage().heapUsed + process.memoryUsage().external,
  handles: process.getActiveResourcesInfo().length +
    process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
})`

/** `port`: the process's `--inspect-port`. */
export async function heldBy(pid: number, port: number): Promise<Held> {
  process.kill(pid, 'SIGUSR1')
  const targets = await waitFor(
    async () => (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as { webSocketDebuggerUrl: string }[],
    { timeout: 5000, every: 50, what: 'the inspector' },
  )
  const socket = new WebSocket(targets[0]!.webSocketDebuggerUrl)
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  let next = 0
  const ask = (method: string, params = {}): Promise<{ result: { value: string } }> => {
    next += 1
    const id = next
    return new Promise((resolve) => {
      socket.on('message', (data) => {
        const answer = JSON.parse(String(data))
        if (answer.id === id) resolve(answer.result)
      })
      socket.send(JSON.stringify({ id, method, params }))
    })
  }
  await ask('HeapProfiler.collectGarbage')
  await ask('HeapProfiler.collectGarbage')
  const { result } = await ask('Runtime.evaluate', { expression: EXPRESSION })
  socket.terminate()
  return JSON.parse(result.value) as Held
}
