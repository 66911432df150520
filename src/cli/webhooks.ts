/** `apel webhooks list|replay`: letters that no receiver took. */
import { seg } from './client.ts'
import { clientOf, print, type Register, remote, wholeNumber, withJson } from './command.ts'
import { Exit } from './io.ts'
import { count, table, when } from './show-text.ts'

export const webhooks: Register = (program, io) => {
  const group = program.command('webhooks').description('letters that a webhook would not take')

  withJson(remote(group.command('list').description('those that were given up, newest first')))
    .option('--limit <count>', 'at most so many', wholeNumber, 1000)
    .action(async (options) => {
      await print(io, options.json, await clientOf(options, io).all('/v1/webhooks/dead', options.limit), (items) =>
        table(items, {
          id: (one) => one.id,
          event: (one) => one.event,
          at: (one) => when(one.at),
          to: (one) => one.url,
          tries: (one) => one.tries,
          'given up': (one) => when(one.died_at),
          reason: (one) => one.reason,
        }),
      )
    })

  withJson(remote(group.command('replay [id]').description('send one again, or all of them')))
    .option('--all', 'every one that is there')
    .action(async (id: string | undefined, options) => {
      if ((id === undefined) === (options.all === undefined)) throw new Exit(2, 'Name one letter, or write --all.')
      const client = clientOf(options, io)
      const ids = id === undefined ? (await client.all('/v1/webhooks/dead')).map((letter) => String(letter.id)) : [id]
      for (const each of ids) await client.send('POST', `/v1/webhooks/dead/${seg(each)}/replay`)
      await print(io, options.json, { replayed: ids }, () => `${count(ids.length, 'letter')} in line again.`)
    })
}
