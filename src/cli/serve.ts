/**
 * `apel serve`: the service itself. A first signal drains, a second one hurries; the exit code is 0 either way. SIGHUP
 * reads flows and campaigns again.
 */
import { resolve } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { ApelError } from '../errors.ts'
import type { startService } from '../service.ts'
import type { Register } from './command.ts'
import { Exit } from './io.ts'
import { problemLine } from './problems.ts'
import { configFile } from './project.ts'
import { count } from './show-text.ts'

/** A start that only another configuration mends. */
const MISUSED = new Set(['instance_taken', 'data_dir'])

/**
 * By default V8 lets the heap grow fourfold between two collections and its nursery to 48 MB: an import would take 280 MB
 * for rows that are gone the moment they are read. A third as much again and a small nursery keep the service at half of
 * that, for a fifth more processor time in an import. A small nursery is collected in half a millisecond: to wake four
 * threads for that costs more than the work, a quarter of all that a call cost here.
 */
function stayLean(): void {
  for (const flag of ['--heap-growing-percent=35', '--semi-space-growth-factor=1', '--no-parallel-scavenge'])
    setFlagsFromString(flag)
}

export const serve: Register = (program, io) => {
  program
    .command('serve')
    .description('run the service; SIGTERM drains it, a second one hurries')
    .option('-c, --config <file>', 'configuration (default: ./apel.yaml if there is one, else the defaults)')
    .action(async (options: { config?: string }) => {
      stayLean()
      const file = configFile(options.config, io)
      const { loadConfig } = await import('../config.ts')
      const loaded = loadConfig(file, io.env)
      if ('problems' in loaded) {
        for (const problem of loaded.problems) io.err(`${problemLine(problem, io.cwd)}\n`)
        throw new Exit(2, 'The configuration has errors; nothing was started.')
      }
      const { config, warnings } = loaded
      for (const problem of warnings) io.err(`${problemLine(problem, io.cwd)}\n`)
      const say = (line: string): void => io.err(`${line}\n`)
      say(file === null ? 'apel: no configuration file, using the defaults' : `apel: using ${resolve(file)}`)

      // Signals that come while the parts are still starting are kept until there is something to drain; one that waits gives up.
      const stopping = new AbortController()
      let service: Awaited<ReturnType<typeof startService>> | null = null
      let signals = 0
      const obey = (): void => {
        if (service === null || signals === 0) return
        void (signals === 1 ? service.drain() : service.hurry())
      }
      const onSignal = (): void => {
        signals++
        stopping.abort()
        say(signals === 1 ? 'apel: no new call; waiting for those that are on' : 'apel: ending the calls that are on')
        obey()
      }
      const onHup = (): void => {
        if (service === null) return
        service.reload().then(
          ({ flows, campaigns, problems, config_changed }) => {
            for (const problem of problems) say(problemLine(problem, io.cwd))
            say(`apel: read again: ${count(flows, 'flow')}, ${count(campaigns, 'campaign')}`)
            if (config_changed) say(`apel: ${config.file} has changed since the start; it is read at a start only`)
          },
          (error: Error) => say(`apel: nothing was read again: ${error.message}`),
        )
      }
      process.on('SIGHUP', onHup)
      process.on('SIGTERM', onSignal)
      process.on('SIGINT', onSignal)
      try {
        const { makeLog } = await import('../log.ts')
        const { startService } = await import('../service.ts')
        do {
          const options = { stopped: stopping.signal }
          service = await startService(config, makeLog(config.log.level), say, options).catch((error: unknown) => {
            if (error instanceof ApelError && MISUSED.has(error.code)) throw new Exit(2, error.message)
            if (error instanceof ApelError && error.code === 'stopped') throw new Exit(0)
            throw error
          })
          say(`apel: the API answers at ${service.url}`)
          obey()
          // Its calls were taken over while it slept: a new start under a new name in Asterisk.
        } while ((await service.closed) === 'again')
      } finally {
        process.off('SIGHUP', onHup)
        process.off('SIGTERM', onSignal)
        process.off('SIGINT', onSignal)
      }
    })
}
