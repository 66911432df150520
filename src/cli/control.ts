/** `apel stop` and `apel resume`: the one switch over all dialling. */
import { clientOf, print, type Register, remote, withJson } from './command.ts'

export const control: Register = (program, io) => {
  const add = (name: 'stop' | 'resume', description: string, done: string): void => {
    withJson(remote(program.command(name).description(description))).action(async (options) => {
      const { body } = await clientOf(options, io).send('POST', `/v1/${name}`)
      await print(io, options.json, body, () => done)
    })
  }
  add('stop', 'no new call anywhere until `apel resume`', 'No new call is made until `apel resume`.')
  add('resume', 'dialling goes on after `apel stop`', 'Dialling goes on.')
}
