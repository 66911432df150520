/** The feeder of the arms that Asterisk itself dials: one call file a call, written beside and moved into its folder. */
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { serve, settings } from './child.ts'

const { spool, drafts, context, extension } = settings<Record<'spool' | 'drafts' | 'context' | 'extension', string>>()

serve(async (number) => {
  const draft = join(drafts, number)
  writeFileSync(
    draft,
    `Channel: PJSIP/${number}@carrier
CallerID: <+40311234567>
WaitTime: 15
MaxRetries: 0
Context: ${context}
Extension: ${extension}
Priority: 1
`,
  )
  renameSync(draft, join(spool, number))
})
