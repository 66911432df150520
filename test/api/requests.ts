/** Requests that nobody meant: any path of a description, filled with what breaks careless servers. */
import fc from 'fast-check'

export interface Description {
  paths: Record<
    string,
    Record<string, { parameters?: { in: string; name: string }[]; requestBody?: { content: object } }>
  >
}

export interface OddRequest {
  method: string
  url: string
  headers: Record<string, string>
  body: string | null
}

const odd = fc.constantFrom(
  '',
  '0',
  '-1',
  'null',
  '+40711111111',
  '1&PJSIP/2',
  '../..',
  '%00',
  '\u0000',
  '💥',
  'a'.repeat(300),
  '__proto__',
  'constructor',
  "' OR 1",
  '2026-13-40T99:99:99Z',
  '1e999',
)
const word = fc.oneof(
  odd,
  fc.string({ maxLength: 40, unit: 'binary' }),
  fc.constantFrom('renewals', 'true', '100', 'csv', 'pending', 'done'),
)
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    word,
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(word, tie('any'), { maxKeys: 3 }),
  ),
})).any
const known = fc.constantFrom(
  'to',
  'flow',
  'vars',
  'trunk',
  'number',
  'campaign',
  'due_at',
  'status',
  'result',
  'state',
  'data',
  'priority',
  'now',
  'reason',
  'started',
  'exit',
  'expires',
)
const body = fc.oneof(fc.dictionary(known, value, { maxKeys: 6 }), value, word)
const types = fc.constantFrom(
  'application/json',
  'text/csv',
  'application/x-ndjson',
  'text/plain',
  'application/json; charset=utf-16',
  'x',
  '',
)

/** Of every operation that `description` has, except streams without an end. */
export function oddRequests({ paths }: Description): fc.Arbitrary<OddRequest> {
  const operations = Object.entries(paths)
    .flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ path, method, operation })))
    .filter(({ path }) => path !== '/v1/events')
  return fc
    .record({
      at: fc.nat(operations.length - 1),
      fill: fc.array(fc.oneof(fc.constant('renewals'), word), { minLength: 3, maxLength: 3 }),
      // One for each parameter that the path has; most are left out, or no request would come to its handler.
      query: fc.array(fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, word), { minLength: 6, maxLength: 6 }),
      stray: fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, word),
      body: fc.option(body),
      type: fc.oneof({ weight: 2, arbitrary: fc.nat(3) }, types),
      key: fc.option(word),
    })
    .map(({ at, fill, query, stray, body, type: kind, key }) => {
      const { path, method, operation } = operations[at] ?? { path: '/', method: 'get', operation: {} }
      const asked = new URLSearchParams(stray === null ? {} : { stray })
      for (const [n, { name }] of (operation.parameters ?? []).filter((one) => one.in === 'query').entries())
        if (query[n]) asked.set(name, query[n])
      let n = 0
      const url = path.replaceAll(/\{\w+\}/g, () => encodeURIComponent(fill[n++] ?? 'x').replace(/^\.\.?$/, 'x'))
      const fitting = Object.keys(operation.requestBody?.content ?? { 'application/json': 1 })
      const type = typeof kind === 'string' ? kind : (fitting[kind % fitting.length] ?? '')
      const text = asked.toString()
      return {
        method: method.toUpperCase(),
        url: text === '' ? url : `${url}?${text}`,
        headers: {
          ...(body === null || type === '' ? {} : { 'content-type': type }),
          ...(key === null || /[^\x20-\x7e]/.test(key) ? {} : { 'idempotency-key': key }),
        },
        body: body === null || method === 'get' ? null : typeof body === 'string' ? body : JSON.stringify(body),
      }
    })
}

/** Throws unless the answer is a success, or a refusal of the documented kind in the documented shape. */
export function judge({ method, url }: OddRequest, status: number, text: string): void {
  if (status < 400) return
  const fault = new Error(`${method} ${url}: ${status} ${text.slice(0, 300)}`)
  if (![400, 401, 403, 404, 409, 413, 415, 422, 429].includes(status)) throw fault
  const { code, message, details } = JSON.parse(text)
  if (typeof code !== 'string' || typeof message !== 'string' || details === undefined) throw fault
}
