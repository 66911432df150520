/** Call files: Asterisk dials what is moved into its spool folder, so each is written beside it first. */
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Spool {
  spool: string
  /** On the same disk as the spool. */
  drafts: string
  context: string
}

/** Has Asterisk call this number and lead the answered call into the context's `extension`. */
export function spoolCall({ spool, drafts, context }: Spool, extension: string, number: string): void {
  const draft = join(drafts, number)
  const lines = [
    `Channel: PJSIP/${number}@carrier`,
    'CallerID: <+40311234567>',
    'WaitTime: 15',
    'MaxRetries: 0',
    `Context: ${context}`,
    `Extension: ${extension}`,
    'Priority: 1',
  ]
  writeFileSync(draft, `${lines.join('\n')}\n`)
  renameSync(draft, join(spool, number))
}
