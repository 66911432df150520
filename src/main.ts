#!/usr/bin/env node
/** The program `apel`. The one place that hands the process to the rest: arguments, environment, streams, exit code. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from './cli/program.ts'
import { projectRoot } from './embedded/tools.ts'

const { version } = JSON.parse(readFileSync(join(projectRoot(), 'package.json'), 'utf8')) as {
  version: string
}

// A reader that closes early (`apel campaign results … | head`) is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})

// Who read what is for people has gone (Ctrl-C ends the `tee` behind a pipe, too), or the disk of the log is full: there is
// nobody to complain to, and a service with calls on does not end for that.
process.stderr.on('error', () => {})

process.exitCode = await run(
  process.argv.slice(2),
  {
    out: async (text) => {
      if (!process.stdout.write(text)) await once(process.stdout, 'drain')
    },
    err: (text) => process.stderr.write(text),
    env: process.env,
    terminal: process.stdout.isTTY === true,
    cwd: process.cwd(),
  },
  version,
)

// A socket or a timer that a part left behind must not keep a finished program alive.
setTimeout(() => process.exit(), 2_000).unref()
