/** The faults of a chaos run, by kind: each does its harm and mends it again. */
import { createSocket } from 'node:dgram'
import { setTimeout as sleep } from 'node:timers/promises'
import { frame } from '../../contract/proxy.ts'
import type { SceneNode } from '../node.ts'
import type { Instance, Scene } from '../scene.ts'
import type { Crowd } from './crowd.ts'
import type { Random } from './random.ts'

export interface Fault {
  kind: string
  /** How often beside the others. */
  weight: number
  /** It ends calls, or lets phones wait for longer than people do: those who outlived their process have done with it before. */
  harms?: true
  run(scene: Scene, crowd: Crowd, random: Random): Promise<void>
}

export const FAULTS: Fault[] = [
  {
    kind: 'an instance is killed, back after 1 to 15 s',
    weight: 6,
    async run(scene, crowd, random) {
      const one = random.one(scene.instances)
      crowd.strikes([one])
      await one.service.end('SIGKILL')
      // From a restart at once to one in the middle of the takeover, or after it.
      await sleep(random.between(1000, 15_000))
      await one.service.start()
    },
  },
  {
    kind: 'both instances are killed, back after 3 s',
    weight: 4,
    async run(scene, crowd, random) {
      crowd.strikes(scene.instances)
      await Promise.all(scene.instances.map(({ service }) => service.end('SIGKILL')))
      await sleep(3000)
      const [one, other] = random.next() < 0.5 ? scene.instances : [...scene.instances].reverse()
      const later = random.between(0, 2000)
      await Promise.all([one!.service.start(), sleep(later).then(() => other!.service.start())])
    },
  },
  {
    kind: 'an instance sleeps for 9 to 14 s, longer than its lease',
    weight: 2,
    async run(scene, crowd, random) {
      const one = random.one(scene.instances)
      crowd.strikes([one])
      await asleep(one, random.between(9000, 14_000))
    },
  },
  {
    kind: 'an instance stands still for 2 s',
    weight: 1,
    run: async (scene, _, random) => await asleep(random.one(scene.instances), 2000),
  },
  {
    kind: 'an instance is asked to end, and started again',
    weight: 2,
    async run(scene, crowd, random) {
      const one = random.one(scene.instances)
      crowd.strikes([one])
      const code = await one.service.end('SIGTERM', 40_000)
      await one.service.start()
      if (code !== 0) throw new Error(`${one.name} ended with ${code} when it was asked to end`)
    },
  },
  {
    kind: 'an Asterisk is killed, back after 2 to 8 s',
    weight: 1,
    harms: true,
    async run(scene, _, random) {
      const node = random.one(scene.nodes)
      await node.kill()
      await sleep(random.between(2000, 8000))
      await node.revive()
    },
  },
  {
    kind: 'all connections to a node are reset',
    weight: 1,
    async run(scene, _, random) {
      random.one(scene.nodes).proxy.reset()
    },
  },
  {
    kind: 'a node is not heard for 12 s, and nobody is told',
    weight: 1,
    harms: true,
    async run(scene, _, random) {
      const { proxy } = random.one(scene.nodes)
      proxy.freeze()
      await sleep(12_000)
      proxy.reset()
      proxy.release()
    },
  },
  {
    kind: 'Redis is killed, back after 1 to 4 s',
    weight: 1,
    async run(scene, _, random) {
      await scene.redis.kill()
      await sleep(random.between(1000, 4000))
      await scene.redis.start()
    },
  },
  {
    kind: 'Redis stands still for 2 to 5 s',
    weight: 1,
    async run(scene, _, random) {
      scene.redis.freeze(true)
      await sleep(random.between(2000, 5000))
      scene.redis.freeze(false)
    },
  },
  {
    kind: 'every answer of Redis takes 300 ms more, for 8 s',
    weight: 1,
    async run(scene) {
      scene.way.delay(300)
      await sleep(8000)
      scene.way.delay(0)
    },
  },
  {
    kind: 'the disk of Redis is full for 5 s',
    weight: 1,
    async run(scene) {
      await scene.redis.room(4096)
      await sleep(5000)
      await scene.redis.room(null)
    },
  },
  {
    kind: 'odd events come from a node',
    weight: 1,
    async run(scene, _, random) {
      oddEvents(random.one(scene.nodes))
    },
  },
  {
    kind: 'the receiver of webhooks refuses for 5 s',
    weight: 1,
    async run(scene) {
      scene.receiver.refuse(true)
      await sleep(5000)
      scene.receiver.refuse(false)
    },
  },
  {
    kind: 'scanners call a node, 100 a second for 3 s',
    weight: 1,
    async run(scene, _, random) {
      await scanners(random.one(scene.nodes), 3000)
    },
  },
]

async function asleep({ service: { pid } }: Instance, ms: number): Promise<void> {
  process.kill(pid!, 'SIGSTOP')
  await sleep(ms)
  process.kill(pid!, 'SIGCONT')
}

export function oddEvents({ proxy }: SceneNode): void {
  const channel = { id: 'nobody', state: 'Up' }
  for (const event of [
    { type: 'NeverHeardOf', channel },
    { type: 'ChannelDestroyed' },
    { type: 'ChannelDtmfReceived', channel, digit: 5 },
    { type: 'PlaybackFinished', playback: null },
    { type: 'ChannelVarset', value: 'x'.repeat(5_000_000) },
    [],
  ])
    proxy.inject(frame(JSON.stringify(event)))
  proxy.inject(frame('{ this is no JSON'))
}

/** INVITEs of strangers, to numbers that exist and numbers of the whole world, 100 a second. */
export async function scanners({ sipPort }: SceneNode, ms: number): Promise<number> {
  const socket = createSocket('udp4')
  let sent = 0
  for (const until = Date.now() + ms; Date.now() < until; await sleep(50))
    for (let n = 0; n < 5; n += 1) {
      sent += 1
      socket.send(invite(sent, ['+40311234567', '900442071234567', 'admin', '100'][sent % 4]!), sipPort, '127.0.0.1')
    }
  await new Promise<void>((resolve) => socket.close(resolve))
  return sent
}

function invite(n: number, to: string): string {
  return [
    `INVITE sip:${to}@127.0.0.1 SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:5999;branch=z9hG4bK-scan-${process.pid}-${n}`,
    `From: "anonymous" <sip:anonymous@anonymous.invalid>;tag=${n}`,
    ...[`To: <sip:${to}@127.0.0.1>`, `Call-ID: scan-${process.pid}-${n}`, 'CSeq: 1 INVITE'],
    ...['Contact: <sip:scanner@127.0.0.1:5999>', 'Max-Forwards: 70', 'User-Agent: friendly-scanner'],
    ...['Content-Length: 0', '', ''],
  ].join('\r\n')
}
