/** How far an upload is: rows, rows a second, time left. On a terminal a bar, elsewhere a line now and then. */
import { Transform } from 'node:stream'
import cliProgress from 'cli-progress'
import type { Io } from './io.ts'

const SLOW = 2000

export interface Progress {
  stream: Transform
  stop(): void
}

/** `size` is what will pass, bytes; `header`: the first line is no row. */
export function watched(size: number, header: boolean, io: Io): Progress {
  const begun = Date.now()
  let bytes = 0
  let lines = 0
  const rows = (): number => Math.max(0, header ? lines - 1 : lines)
  const rate = (): number => Math.round((rows() * 1000) / Math.max(1, Date.now() - begun))
  const left = (): number => Math.ceil(((size - bytes) * (Date.now() - begun)) / Math.max(1, bytes) / 1000)
  const line = (): string =>
    `${Math.floor((bytes / Math.max(1, size)) * 100)} %, ${rows()} rows, ${rate()} rows a second, ${left()} s left`
  const bar = io.terminal
    ? new cliProgress.SingleBar({
        stream: process.stderr,
        hideCursor: true,
        clearOnComplete: false,
        format: (options, { progress }) => `${cliProgress.Format.BarFormat(progress, options)} ${line()}`,
      })
    : null
  bar?.start(size, 0)
  const timer = bar ? null : setInterval(() => io.err(`${line()}\n`), SLOW)
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines++
      bar?.update(bytes)
      done(null, chunk)
    },
  })
  return {
    stream,
    stop() {
      bar?.stop()
      if (timer) clearInterval(timer)
      if (!bar) io.err(`${line()}\n`)
    },
  }
}
