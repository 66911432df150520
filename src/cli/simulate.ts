/**
 * `apel simulate FLOW [--contact k=v…]`: a conversation in the terminal, on a virtual clock. What is typed is done by the
 * other side at its moment; `--script FILE` does it unattended, exit 1 when an item of it never comes.
 */
import { createReadStream } from 'node:fs'
import { resolve } from 'node:path'
import { InvalidArgumentError, Option } from 'commander'
import { keyValue, type Register } from './command.ts'
import { Exit, type Io, json } from './io.ts'
import { problemLine } from './problems.ts'
import { readText } from './project.ts'

interface Options {
  contact?: Record<string, unknown>
  var?: Record<string, unknown>
  inbound?: boolean
  number?: string
  now?: number
  amd: 'human' | 'machine' | 'unsure'
  script?: string
  json?: boolean
  config?: string
}

export const simulate: Register = (program, io) => {
  program
    .command('simulate <flow>')
    .description('a conversation in the terminal; FLOW is a name or a file')
    .option('--contact <name=value...>', 'a column of the contact; may be repeated', keyValue)
    .option('--var <name=value...>', 'a variable of the flow; NAME:=JSON for other than text', keyValue)
    .option('--inbound', 'they call us')
    .option('--number <number>', 'the number of the other side, "" when it is withheld', number)
    .option('--now <time>', 'when it begins (default: Monday 2026-01-05 10:00 in Bucharest)', instant)
    .addOption(new Option('--amd <verdict>', 'who answers').choices(['human', 'machine', 'unsure']).default('human'))
    .option('--script <file>', 'what the other side does, as typed, or as the script of a conversation test')
    .option('--json', 'print the conversation and its result as JSON')
    .option('-c, --config <file>', 'configuration that names the folder of flows')
    .action((name: string, options: Options) => rehearse(name, options, io))
}

async function rehearse(name: string, options: Options, io: Io): Promise<void> {
  const { loadOne } = await import('./one-flow.ts')
  const { Rehearsal, TEST_NOW } = await import('../flow/simulate.ts')
  const { contextOf } = await import('../flow/conversation-test-file.ts')
  const { converse, narrator, summary, unattended } = await import('./simulate/conversation.ts')
  const flow = await loadOne(name, options.config, io, 'simulated')
  for (const name of Object.keys(options.var ?? {}))
    if (name !== 'language' && !Object.hasOwn(flow.types, name))
      throw new Exit(2, `The flow ${flow.flow} has no variable ${name}.`)
  const items = options.script === undefined ? null : await readFile(options.script, io)
  const texts = Object.entries(options.contact ?? {}).map(([k, v]) => [k, String(v)] as const)
  const call = { direction: options.inbound ? ('inbound' as const) : ('outbound' as const) }
  const context = contextOf(
    {
      contact: Object.fromEntries(texts),
      vars: options.var ?? {},
      call: { ...call, ...(options.number === undefined ? {} : { number: options.number }) },
    },
    (_code, message) => {
      throw new Exit(2, message)
    },
  )
  const amd = items?.find((item) => 'amd' in item)
  const verdict = amd && 'amd' in amd ? amd.amd : options.amd
  const rehearsal = new Rehearsal(flow, { context, now: options.now ?? TEST_NOW, verdict })
  const show = narrator(io, rehearsal.stage.lines, options.json === true)
  let left: Awaited<ReturnType<typeof unattended>> = []
  if (items !== null) left = await unattended(rehearsal, items, show)
  else {
    const input =
      options.script === undefined ? (io.input ?? process.stdin) : createReadStream(resolve(io.cwd, options.script))
    const late = await converse(rehearsal, input, io, show, { file: options.script !== undefined })
    if (late === null) return
    if (options.script !== undefined) left = late
  }
  const end = rehearsal.finish(left)
  await show()
  const { result, lines, duration, unmet, unused, errors } = end
  await io.out(
    options.json ? json({ result, duration, unmet: [...unmet, ...unused], errors, conversation: lines }) : summary(end),
  )
  if (unmet.length + unused.length > 0) throw new Exit(1)
}

/** The items of a script; null for a file with lines as they would be typed. */
async function readFile(given: string, io: Io) {
  const { readScript } = await import('../flow/conversation-test-file.ts')
  const file = resolve(io.cwd, given)
  const text = readText(file)
  if (!/^\s*(#.*\n\s*)*(-\s|\[|[A-Za-z_]+\s*:)/.test(text)) return null
  const { script, problems } = readScript(file, text)
  for (const problem of problems) io.err(`${problemLine(problem, io.cwd)}\n`)
  if (problems.length > 0) throw new Exit(2, `${given} cannot be played.`)
  return script.map(({ item }) => item)
}

function number(text: string): string {
  if (!/^(\+\d{5,15})?$/.test(text)) throw new InvalidArgumentError('write a number such as +40712345678.')
  return text
}

function instant(text: string): number {
  if (!/^\d{4}-\d\d-\d\dT/.test(text) || Number.isNaN(Date.parse(text)))
    throw new InvalidArgumentError('write a time such as 2026-01-05T10:00:00+02:00.')
  return Date.parse(text)
}
