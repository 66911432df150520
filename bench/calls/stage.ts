/**
 * One Asterisk for all arms, tuned as the service's own (`dialplans/`), with the same two prompts and one carrier, which is
 * SIPp. What the other arms need beyond the service's modules (call files, AGI, a dialplan) is loaded beside it.
 */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EmbeddedAsterisk, startAsterisk } from '../../src/embedded/asterisk.ts'
import { ensureTools, type Tools } from '../../src/embedded/tools.ts'
import { freePort, freeRange } from '../../src/phones/ports.ts'
import { tone } from '../../src/phones/speech.ts'
import { waitFor } from '../../test/support/wait.ts'

export const ACCOUNT = { username: 'apel', password: 'bench-only' }
/** ms: the first one is cut short by the key, the second is heard to its end. */
const PROMPTS = { question: 6000, answer: 500 }
export const CONTEXT = 'bench'

export interface Stage {
  folder: string
  tools: Tools
  asterisk: EmbeddedAsterisk
  /** Absolute paths without extension. */
  question: string
  answer: string
  /** Folder with both prompts as files. */
  sounds: string
  /** Where call files are put. */
  spool: string
  /** The ports of the carrier. */
  sip: number
  media: number
  /** Of a FastAGI server, for the dialplan. */
  agi: number
  /** Resolves when no channel is left; rejects with their number after `ms`. */
  empty(ms?: number): Promise<void>
  stop(): Promise<void>
}

export async function startStage(): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'apel-bench-'))
  const tools = await ensureTools(['asterisk', 'redis', 'sipp', 'speech'], () => {})
  const sip = await freePort('udp')
  const media = (await freeRange('udp', 4)).from
  const agi = await freePort('tcp')
  const asterisk = await startAsterisk({
    ...{ dataDir: join(folder, 'data'), name: 'bench', tools, say: () => {} },
    ...{ sipPort: await freePort('udp'), httpPort: await freePort('tcp'), rtp: await freeRange('udp', 1600) },
    peers: { carrier: `sip:127.0.0.1:${sip}` },
    ...{ ariUser: ACCOUNT.username, ariPassword: ACCOUNT.password },
  })
  const sounds = join(folder, 'sounds')
  mkdirSync(sounds)
  for (const [name, ms] of Object.entries(PROMPTS)) writeFileSync(join(sounds, `${name}.ulaw`), tone(ms))
  const [question, answer] = [join(sounds, 'question'), join(sounds, 'answer')]
  const run = join(folder, 'data/asterisk/bench')
  appendFileSync(
    join(run, 'etc/extensions.conf'),
    `
[${CONTEXT}]
exten => native,1,Background(${question})
 same => n,WaitExten(3)
 same => n,Hangup()
exten => 1,1,Playback(${answer})
 same => n,Hangup()
exten => agi,1,AGI(agi://127.0.0.1:${agi}/)
 same => n,Hangup()
`,
  )
  for (const module of ['pbx_spool.so', 'res_speech.so', 'res_agi.so']) await asterisk.cli(`module load ${module}`)
  await asterisk.cli('dialplan reload')
  const channels = async () => Number(/(\d+) active channel/.exec(await asterisk.cli('core show channels count'))?.[1])
  return {
    ...{ folder, tools, asterisk, question, answer, sounds, sip, media, agi },
    spool: join(run, 'spool/outgoing'),
    async empty(ms = 5000) {
      const none = async () => (await channels()) === 0
      await waitFor(none, { timeout: ms, every: 100, what: 'the end of the last channel' })
    },
    async stop() {
      await asterisk.stop()
      rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
    },
  }
}
