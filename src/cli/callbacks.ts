/** `apel callbacks list|cancel|move`. */
import { seg } from './client.ts'
import { clientOf, laterTime, print, type Register, remote, wholeNumber, withJson } from './command.ts'
import { table, when } from './show-text.ts'

export const callbacks: Register = (program, io) => {
  const group = program.command('callbacks').description('later calls that were agreed on')

  withJson(remote(group.command('list').description('callbacks by their time')))
    .option('--campaign <name>', 'only of this campaign')
    .option('--number <number>', 'only for this number')
    .option('--state <state>', 'only in this state')
    .option('--limit <count>', 'at most so many', wholeNumber, 1000)
    .action(async (options) => {
      const filters = ['campaign', 'number', 'state']
        .filter((name) => options[name] !== undefined)
        .map((name) => `${name}=${seg(options[name])}`)
      const path = `/v1/callbacks${filters.length > 0 ? `?${filters.join('&')}` : ''}`
      await print(io, options.json, await clientOf(options, io).all(path, options.limit), (items) =>
        table(items, {
          id: (one) => one.id,
          number: (one) => one.number,
          campaign: (one) => one.campaign,
          due: (one) => when(one.due_at),
          expires: (one) => when(one.expires_at),
          state: (one) => one.state,
          note: (one) => one.note,
        }),
      )
    })

  remote(group.command('cancel <id>').description('no such call will be made')).action(async (id, options) => {
    await clientOf(options, io).send('DELETE', `/v1/callbacks/${seg(id)}`)
    await io.out(`${id} is cancelled.\n`)
  })

  withJson(remote(group.command('move <id>').description('to another time')))
    .argument('<time>', 'RFC 3339, or a duration from now such as 30m', laterTime)
    .action(async (id, due_at, options) => {
      const { body } = await clientOf(options, io).send('PATCH', `/v1/callbacks/${seg(id)}`, { due_at })
      await print(io, options.json, body, (one) => `${id} is due ${when(one.due_at)}.`)
    })
}
