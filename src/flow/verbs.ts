/** The verbs of the language, each in its own file, with the full shape of a step that uses it. */

import type { z } from 'zod'
import { common, fields, outcomes } from './schema.ts'
import type { Verb } from './verb.ts'
import { branchVerb } from './verbs/branch.ts'
import { callVerb } from './verbs/call.ts'
import { callbackVerb } from './verbs/callback.ts'
import { dialVerb } from './verbs/dial.ts'
import { gatherVerb } from './verbs/gather.ts'
import { gotoVerb } from './verbs/goto.ts'
import { hangupVerb } from './verbs/hangup.ts'
import { holdVerb } from './verbs/hold.ts'
import { httpVerb } from './verbs/http.ts'
import { listenVerb } from './verbs/listen.ts'
import { menuVerb } from './verbs/menu.ts'
import { optOutVerb } from './verbs/opt-out.ts'
import { pauseVerb } from './verbs/pause.ts'
import { pressVerb } from './verbs/press.ts'
import { recordVerb } from './verbs/record.ts'
import { returnVerb } from './verbs/return.ts'
import { sayVerb } from './verbs/say.ts'
import { setVerb } from './verbs/set.ts'
import { strategiesVerb } from './verbs/strategies.ts'
import { voicemailVerb } from './verbs/voicemail.ts'

// biome-ignore lint/suspicious/noExplicitAny: each verb knows its own node.
const ALL: Verb<any>[] = [
  sayVerb,
  menuVerb,
  gatherVerb,
  listenVerb,
  recordVerb,
  holdVerb,
  dialVerb,
  callbackVerb,
  voicemailVerb,
  strategiesVerb,
  callVerb,
  branchVerb,
  setVerb,
  httpVerb,
  optOutVerb,
  pressVerb,
  pauseVerb,
  gotoVerb,
  returnVerb,
  hangupVerb,
]

export interface KnownVerb {
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  verb: Verb<any>
  schema: z.ZodType
  properties: string[]
}

export const verbs: ReadonlyMap<string, KnownVerb> = new Map(
  ALL.map((verb) => {
    const shape = { ...verb.shape, ...common, ...(verb.outcomes.length > 0 ? { on: outcomes(verb.outcomes) } : {}) }
    return [verb.name, { verb, schema: fields(shape), properties: Object.keys(shape) }]
  }),
)
