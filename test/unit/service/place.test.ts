/** What is between a reservation and the INVITE. */
import t from 'tap'
import type { Calls } from '../../../src/call/calls.ts'
import type { Clock } from '../../../src/call/ports.ts'
import type { DialSettings, Placement } from '../../../src/dialer/plan.ts'
import { makePlace } from '../../../src/service/place.ts'
import { realClock, trunk } from '../../support/dialer.ts'

t.test('the call has the very record that was reserved, by which its end is remembered', async (t) => {
  const record = { flow: 'f', trunk: 'carrier', queued_at: Date.now(), flow_version: null }
  const seen: unknown[] = []
  const calls = { outbound: (call: { record: unknown }) => ({ dialed: seen.push(call.record) }) } as unknown as Calls
  const program = { version: '7', limits: { maxCallTime: 60_000 } } as never
  const settings = { trunks: [] } as unknown as DialSettings
  const place = makePlace(
    calls,
    () => program,
    new Map([['pbx', { telephony: {} } as never]]),
    settings,
    async () => 0,
    realClock,
  )
  await place({ record, node: 'pbx', order: { ring: 1000 }, context: {} } as unknown as Placement)
  t.equal(seen[0], record)
  t.equal(record.flow_version, '7')
})

for (const [late, asked] of [
  [20, 0],
  [400, 3],
] as const)
  t.test(
    `a call that leaves ${late} ms after its reservation asks for a place in this second ${asked} times`,
    async (t) => {
      let now = 1_000_000
      const clock: Clock = {
        now: () => now,
        setTimeout(run, ms) {
          now += ms
          queueMicrotask(run)
        },
        clearTimeout: () => {},
      }
      const waits = [300, 100, 0]
      const rates: unknown[] = []
      const depart = async (name: string, rate: unknown): Promise<number> => {
        rates.push([name, rate])
        return waits.shift() ?? 0
      }
      const calls = {
        outbound: ({ order }: { order: { turn(): Promise<void> } }) => ({ dialed: order.turn() }),
      } as unknown as Calls
      const settings = { trunks: [trunk({ name: 'carrier', cps: 10 })] } as unknown as DialSettings
      const program = { version: '1', limits: { maxCallTime: 60_000 } } as never
      const place = makePlace(
        calls,
        () => program,
        new Map([['pbx', { telephony: {} } as never]]),
        settings,
        depart,
        clock,
      )
      const record = { flow: 'f', trunk: 'carrier', queued_at: now - late }
      await place({ record, node: 'pbx', order: { ring: 1000 }, context: {} } as unknown as Placement)
      t.equal(rates.length, asked)
      if (asked > 0) t.equal(now, 1_000_400, 'it has waited as long as it was told')
    },
  )
