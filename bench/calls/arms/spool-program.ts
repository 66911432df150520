/** The feeder of the arms that Asterisk itself dials: one call file a call. */
import { type Spool, spoolCall } from './call-file.ts'
import { serve, settings } from './child.ts'

const { extension, ...spool } = settings<Spool & { extension: string }>()

serve(async (number) => spoolCall(spool, extension, number))
