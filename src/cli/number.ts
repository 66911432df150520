/** `apel number export|erase NUMBER`: everything that is kept of a number. */
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { seg } from './client.ts'
import { clientOf, type Register, remote } from './command.ts'
import { json } from './io.ts'

export const number: Register = (program, io) => {
  const group = program.command('number').description('what is kept of one number')

  remote(group.command('export <number>').description('all of it, as JSON'))
    .option('--json', 'the same')
    .option('-o, --output <file>', 'write into a file')
    .action(async (number: string, options) => {
      const { body } = await clientOf(options, io).get(`/v1/numbers/${seg(number)}`)
      if (options.output === undefined) await io.out(json(body))
      else writeFileSync(resolve(io.cwd, options.output), json(body))
    })

  remote(group.command('erase <number>').description('all of it, but its do-not-call entries')).action(
    async (number: string, options) => {
      await clientOf(options, io).send('DELETE', `/v1/numbers/${seg(number)}`)
      await io.out('The number is erased. Its do-not-call entries stay.\n')
    },
  )
}
