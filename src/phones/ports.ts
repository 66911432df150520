/**
 * Ports that nobody uses right now, for servers of a test. They are taken from below the range that the kernel gives
 * to outgoing connections, since one of those could land on it between this look and the server's start; and no port
 * is given out twice by one process.
 */
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'

export type PortKind = 'udp' | 'tcp'

const FROM = 12_000
const TO = 32_000
const given = new Set<number>()

/** One free port of 127.0.0.1. */
export async function freePort(kind: PortKind): Promise<number> {
  return (await freeRange(kind, 1)).from
}

/** `size` free ports in a row, beginning with an even one, as RTP wants them. */
export async function freeRange(kind: PortKind, size: number): Promise<{ from: number; to: number }> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const from = FROM + 2 * Math.floor((Math.random() * (TO - FROM - size)) / 2)
    const ports = Array.from({ length: size }, (_, index) => from + index)
    if (ports.some((port) => given.has(port))) continue
    for (const port of ports) given.add(port)
    if ((await Promise.all(ports.map((port) => (kind === 'udp' ? udpFree(port) : tcpFree(port))))).every(Boolean)) {
      return { from, to: from + size - 1 }
    }
  }
  throw new Error(`no ${size} free ${kind} ports between ${FROM} and ${TO}`)
}

function udpFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4')
    socket.once('error', () => socket.close(() => resolve(false)))
    // All addresses: somebody on 0.0.0.0 is in the way of 127.0.0.1, too.
    socket.bind({ port, exclusive: true }, () => socket.close(() => resolve(true)))
  })
}

function tcpFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, exclusive: true }, () => server.close(() => resolve(true)))
  })
}
