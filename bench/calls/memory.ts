/** The memory that a node process really holds: its inspector is opened from outside, and asked after a collection. */
import { WebSocket } from 'ws'
import { waitFor } from '../../test/support/wait.ts'

/** Bytes of the heap and of buffers beside it. `port`: the process's `--inspect-port`. */
export async function heldBy(pid: number, port: number): Promise<number> {
  process.kill(pid, 'SIGUSR1')
  const targets = await waitFor(
    async () => (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as { webSocketDebuggerUrl: string }[],
    { timeout: 5000, every: 50, what: 'the inspector' },
  )
  const socket = new WebSocket(targets[0]!.webSocketDebuggerUrl)
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  let next = 0
  const ask = (method: string, params = {}): Promise<{ result: { value: number } }> => {
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
  const expression = 'process.memoryUsage().heapUsed + process.memoryUsage().external'
  const { result } = await ask('Runtime.evaluate', { expression })
  socket.terminate()
  return result.value
}
