/** All commands together, and what becomes of their failures. */
import { Command, CommanderError } from 'commander'
import { batch } from './batch.ts'
import { callbacks } from './callbacks.ts'
import { calls } from './calls.ts'
import { campaign } from './campaign.ts'
import { check } from './check.ts'
import type { Register } from './command.ts'
import { control } from './control.ts'
import { dial } from './dial.ts'
import { dnc } from './dnc.ts'
import { doctor } from './doctor.ts'
import { explain } from './explain.ts'
import { graph } from './graph.ts'
import { init } from './init.ts'
import { Exit, type Io } from './io.ts'
import { number } from './number.ts'
import { replay } from './replay.ts'
import { serve } from './serve.ts'
import { show } from './show.ts'
import { simulate } from './simulate.ts'
import { test } from './test.ts'
import { webhooks } from './webhooks.ts'

/** In the order of the help: the service, its files, and then what speaks to it. */
const commands: Register[] = [
  ...[serve, init, check, test, simulate, graph, doctor],
  ...[campaign, batch, dial, calls, show, replay, explain, callbacks, dnc, number, webhooks, control],
]

/** Runs one command line (without `node` and the script) and answers its exit code. Never rejects. */
export async function run(args: readonly string[], io: Io, version: string): Promise<number> {
  const program = new Command('apel')
    .description('Calls people and answers them: campaigns, inbound numbers and conversations on Asterisk.')
    .version(version)
  settle(program, io)
  for (const register of commands) register(program, io)
  for (const command of everyCommand(program)) settle(command, io)
  try {
    await program.parseAsync([...args], { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    if (error instanceof Exit) {
      if (error.message !== '') io.err(`apel: ${error.message}\n`)
      return error.status
    }
    io.err(`apel: ${error instanceof Error ? error.message : String(error)}\n`)
    return 1
  }
}

function settle(command: Command, io: Io): void {
  command
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.out(text),
      writeErr: (text) => io.err(text),
    })
    .showHelpAfterError('(`--help` says more)')
}

function* everyCommand(command: Command): Iterable<Command> {
  for (const inner of command.commands) {
    yield inner
    yield* everyCommand(inner)
  }
}
