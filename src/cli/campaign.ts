/** `apel campaign …`: everything that is done with one campaign by its name. */

import { apply } from './campaign/apply.ts'
import { control } from './campaign/control.ts'
import { forecast } from './campaign/forecast.ts'
import { importContacts } from './campaign/import.ts'
import { results } from './campaign/results.ts'
import { status } from './campaign/status.ts'
import type { Register } from './command.ts'

export const campaign: Register = (program, io) => {
  const group = program.command('campaign').description('make, feed, start and watch a campaign')
  for (const register of [apply, importContacts, control, status, results, forecast]) register(group, io)
}
