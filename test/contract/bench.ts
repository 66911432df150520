/**
 * The stage of the contract tests: one real Asterisk, a carrier of SIPp phones, sounds of known lengths, and a proxy
 * before Asterisk's web server that can break the link in every way. Each file has its own, so files run side by side.
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeTelephony, type NodeTelephony, type TelephonyOptions } from '../../src/ari/telephony.ts'
import type { Transport } from '../../src/ari/transport.ts'
import type { DialOrder } from '../../src/call/ports.ts'
import { type EmbeddedAsterisk, startAsterisk } from '../../src/embedded/asterisk.ts'
import { ensureTools } from '../../src/embedded/tools.ts'
import { makeLog } from '../../src/log.ts'
import { type Exchange, startExchange } from '../../src/phones/exchange.ts'
import { freePort, freeRange } from '../../src/phones/ports.ts'
import { tone } from '../../src/phones/speech.ts'
import { waitFor } from '../support/wait.ts'
import { type Followed, follow } from './followed.ts'
import { type Gate, startProxy } from './proxy.ts'

export interface Bench {
  exchange: Exchange
  proxy: Gate
  asterisk: EmbeddedAsterisk
  telephony: NodeTelephony
  /** Another one, with its own application or address; closed with the bench. */
  another(options: Partial<TelephonyOptions>): NodeTelephony
  /** Absolute path without extension of a tone that lasts so many ms: 200, 400 or 3000. */
  sound(ms: 200 | 400 | 3000): string
  /** Kills Asterisk by its pid, and keeps its ports from others until it is revived. */
  kill(): Promise<void>
  revive(): Promise<void>
  dial(number: string, order?: Partial<DialOrder>): Promise<Followed>
  stop(): Promise<void>
}

export const USERNAME = 'apel'
export const PASSWORD = 'p4ss;word'

export async function startBench(transport: Transport, name: string, password = PASSWORD): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), 'apel-ari-'))
  const exchange = await startExchange({ folder: join(folder, 'phones') })
  const sipPort = await freePort('udp')
  const tools = await ensureTools(['asterisk', 'sipp'], () => {})
  const httpPort = await freePort('tcp')
  const rtp = await freeRange('udp', 80)
  const start = (): Promise<EmbeddedAsterisk> =>
    startAsterisk({
      dataDir: join(folder, 'data'),
      name: 'bench',
      sipPort,
      httpPort,
      rtp,
      peers: { carrier: exchange.uri },
      ariUser: USERNAME,
      ariPassword: password,
      tools,
      say: () => {},
    })
  let asterisk = await start().catch(async (error: unknown) => {
    await exchange.stop()
    rmSync(folder, { recursive: true, force: true })
    throw error
  })
  exchange.asterisk = sipPort
  for (const ms of [200, 400, 3000]) writeFileSync(join(asterisk.soundsDir, `tone${ms}.ulaw`), tone(ms))
  const proxy = await startProxy(httpPort)
  let letGo = async (): Promise<void> => {}
  const made: NodeTelephony[] = []
  const another = (options: Partial<TelephonyOptions>): NodeTelephony => {
    const telephony = makeTelephony({
      node: 'bench',
      url: proxy.url,
      username: USERNAME,
      password,
      app: `apel-${name}-1`,
      transport,
      log: makeLog(process.env.APEL_TEST_LOG ?? 'silent'),
      clock: { now: Date.now, setTimeout, clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout) },
      ...options,
    })
    made.push(telephony)
    return telephony
  }
  const telephony = another({})
  await telephony.start()

  return {
    exchange,
    proxy,
    get asterisk() {
      return asterisk
    },
    telephony,
    another,
    sound: (ms) => join(asterisk.soundsDir, `tone${ms}`),
    async kill() {
      process.kill(asterisk.pid, 'SIGKILL')
      await waitFor(() => !alive(asterisk.pid), { what: 'the end of Asterisk' })
      letGo = await holdPorts(httpPort, sipPort)
    },
    async revive() {
      await letGo()
      asterisk = await start()
    },
    dial: (number, order = {}) =>
      follow(`${name}-${Math.random().toString(36).slice(2)}`, (id, listener) =>
        telephony.dial({ ...plain(id, number), ...order }, listener),
      ),
    async stop() {
      for (const one of made) await one.close()
      await proxy.stop()
      await exchange.stop()
      // At once: asked politely, it first waits for transactions that nobody answers.
      process.kill(asterisk.pid, 'SIGKILL')
      await asterisk.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Somebody else's test could take a port that is free for a moment. Who connects meanwhile is turned away. */
async function holdPorts(tcp: number, udp: number): Promise<() => Promise<void>> {
  const server = createServer((socket) => socket.destroy()).listen(tcp, '127.0.0.1')
  const socket = createSocket('udp4').bind(udp, '127.0.0.1')
  await Promise.all([once(server, 'listening'), once(socket, 'listening')])
  return async () => {
    await Promise.all([
      new Promise<unknown>((resolve) => server.close(resolve)),
      new Promise<void>((resolve) => socket.close(resolve)),
    ])
  }
}

function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

export function plain(id: string, number: string): DialOrder {
  return {
    id,
    endpoint: `PJSIP/${number}@carrier`,
    callerId: '+40311234567',
    ring: 15_000,
    absolute: 60_000,
    amd: false,
  }
}
