/** Calling windows as `apel.yaml` writes them, to the shape that the calendar reads. */
import { z } from 'zod'
import type { Windows } from '../flow/io.ts'

const days: (keyof Windows)[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']

export const windows = z.record(z.string(), z.union([z.string(), z.array(z.string())])).transform((value, context) => {
  const result: Windows = { mon: [], tue: [], wed: [], thu: [], fri: [], sat: [], sun: [] }
  const complain = (message: string, key: string): void => context.addIssue({ code: 'custom', message, path: [key] })
  for (const [key, spans] of Object.entries(value)) {
    const [first = '', last = first] = key.split('-')
    const from = days.indexOf(first as keyof Windows)
    const to = days.indexOf(last as keyof Windows)
    if (from < 0 || to < 0) {
      complain('must be a day such as mon, or days such as mon-fri', key)
      continue
    }
    for (const span of [spans].flat()) {
      const match = /^(\d{2}):([0-5]\d)-(\d{2}):([0-5]\d)$/.exec(span)
      const open = Number(match?.[1]) * 60 + Number(match?.[2])
      const close = Number(match?.[3]) * 60 + Number(match?.[4])
      if (!match || close > 1440 || open >= close) {
        complain('must be hours such as "08:00-21:00", the end after the beginning', key)
        continue
      }
      for (let day = from; ; day = (day + 1) % 7) {
        result[days[day] ?? 'mon'].push({ from: open, to: close })
        if (day === to) break
      }
    }
  }
  return result
})
