/** Calling windows: the calendar knows how they are written; each day is tried alone, so that the faulty one is named. */
import { z } from 'zod'
import { parseWindows } from '../flow/calendar.ts'

export const windows = z.unknown().transform((value, context) => {
  const parsed = parseWindows(value)
  if (typeof parsed !== 'string') return parsed
  const days = value !== null && typeof value === 'object' && !Array.isArray(value) ? Object.entries(value) : []
  const wrong = days.flatMap(([day, hours]) => {
    const alone = parseWindows({ [day]: hours })
    return typeof alone === 'string' ? [{ day, message: alone }] : []
  })
  for (const { day, message } of wrong) context.addIssue({ code: 'custom', message: `: ${message}`, path: [day] })
  if (wrong.length === 0) context.addIssue({ code: 'custom', message: `: ${parsed}` })
  return z.NEVER
})
