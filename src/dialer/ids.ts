/**
 * Ids that sort by time and are safe everywhere: as a channel's name, a BullMQ job's id, a file name, an address.
 * Eight characters of milliseconds (until the year 2059), a dash, ten of chance.
 */
import { randomInt } from 'node:crypto'

export function newId(now: number): string {
  const chance = () =>
    randomInt(36 ** 5)
      .toString(36)
      .padStart(5, '0')
  return `${Math.floor(now).toString(36).padStart(8, '0')}-${chance()}${chance()}`
}
