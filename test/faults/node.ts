/** An Asterisk as a user's own beside the service, so that a test decides about its life and about the network before it. */
import { randomBytes } from 'node:crypto'
import { type EmbeddedAsterisk, startAsterisk } from '../../src/embedded/asterisk.ts'
import { isAlive, processRef } from '../../src/embedded/process.ts'
import { ensureTools } from '../../src/embedded/tools.ts'
import { freePort, freeRange } from '../../src/phones/ports.ts'
import { type Gate, startProxy } from '../contract/proxy.ts'
import { bridgesIn } from '../support/bridges.ts'
import { waitFor } from '../support/wait.ts'

export interface SceneNode {
  name: string
  trunks: string[]
  sipPort: number
  password: string
  /** The way to its web server that instances take. */
  proxy: Gate
  sounds: string
  /** Times of its deaths, ms. */
  deaths: number[]
  cli(command: string): Promise<string>
  /** Without a farewell; waits until the process is gone. */
  kill(): Promise<void>
  /** Brings it back on the same ports and files. */
  revive(): Promise<void>
  /** Channels and bridges that it has now. */
  left(): Promise<{ channels: number; bridges: number }>
  stop(): Promise<void>
}

export async function startNode(name: string, folder: string, carrier: string): Promise<SceneNode> {
  const tools = await ensureTools(['asterisk', 'redis', 'sipp', 'speech'], () => {})
  const sipPort = await freePort('udp')
  const options = {
    ...{ dataDir: folder, name, sipPort, httpPort: await freePort('tcp'), rtp: await freeRange('udp', 200) },
    ...{ peers: { carrier }, ariUser: 'apel', ariPassword: randomBytes(12).toString('hex'), tools, say: () => {} },
  }
  let asterisk: EmbeddedAsterisk = await startAsterisk(options)
  const proxy = await startProxy(options.httpPort)
  const deaths: number[] = []
  return {
    ...{ name, trunks: [`trunk-${name}`], sipPort, password: options.ariPassword, proxy },
    ...{ sounds: asterisk.soundsDir, deaths },
    cli: (command) => asterisk.cli(command),
    async kill() {
      const ref = processRef(asterisk.pid)
      process.kill(asterisk.pid, 'SIGKILL')
      deaths.push(Date.now())
      await waitFor(() => !ref || !isAlive(ref), { what: `the end of ${name}` })
    },
    async revive() {
      asterisk = await startAsterisk(options)
    },
    async left() {
      const channels = Number(/(\d+) active channel/.exec(await asterisk.cli('core show channels count'))?.[1] ?? 0)
      return { channels, bridges: bridgesIn(await asterisk.cli('bridge show all')).length }
    },
    async stop() {
      await proxy.stop()
      await asterisk.stop()
    },
  }
}
