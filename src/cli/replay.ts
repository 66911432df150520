/**
 * `apel replay CALL [--flow FILE]`: a call's journal once more. By the version of the flow that held the call the effects must
 * be the same bit for bit (exit 0); by another one it shows where the conversation goes another way (exit 1).
 */
import { resolve } from 'node:path'
import type { Program } from '../flow/program.ts'
import { type Remote, seg } from './client.ts'
import { clientOf, print, type Register, remote, withJson } from './command.ts'
import { Exit, type Io } from './io.ts'
import { readText } from './project.ts'

interface Options extends Remote {
  journal?: string
  flow?: string
  json?: boolean
  config?: string
}

/** As `GET /v1/calls/{id}/journal` gives it. */
interface Kept {
  id: string
  entries: unknown
  texts: { path: string; text: string }[] | null
}

export const replay: Register = (program, io) => {
  withJson(
    remote(
      program
        .command('replay [call]')
        .description("a call's journal once more, by the flow that held it or by another version of it"),
    ),
  )
    .option('--journal <file>', 'a journal from a file instead of a call (what GET /v1/calls/CALL/journal answers)')
    .option('--flow <flow>', 'another version of the flow: its file, or a name in the folder of flows')
    .option('-c, --config <file>', 'configuration that names the folder of flows')
    .action(async (call: string | undefined, options: Options) => {
      if ((call === undefined) === (options.journal === undefined))
        throw new Exit(2, 'Name a call, or a file with --journal.')
      const kept =
        call === undefined ? fromFile(options.journal!, io) : await fromService(call, clientOf(options, io).get)
      await again(kept, options, io)
    })
}

async function again(kept: Kept, options: Options, io: Io): Promise<void> {
  const { compare, readJournal, replay } = await import('../flow/replay.ts')
  const { report } = await import('./replay/report.ts')
  const journal = readJournal(kept.entries)
  if (typeof journal === 'string') throw new Exit(1, `The call ${kept.id} cannot be replayed: ${journal}.`)
  const { flow, version } = journal.begin
  const then = await asItWas(flow, version, kept)
  const { loadOne } = await import('./one-flow.ts')
  const now =
    options.flow === undefined && then !== null
      ? null
      : await loadOne(options.flow ?? flow, options.config, io, 'replayed')
  const program = now ?? then!
  const result = now === null || now.version === version ? replay(program, journal) : compare(then, now, journal)
  const told = { call: kept.id, flow, version, by: program.version, ...result }
  await print(io, options.json, told, report)
  if (result.parts !== null || result.words !== null || result.stopped !== null) throw new Exit(1)
}

async function fromService(call: string, get: (path: string) => Promise<{ body: Kept }>): Promise<Kept> {
  return (await get(`/v1/calls/${seg(call)}/journal`)).body
}

function fromFile(file: string, io: Io): Kept {
  try {
    const { id = file, entries, texts = null } = JSON.parse(readText(resolve(io.cwd, file))) as Partial<Kept>
    return { id, entries, texts }
  } catch (error) {
    if (error instanceof Exit) throw error
    throw new Exit(2, `${file} is no journal: ${error instanceof Error ? error.message : error}.`)
  }
}

/** The flow that held the call; null when its texts are gone, or are none of that version. */
async function asItWas(flow: string, version: string, { texts }: Kept): Promise<Program | null> {
  if (texts === null) return null
  const { loadFlows } = await import('../flow/load.ts')
  const program = loadFlows(texts).programs.get(flow)
  return program?.version === version ? program : null
}
