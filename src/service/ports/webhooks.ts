/** The dead letters, as the API offers them. */
import type { WebhooksPort } from '../../api/ports/webhooks.ts'
import { ApelError } from '../../errors.ts'
import type { Outbox } from '../../store/outbox.ts'
import { dataOf } from '../letters.ts'
import type { WebhookPorts } from '../webhooks.ts'

export function webhooksPort(
  { outbox, trunks }: { outbox: Outbox; trunks: WebhookPorts['trunks'] },
  now: () => number,
): WebhooksPort {
  return {
    async dead({ cursor, limit }) {
      const { letters, next } = await outbox.dead(cursor, limit)
      const items = letters.map(({ letter: { id, event, at, url, number, tries, reason, died_at }, news }) => ({
        ...{ id, event, at, url, number: number || null, tries, reason, died_at },
        data: news && dataOf(news, trunks),
      }))
      return { items, next }
    },
    async replay(id) {
      const answer = await outbox.replay(id, now())
      if (answer === 'not_found') throw new ApelError('not_found', `There is no dead letter ${id}.`)
      if (answer === 'no_receiver')
        throw new ApelError('invalid_state', `No configuration names the webhook of the letter ${id} any more.`, { id })
    },
  }
}
