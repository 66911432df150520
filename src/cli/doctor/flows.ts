/** The flows and campaigns, as `apel check` sees them, and the numbers that may be dialled at all. */

import { findFiles } from '../check/files.ts'
import { checkProject } from '../check/project.ts'
import { count } from '../show-text.ts'
import { type Examination, fail, ok, warn } from './finding.ts'

export const flows: Examination = async function* ({ config, io }) {
  if (config.policy.allow.length === 0)
    yield warn('policy', 'nothing may be dialled', 'List the prefixes that may be, in `policy.allow`.')
  else yield ok('policy', `may dial ${config.policy.allow.join(', ')}`)
  const files = await Promise.resolve()
    .then(() => findFiles([config.flows], config.file ?? undefined, io))
    .catch(() => null)
  if (files === null) {
    yield warn('flows', `there are none in ${config.flows}`, 'Write one, or begin with `apel init`.')
    return
  }
  const problems = await checkProject(files, io)
  const errors = problems.filter((problem) => problem.severity === 'error').length
  const text = `${count(files.asked.length, 'file')}, ${count(errors, 'error')}`
  if (errors > 0) yield fail('flows', text, '`apel check` names them with their places.')
  else yield ok('flows', text)
}
