/** The clock decides who may be called: is it kept right, and does it agree with Redis? */
import { existsSync } from 'node:fs'
import { type Examination, fail, ok, warn } from './finding.ts'
import { openLedger } from './ledger.ts'

const RELEASED = Date.UTC(2026, 0, 1)
const APART = 2000

export const clock: Examination = async function* ({ config }) {
  const now = Date.now()
  const there = new Date(now).toLocaleString('en-GB', { timeZone: config.policy.timezone, timeZoneName: 'short' })
  if (now < RELEASED) {
    yield fail(
      'clock',
      `${there}: this is in the past`,
      'Set the clock and keep it right with chrony or systemd-timesyncd.',
    )
    return
  }
  const ledger = await openLedger(config)
  if (ledger !== null && typeof ledger !== 'string') {
    const before = Date.now()
    const [seconds = '0', micros = '0'] = (await ledger.time()).map(String)
    const apart = Math.round(Number(seconds) * 1000 + Number(micros) / 1000 - (before + Date.now()) / 2)
    ledger.disconnect()
    if (Math.abs(apart) > APART) {
      yield fail(
        'clock',
        `Redis is ${apart} ms away from here`,
        'Keep both clocks right with chrony or systemd-timesyncd.',
      )
      return
    }
    yield ok('clock', `${there}, Redis ${apart} ms apart`)
    return
  }
  // Only where systemd keeps the time can a process see whether it does.
  const kept = existsSync('/run/systemd/timesync/synchronized') || existsSync('/run/chrony')
  const watched = existsSync('/run/systemd/system')
  if (watched && !kept) yield warn('clock', `${there}, nobody keeps it right`, 'Run chrony or systemd-timesyncd.')
  else yield ok('clock', there)
}
