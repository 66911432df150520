/** The arms by their names in tables. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Arm } from '../arm.ts'
import { ACCOUNT, CONTEXT, type Stage } from '../stage.ts'
import { productArm } from './product.ts'
import { programArm } from './program.ts'

const MAKERS = {
  native: (stage: Stage) => programArm('native', 'spool', { ...spooling(stage), extension: 'native' }),
  FastAGI: (stage: Stage) =>
    programArm('FastAGI', 'fast-agi', { ...spooling(stage), ...prompts(stage), port: stage.agi }),
  'ari-client': (stage: Stage) => programArm('ari-client', 'ari-client', { ...account(stage), ...prompts(stage) }),
  websocket: (stage: Stage) => programArm('websocket', 'websocket', { ...account(stage), ...prompts(stage) }),
  'apel, ari-client': (stage: Stage) => productArm('apel, ari-client', stage, { transport: 'ari-client' }),
  'apel, websocket': (stage: Stage) => productArm('apel, websocket', stage, { transport: 'websocket' }),
  'apel without journal': (stage: Stage) =>
    productArm('apel without journal', stage, { transport: 'websocket', journal: false }),
}

export type ArmName = keyof typeof MAKERS
export const ARMS = Object.keys(MAKERS) as ArmName[]
export const FLOOR: ArmName = 'native'
export const BARE: ArmName = 'ari-client'
export const PRODUCT: ArmName = 'apel, websocket'
export const UNJOURNALED: ArmName = 'apel without journal'

/** Starts an arm; it waits for orders. */
export async function startArm(name: ArmName, stage: Stage): Promise<Arm> {
  return await MAKERS[name](stage)
}

function spooling(stage: Stage): Record<string, string> {
  // Beside the spool, since a move between file systems is none.
  const drafts = join(stage.spool, '../drafts')
  mkdirSync(drafts, { recursive: true })
  return { spool: stage.spool, drafts, context: CONTEXT }
}

const prompts = ({ question, answer }: Stage) => ({ question, answer })
const account = ({ asterisk }: Stage) => ({ url: asterisk.url, ...ACCOUNT })
