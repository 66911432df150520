/** All examinations in their order: first what the others stand on. */
import { asterisk } from './asterisk.ts'
import { clock } from './clock.ts'
import { dataFolder } from './data-folder.ts'
import type { Examination } from './finding.ts'
import { flows } from './flows.ts'
import { redis } from './redis.ts'
import { portsAndService } from './service.ts'
import { speech } from './speech.ts'

export const examinations: Examination[] = [dataFolder, portsAndService, redis, clock, speech, asterisk, flows]
