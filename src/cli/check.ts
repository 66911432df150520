/** `apel check [PATH…]`: flows, campaigns and the configuration; every fault with its place, exit 1 on an error. */
import { readFileSync } from 'node:fs'
import type { Problem } from '../errors.ts'
import { findFiles } from './check/files.ts'
import type { Register } from './command.ts'
import { Exit, json } from './io.ts'
import { excerpt, problemLine } from './problems.ts'
import { count } from './show-text.ts'

export const check: Register = (program, io) => {
  program
    .command('check [paths...]')
    .description('check flows, campaigns and configuration; exit 1 on an error')
    .option('-c, --config <file>', 'configuration (default: ./apel.yaml if there is one)')
    .option('--json', 'print the faults as JSON')
    .option('--schema', 'print the JSON Schema of flows, for editors, and check nothing')
    .action(async (paths: string[], options: { config?: string; json?: boolean; schema?: boolean }) => {
      if (options.schema) {
        const { flowSchemaText } = await import('../flow/json-schema.ts')
        return await io.out(flowSchemaText())
      }
      const { checkProject } = await import('./check/project.ts')
      const files = findFiles(paths, options.config, io)
      const problems = (await checkProject(files, io)).sort(
        (a, b) => order(a.file, b.file) || a.line - b.line || a.column - b.column,
      )
      await io.out(options.json ? json(problems) : inText(problems, io.cwd))
      const errors = problems.filter((problem) => problem.severity === 'error').length
      io.err(
        `${count(files.asked.length, 'file')}, ${count(errors, 'error')}, ${count(problems.length - errors, 'warning')}\n`,
      )
      if (errors > 0) throw new Exit(1)
    })
}

const order = (a: Problem['file'], b: Problem['file']): number => (a < b ? -1 : a > b ? 1 : 0)

function inText(problems: Problem[], cwd: string): string {
  const texts = new Map<string, string>()
  for (const { file, code } of problems)
    if (code !== 'unreadable' && !texts.has(file)) texts.set(file, readFileSync(file, 'utf8'))
  return problems.map((one) => `${problemLine(one, cwd)}\n${excerpt(texts.get(one.file) ?? '', one)}`).join('')
}
