/**
 * `apel test [PATH…]`: conversation tests on the simulator, or with `--live` on a real line as well, and what no test went
 * through; exit 1 on a failure.
 */
import { InvalidArgumentError, Option } from 'commander'
import { parseDuration } from '../flow/duration.ts'
import type { Register } from './command.ts'
import { Exit, json } from './io.ts'
import { findTests } from './test/files.ts'
import { onLines } from './test/live.ts'

export const test: Register = (program, io) => {
  program
    .command('test [paths...]')
    .description('run conversation tests on the simulator; exit 1 on a failure')
    .addOption(new Option('--reporter <reporter>', 'how').choices(['human', 'tap']).default('human'))
    .option('--coverage <percent>', 'fail when less of the flows is covered, such as 100', percentage)
    .option('--json', 'print the results as JSON')
    .option('-c, --config <file>', 'configuration that names the folder of flows')
    .option(
      '--live',
      'hold them on a real line: a service of their own, with Asterisk and phones that follow the scripts',
    )
    .option('--longest <duration>', 'skip what takes longer on a line, such as 90s', duration, 300_000)
    .option('--at-once <calls>', 'calls at once on the line', count, 20)
    .option('--journals <folder>', 'keep the journals of the live calls there')
    .option('--log <level>', "show the service's own log: warn, info, debug", 'silent')
    .action(async (paths: string[], options: Options) => {
      const found = findTests(paths, options.config, io)
      const { runSuites } = await import('./test/suite.ts')
      const { human, record, tap, totals } = await import('./test/reporters.ts')
      const results = await runSuites(found, options.live ? await onLines(options, io) : undefined)
      await io.out(
        options.json
          ? json(record(results))
          : options.reporter === 'tap'
            ? tap(results, io.cwd)
            : human(results, io.cwd),
      )
      const { failed, coverage } = totals(results)
      if (failed > 0) throw new Exit(1)
      const wanted = options.coverage ?? 0
      if (coverage < wanted)
        throw new Exit(1, `${Math.floor(coverage * 10) / 10} % is covered, ${wanted} % is asked for.`)
    })
}

interface Options {
  reporter: 'human' | 'tap'
  coverage?: number
  json?: boolean
  config?: string
  live?: boolean
  longest: number
  atOnce: number
  journals?: string
  log: string
}

function duration(text: string): number {
  const ms = parseDuration(text)
  if (ms === null) throw new InvalidArgumentError('write a duration as 90s or 5m.')
  return ms
}

function count(text: string): number {
  if (!/^[1-9]\d{0,2}$/.test(text)) throw new InvalidArgumentError('write a number from 1 to 999.')
  return Number(text)
}

function percentage(text: string): number {
  const value = Number(text.replace(/%$/, ''))
  if (!/^\d{1,3}(\.\d+)?%?$/.test(text) || value > 100) throw new InvalidArgumentError('write a number from 0 to 100.')
  return value
}
