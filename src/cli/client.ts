/** The service as a command sees it: requests over HTTP, its refusals as exit codes, its events as they come. */
import type { Readable } from 'node:stream'
import { Exit, type Io } from './io.ts'

export interface Remote {
  url?: string
  token?: string
}

export interface Answer {
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: the shapes are the API's; a command reads the few fields that it shows
  body: any
}

export interface Client {
  readonly url: string
  /** Rejects with an `Exit`: 1 when the service refuses, 3 when it cannot be reached. */
  get(path: string): Promise<Answer>
  send(method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<Answer>
  upload(path: string, type: string, body: Readable): Promise<Answer>
  /** The text of a long answer, in pieces. */
  stream(path: string): AsyncIterable<string>
  /** Server-sent events; `open` is called once they come. Ends when the service closes the stream. */
  events(path: string, open: () => void): AsyncIterable<{ event: string; data: unknown }>
  /** Every item of a list, page by page. */
  all(path: string, most?: number): Promise<Record<string, unknown>[]>
}

/** `APEL_URL` and `APEL_TOKEN` stand in for the options. */
export function makeClient(remote: Remote, io: Io): Client {
  const url = (remote.url ?? io.env.APEL_URL ?? 'http://127.0.0.1:8080').replace(/\/+$/, '')
  const token = remote.token ?? io.env.APEL_TOKEN
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new Exit(2, `${url} is not an address of the service; write http://HOST:PORT.`)

  const ask = async (path: string, init: RequestInit & { duplex?: 'half' } = {}): Promise<Response> => {
    const headers = { ...(token ? { authorization: `Bearer ${token}` } : {}), ...(init.headers as object) }
    let response: Response
    try {
      response = await fetch(`${url}${path}`, { ...init, headers })
    } catch (error) {
      if (error instanceof Exit) throw error
      throw new Exit(
        3,
        `The service at ${url} cannot be reached (${reasonOf(error)}). Is \`apel serve\` running there?`,
      )
    }
    if (!response.ok) throw await refusal(response)
    return response
  }
  const answer = async (response: Response): Promise<Answer> => {
    const text = await response.text()
    return { status: response.status, body: text === '' ? null : JSON.parse(text) }
  }

  const client: Client = {
    url,
    get: async (path) => answer(await ask(path)),
    send: async (method, path, body) =>
      answer(
        await ask(path, {
          method,
          ...(body === undefined
            ? {}
            : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
        }),
      ),
    upload: async (path, type, body) =>
      answer(
        await ask(path, {
          method: 'POST',
          headers: { 'content-type': type },
          body: body as unknown as ReadableStream,
          duplex: 'half',
        }),
      ),
    async *stream(path) {
      const response = await ask(path)
      if (response.body) yield* decoded(response.body, url)
    },
    async *events(path, open) {
      const response = await ask(path)
      open()
      let rest = ''
      for await (const piece of decoded(response.body ?? [], url)) {
        const blocks = (rest + piece).split('\n\n')
        rest = blocks.pop() ?? ''
        for (const block of blocks) {
          const event = /^event: (.*)$/m.exec(block)?.[1]
          const data = /^data: (.*)$/m.exec(block)?.[1]
          if (event !== undefined && data !== undefined) yield { event, data: JSON.parse(data) }
        }
      }
    },
    async all(path, most = Number.POSITIVE_INFINITY) {
      const items: Record<string, unknown>[] = []
      let cursor = ''
      do {
        const limit = Math.min(1000, most - items.length)
        const more = `limit=${limit}${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`
        const { body } = await client.get(`${path}${path.includes('?') ? '&' : '?'}${more}`)
        items.push(...body.items)
        cursor = body.next ?? ''
      } while (cursor !== '' && items.length < most)
      return items
    },
  }
  return client
}

async function* decoded(body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, url: string): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  try {
    for await (const chunk of body) yield decoder.decode(chunk, { stream: true })
  } catch (error) {
    throw new Exit(3, `The service at ${url} went away in the middle of its answer (${reasonOf(error)}).`)
  }
}

async function refusal(response: Response): Promise<Exit> {
  const text = await response.text().catch(() => '')
  const again = response.status === 503 || response.status === 429
  try {
    const { code, message, details } = JSON.parse(text) as { code: string; message: string; details: unknown }
    return new Exit(1, [`${message} (${code})`, ...problemLines(details)].join('\n'), again)
  } catch {
    return new Exit(1, `The service answered ${response.status}: ${text.slice(0, 200)}`, again)
  }
}

/** The faults that come with a refusal: in a file, or in a request. */
function problemLines(details: unknown): string[] {
  const problems = (details as { problems?: unknown } | null)?.problems
  if (!Array.isArray(problems)) return []
  return problems.map((problem) => {
    const { file, line, column, severity, path, message } = problem as Record<string, unknown>
    return file === undefined ? `  ${path}: ${message}` : `  ${file}:${line}:${column} ${severity} ${message}`
  })
}

function reasonOf(error: unknown): string {
  const { cause, message } = error as Error & { cause?: { code?: string; message?: string } }
  return cause?.code ?? cause?.message ?? message
}

/** A path segment out of what the user typed. */
export const seg = encodeURIComponent
