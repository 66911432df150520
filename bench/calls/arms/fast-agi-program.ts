/** A FastAGI server with `ding-dong`, and beside it the feeder of call files: one process, as one would write it. */
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import AgiServer from 'ding-dong'
import { serve, settings } from './child.ts'

const { spool, drafts, context, port, question, answer } = settings<
  Record<'spool' | 'drafts' | 'context' | 'question' | 'answer', string> & { port: number }
>()

const server = new AgiServer(
  (call) => {
    const lead = async (): Promise<void> => {
      await call.onEvent('variables')
      const { result } = await call.streamFile(question, '1')
      if (result !== '0') await call.streamFile(answer, '""')
      await call.hangup()
      await call.end()
    }
    call.on('error', () => undefined)
    lead().catch((error: Error) => console.error(error.message))
  },
  { port, host: '127.0.0.1' },
)
server.start()

serve(async (number) => {
  const draft = join(drafts, number)
  writeFileSync(
    draft,
    `Channel: PJSIP/${number}@carrier
CallerID: <+40311234567>
WaitTime: 15
MaxRetries: 0
Context: ${context}
Extension: agi
Priority: 1
`,
  )
  renameSync(draft, join(spool, number))
})
