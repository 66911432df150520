/**
 * What a rehearsal is held in: a service as it is run, with its own Redis and Asterisk on free ports in a folder that is gone
 * afterwards, and a carrier full of phones. The service reads the flows and nothing else of the project: no campaign of
 * theirs is loaded, and every number leads to a phone of this house.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { stringify } from 'yaml'
import type { Voice } from '../call/ports.ts'
import { loadConfig } from '../config.ts'
import { readRef, stopProcess } from '../embedded/process.ts'
import { ensureTools, type Say } from '../embedded/tools.ts'
import { makeLog } from '../log.ts'
import { espeak } from '../media/engine.ts'
import { makeStudio } from '../media/voice.ts'
import { type Exchange, startExchange } from '../phones/exchange.ts'
import { freePort, freeRange } from '../phones/ports.ts'
import { type Rehearsal, startService } from '../service.ts'
import { makeReleasers } from '../shutdown.ts'
import { Lateness } from './lateness.ts'

export interface HouseOptions {
  /** The folder with `flows/`, and perhaps `library/` and `sounds/`, in it. */
  root: string
  /** Which flow takes the calls to which number. */
  inbound: Record<string, { flow: string }>
  /** Of the PBX that flows call. */
  extensions: string[]
  /** What flows may reach, `host` or `host:port`. */
  hosts: string[]
  rehearsal: Rehearsal
  say: Say
  /** A level of the service's own log. */
  log: string
}

export interface House {
  /** Where the service's API answers. */
  url: string
  exchange: Exchange
  /** The voice that the service speaks with; what it has said is there already. */
  voice: Voice
  lateness: Lateness
  close(): Promise<void>
}

/** Calls that may be on at once, each with a leg; two ports each. */
const RTP = 600
/** ms that the service may take to hang up, write its records and end its servers. */
const CLOSING = 90_000

export async function openHouse({
  root,
  inbound,
  extensions,
  hosts,
  rehearsal,
  say,
  log,
}: HouseOptions): Promise<House> {
  const releasers = makeReleasers(CLOSING)
  const folder = mkdtempSync(join(tmpdir(), 'apel-rehearsal-'))
  releasers.add('the folder', () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }))
  try {
    const tools = await ensureTools(['asterisk', 'redis', 'sipp', 'speech'], say)
    const [sip, http, api] = [await freePort('udp'), await freePort('tcp'), await freePort('tcp')]
    const rtp = await freeRange('udp', RTP)
    const exchange = await startExchange({ folder: join(folder, 'phones'), asterisk: sip })
    releasers.add('the phones', () => exchange.stop())
    const flows = join(folder, 'scripts-yaml')
    mkdirSync(flows)
    for (const part of ['flows', 'library', 'sounds'])
      if (existsSync(join(root, part))) symlinkSync(resolve(root, part), join(flows, part))
    const data = join(folder, 'data')
    const file = join(folder, 'apel.yaml')
    const embedded = {
      ...{ sip_port: sip, http_port: http, rtp: `${rtp.from}-${rtp.to}` },
      peers: { carrier: exchange.uri },
    }
    const endpoint = 'PJSIP/{number}@carrier'
    const trunk = { name: 'carrier', endpoint, channels: 200, cps: 20, caller_ids: ['+40311234567'] }
    writeFileSync(
      file,
      stringify({
        ...{ instance: `rehearsal-${api}`, data_dir: data, flows, inbound },
        asterisk: [{ name: 'local', embedded, trunks: [trunk], extensions: endpoint }],
        policy: {
          ...{ default_country: 'RO', timezone: 'Europe/Bucharest' },
          allow: [...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((digit) => `+${digit}`), ...extensions],
          windows: { 'mon-sun': '00:00-24:00' },
        },
        http: { allow_hosts: hosts },
        recordings: { enabled: true },
        api: { host: '127.0.0.1', port: api },
      }),
    )
    const loaded = loadConfig(file, {})
    if ('problems' in loaded) throw new Error(loaded.problems.map(({ message }) => message).join('\n'))
    // A service that has lost its ledger leaves its servers to the next one; here there is none.
    releasers.add('the servers', () => endServers(data))
    const service = await startService(loaded.config, makeLog(log), () => {}, { rehearsal })
    releasers.add('the service', () => service.hurry())
    const studio = makeStudio({
      folder: join(data, 'sounds'),
      engine: espeak(tools.path('espeak-ng')),
      sox: tools.path('sox'),
      recorded: join(flows, 'sounds'),
    })
    const lateness = new Lateness()
    releasers.add('the clock', () => lateness.stop())
    return {
      url: service.url,
      lateness,
      exchange,
      voice: studio.at({ folder: join(data, 'sounds') }),
      async close() {
        const faults = await releasers.closeAll()
        if (faults.length > 0) throw new AggregateError(faults, faults.map(String).join('; '))
      },
    }
  } catch (error) {
    await releasers.closeAll()
    throw error
  }
}

async function endServers(data: string): Promise<void> {
  for (const server of ['asterisk/local', 'redis']) {
    const ref = readRef(join(data, server, 'process.json'))
    if (ref !== null) await stopProcess(ref, 3_000)
  }
}
