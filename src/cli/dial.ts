/** `apel dial NUMBER --flow FLOW`: one call, watched step by step to its end. */

import { type Client, seg } from './client.ts'
import { colour as pc } from './colour.ts'
import { clientOf, keyValue, type Register, remote, withJson } from './command.ts'
import { Exit, type Io, json } from './io.ts'
import { callFacts } from './show.ts'

interface Call extends Record<string, unknown> {
  id: string
  state: string
  answered_at: string | null
  disposition: string | null
  steps: { at: string; step: string; event: string }[]
}

export const dial: Register = (program, io) => {
  withJson(
    remote(program.command('dial <number>').description('one call, watched to its end; exit 1 if nobody answered')),
  )
    .requiredOption('--flow <flow>', 'the flow that holds the conversation')
    .option('--var <name=value>', 'a variable of the flow; NAME:=JSON for other than text; may be repeated', keyValue)
    .option('--trunk <trunk>', 'the trunk to take')
    .action(async (number: string, options) => {
      const client = clientOf(options, io)
      const { flow, trunk, var: vars = {} } = options
      const { body } = await client.send('POST', '/v1/calls', { to: number, flow, vars, ...(trunk ? { trunk } : {}) })
      const call = await watch(client, body.id, io)
      await io.out(options.json ? json(call) : `${callFacts(call)}\n`)
      if (call.answered_at === null) throw new Exit(1)
    })
}

/** Asks again and again rather than listening: nothing is missed when the link breaks for a moment. */
async function watch(client: Client, id: string, io: Io): Promise<Call> {
  let shown = 0
  let state = ''
  let away = 0
  for (;;) {
    let call: Call | null = null
    try {
      call = (await client.get(`/v1/calls/${seg(id)}`)).body as Call
      away = 0
    } catch (error) {
      if (!(error instanceof Exit) || error.status !== 3 || ++away > 40) throw error
    }
    if (call) {
      if (call.state !== state && call.state !== 'ended')
        io.err(`${pc.dim(clock(new Date().toISOString()))} ${call.state}\n`)
      state = call.state
      for (const { at, step, event } of call.steps.slice(shown))
        io.err(`${pc.dim(clock(at))} ${pc.bold(step)} ${event}\n`)
      shown = call.steps.length
      if (call.state === 'ended') return call
    }
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
}

const clock = (at: string): string => new Date(at).toTimeString().slice(0, 8)
