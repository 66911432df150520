/** Long answers, one record at a time: the ledger is read only as fast as the client takes it. */
import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'

/** Sends `lines` as they come. The first one is fetched before the status is chosen, so that an error is still an error. */
export async function sendLines(
  reply: FastifyReply,
  type: string,
  lines: AsyncIterable<string>,
): Promise<FastifyReply> {
  const iterator = lines[Symbol.asyncIterator]()
  const first = await iterator.next()
  async function* all(): AsyncGenerator<string> {
    let batch = ''
    try {
      for (let next = first; !next.done; next = await iterator.next()) {
        batch += next.value
        if (batch.length < 16_384) continue
        yield batch
        batch = ''
      }
      if (batch !== '') yield batch
    } finally {
      await iterator.return?.()
    }
  }
  return reply.type(type).send(Readable.from(all()))
}
