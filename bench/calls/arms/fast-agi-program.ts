/** A FastAGI server with `ding-dong`, and beside it the feeder of call files: one process, as one would write it. */
import AgiServer from 'ding-dong'
import { type Spool, spoolCall } from './call-file.ts'
import { serve, settings } from './child.ts'

const { port, question, answer, ...spool } = settings<Spool & { question: string; answer: string; port: number }>()

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

serve(async (number) => spoolCall(spool, 'agi', number))
