/** `apel doctor`: looks at everything that the service stands on, with or without it running, and says each mend. */
import { colour as pc } from './colour.ts'
import { type Register, remote } from './command.ts'
import { acceptLedger } from './doctor/accept.ts'
import type { Finding } from './doctor/finding.ts'
import { Exit, json } from './io.ts'
import { problemLine } from './problems.ts'
import { configFile } from './project.ts'

export const doctor: Register = (program, io) => {
  remote(program.command('doctor').description('what is wrong with the set-up, and its mend; exit 1 on a failure'))
    .option('-c, --config <file>', 'configuration (default: ./apel.yaml if there is one, else the defaults)')
    .option('--json', 'print the findings as JSON')
    .option('--accept-empty-ledger', 'dial from the ledger that Redis holds now, though it is not the one known before')
    .action(
      async (options: {
        config?: string
        json?: boolean
        url?: string
        token?: string
        acceptEmptyLedger?: boolean
      }) => {
        const findings: Finding[] = []
        const found = async (finding: Finding): Promise<void> => {
          findings.push(finding)
          if (!options.json) await io.out(line(finding))
        }
        const file = configFile(options.config, io)
        const { loadConfig } = await import('../config.ts')
        const loaded = loadConfig(file, io.env)
        if ('problems' in loaded) {
          for (const problem of loaded.problems)
            await found({ state: 'fail', what: 'configuration', found: problemLine(problem, io.cwd), mend: null })
        } else {
          const { config, warnings } = loaded
          if (options.acceptEmptyLedger) return acceptLedger(config, io)
          const from = file === null ? 'none, the defaults hold' : file
          await found({ state: 'ok', what: 'configuration', found: from, mend: null })
          for (const problem of warnings)
            await found({ state: 'warn', what: 'configuration', found: problemLine(problem, io.cwd), mend: null })
          const { examinations } = await import('./doctor/examinations.ts')
          // One after another: each may use what the one before has learnt, and the lines come in a steady order.
          const context = { config, remote: options, io, running: false }
          for (const examine of examinations) for await (const finding of examine(context)) await found(finding)
        }
        if (options.json) await io.out(json(findings))
        if (findings.some((finding) => finding.state === 'fail')) throw new Exit(1)
      },
    )
}

function line({ state, what, found, mend }: Finding): string {
  const mark = { ok: pc.green('ok  '), warn: pc.yellow('warn'), fail: pc.red('fail') }[state]
  return `${mark}  ${what}: ${found}\n${mend === null ? '' : `      ${mend}\n`}`
}
