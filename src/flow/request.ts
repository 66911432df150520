/**
 * A request to another service as a flow writes it: `{ method, url, headers, json, timeout }`, with holes everywhere.
 *
 * What fills a hole of the URL is one value and never a part of the URL's own grammar: it is percent-encoded, unless
 * it is the URL's very beginning. A text of `json` that is one hole alone keeps the value's type.
 */

import { z } from 'zod'
import type { Build } from './build.ts'
import { parseDuration } from './duration.ts'
import type { HttpRequest } from './io.ts'
import type { Template } from './program.ts'
import { fill } from './render.ts'
import { durationBetween, fields, word } from './schema.ts'
import type { Scope } from './scope.ts'
import type { Path } from './source.ts'
import { inText } from './template.ts'

type JsonTemplate =
  | { kind: 'value'; value: unknown }
  | { kind: 'text'; template: Template }
  | { kind: 'list'; items: JsonTemplate[] }
  | { kind: 'map'; entries: [string, JsonTemplate][] }

export interface Request {
  method: string
  url: Template
  headers: [string, Template][]
  json: JsonTemplate | null
  timeout: number | null
}

export const requestTimeout = durationBetween(100, 3_600_000, 'a timeout is between 100ms and 1h')
export const requestShape = {
  method: z
    .string({ error: 'expected GET, POST, PUT, PATCH or DELETE' })
    .regex(/^(GET|POST|PUT|PATCH|DELETE)$/i, { error: 'expected GET, POST, PUT, PATCH or DELETE' })
    .optional(),
  url: word,
  headers: z
    .record(z.string().regex(/^[A-Za-z0-9-]+$/, { error: 'expected the name of a header' }), word, {
      error: 'expected a map: header to text',
    })
    .optional(),
  json: z.unknown().optional(),
  timeout: requestTimeout.optional(),
}
export const requestFields = fields(requestShape)

interface Raw {
  method?: string
  url: string
  headers?: Record<string, string>
  json?: unknown
  timeout?: string
}

export function buildRequest(raw: Raw, b: Build, ...path: Path): Request {
  checkHost(raw.url, b, [...path, 'url'])
  return {
    method: (raw.method ?? (raw.json === undefined ? 'GET' : 'POST')).toUpperCase(),
    url: b.template(raw.url, ...path, 'url'),
    headers: Object.entries(raw.headers ?? {}).map(([name, value]) => [
      name,
      b.template(value, ...path, 'headers', name),
    ]),
    json: raw.json === undefined ? null : buildJson(raw.json, b, [...path, 'json']),
    timeout: raw.timeout === undefined ? null : parseDuration(raw.timeout),
  }
}

function buildJson(raw: unknown, b: Build, path: Path): JsonTemplate {
  if (typeof raw === 'string') return { kind: 'text', template: b.template(raw, ...path) }
  if (Array.isArray(raw)) return { kind: 'list', items: raw.map((item, index) => buildJson(item, b, [...path, index])) }
  if (typeof raw === 'object' && raw !== null)
    return {
      kind: 'map',
      entries: Object.entries(raw).map(([name, value]) => [name, buildJson(value, b, [...path, name])]),
    }
  return { kind: 'value', value: raw }
}

/** The host is looked at where it is written out; one that comes from a hole is judged when the request is made. */
function checkHost(url: string, b: Build, path: Path): void {
  if (url.startsWith('{')) return
  const host = /^https?:\/\/([^/?#]*)/i.exec(url)?.[1]
  if (host === undefined || host === '')
    return b.problem('http-host', 'expected a URL that begins with http:// or https://', path)
  if (host.includes('{') || b.facts.allowHost === undefined) return
  if (!b.facts.allowHost(host.replace(/^.*@/, '').toLowerCase()))
    b.problem('http-host', `the host "${host}" is not in http.allow_hosts of the configuration`, path)
}

/** The request as it is to be made now. Throws when a hole has no value. */
export function makeRequest(request: Request, scope: Scope): HttpRequest {
  return {
    method: request.method,
    url: request.url
      .map((piece, index) => {
        if (typeof piece === 'string') return piece
        const value = inText(piece.run(scope))
        return index === 0 ? value : encodeURIComponent(value)
      })
      .join(''),
    headers: Object.fromEntries(
      request.headers.map(([name, template]) => [name, fill(template, scope).replace(/[\r\n\0]/g, ' ')]),
    ),
    json: request.json === null ? null : makeJson(request.json, scope),
  }
}

function makeJson(json: JsonTemplate, scope: Scope): unknown {
  switch (json.kind) {
    case 'value':
      return json.value
    case 'text': {
      const only = json.template[0]
      return json.template.length === 1 && typeof only === 'object' ? only.run(scope) : fill(json.template, scope)
    }
    case 'list':
      return json.items.map((item) => makeJson(item, scope))
    case 'map':
      return Object.fromEntries(json.entries.map(([name, value]) => [name, makeJson(value, scope)]))
  }
}
