/** `http: { method, url, … }` asks a service. 2xx is `ok`; keys are kept for the next question meanwhile. */

import { ANSWER_TYPES, keepAnswer, succeeded } from '../answer.ts'
import { leave } from '../going.ts'
import type { Step, ValueType } from '../program.ts'
import { buildRequest, makeRequest, type Request, requestShape } from '../request.ts'
import { fields, variable } from '../schema.ts'
import { scopeOf } from '../scope.ts'
import { arm, nextId, type Turn } from '../turn.ts'
import type { Verb } from '../verb.ts'

interface Http {
  request: Request
  timeout: number
  save: { name: string; type: ValueType } | null
}

/** The driver ends a request in time; should it ever not, the call goes on all the same. */
const GRACE = 2000
const { headers, json, timeout } = requestShape

export const httpVerb: Verb<Http> = {
  name: 'http',
  shape: {
    http: fields({ ...requestShape, save: variable.optional() }),
    headers,
    json,
    timeout,
    save: variable.optional(),
  },
  outcomes: ['ok', 'error', 'timeout'],
  goesOn: false,
  build(raw, b) {
    const beside = Object.fromEntries(
      ['headers', 'json', 'timeout'].filter((name) => raw[name] !== undefined).map((name) => [name, raw[name]]),
    )
    const request = buildRequest({ ...raw.http, ...beside }, b, 'http')
    const name: string | undefined = raw.save ?? raw.http.save
    const where = raw.save === undefined ? ['http', 'save'] : ['save']
    const type = name === undefined ? null : b.saved(name, ANSWER_TYPES, 'an answer', ...where)
    return {
      request,
      timeout: request.timeout ?? 5000,
      save: name === undefined ? null : { name, type: type ?? 'any' },
    }
  },
  enter(turn, { node }: Step<Http>) {
    const id = nextId(turn, 'h')
    turn.s.act = { id }
    const request = makeRequest(node.request, scopeOf(turn.program, turn.s))
    turn.out.push({ type: 'http', id, request, timeout: node.timeout })
    arm(turn, 'guard', node.timeout + GRACE)
  },
  on(turn, { node }: Step<Http>, event) {
    if (event.type === 'timer' && event.slot === 'guard') return leave(turn, 'timeout')
    if (event.type !== 'http' || event.id !== (turn.s.act as { id: string } | null)?.id) return
    finish(turn, node, event)
  },
  silence: (node) => node.timeout,
}

function finish(turn: Turn, node: Http, event: Parameters<typeof succeeded>[0]): void {
  turn.s.act = null
  if (!succeeded(event)) return leave(turn, event.result === 'timeout' ? 'timeout' : 'error')
  keepAnswer(turn, node.save, event.body)
  leave(turn, 'ok')
}
