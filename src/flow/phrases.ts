/**
 * What the language itself says: the default ladders, the offers of `hold` and `callback`, the good-bye. One table a
 * language; a language that is missing speaks English. Times of day are spoken as they are written, on the 24-hour
 * clock.
 */

/** Phrases without holes, which can be spoken into files before any call. */
export interface Phrases {
  goodbye: string
  interrupt: string
  noinputAgain: string
  noinputInbound: string
  noinputOutbound: string
  nomatchFirst: string
  nomatchSecond: string
  nomatchLast: string
  oneMinute: string
  thanksForWaiting: string
  holdOffer: string
  technical: string
  callAgain: string
  callbackQuestion: string
  callbackDecline: string
  callbackType: string
  thanks: string
}

export type PhraseName = keyof Phrases

/** A day as it is spoken beside a time. `date` is YYYY-MM-DD, `weekday` 0 for Monday. */
export type SpokenDay =
  | { day: 'today' | 'tomorrow' }
  | { day: 'weekday'; weekday: number }
  | { day: 'date'; date: string }

export interface Sentences {
  /** "In half an hour, press 1." `minutes` may have a fraction. */
  offerIn(minutes: number, key: string): string
  /** "Tomorrow at ten, press 2." `time` is HH:MM; null day: the next such time. */
  offerAt(day: SpokenDay | null, time: string, key: string): string
  /** "To choose the time, press 3." */
  offerTyped(key: string): string
  /** "I will call you today at 16:30. Thank you." */
  readBack(day: SpokenDay, time: string): string
  /** "I will call you today at 16:30. If that is right, press 1. …" */
  confirm(day: SpokenDay, time: string): string
}

const en: Phrases & Sentences = {
  goodbye: 'Thank you. Goodbye.',
  interrupt: 'Excuse me for interrupting.',
  noinputAgain: 'Please speak, I am listening.',
  noinputInbound: 'Please call us back, we cannot hear you.',
  noinputOutbound: 'I am sorry, I cannot hear you. I will call you back.',
  nomatchFirst: 'I am sorry, I did not understand.',
  nomatchSecond: 'I am sorry, I did not understand. Please press one of the keys.',
  nomatchLast: 'I am sorry, we do not understand each other. Goodbye.',
  oneMinute: 'One minute, please.',
  thanksForWaiting: 'Thank you for waiting.',
  holdOffer: 'I do not have the answer yet. To wait on, press 1. To be called back, press 2.',
  technical: 'I am sorry, for technical reasons I cannot give you this information now.',
  callAgain: 'Please call again in a few minutes.',
  callbackQuestion: 'When may we call you?',
  callbackDecline: 'If you do not wish a call, press 9.',
  callbackType: 'Please type the time with four digits, for example 1, 6, 3, 0 for half past four in the afternoon.',
  thanks: 'Thank you.',
  offerIn: (minutes, key) => `In ${duration(minutes)}, press ${key}.`,
  offerAt: (day, time, key) =>
    `${capital(`${day === null ? '' : `${dayWords(day)} `}at ${clock(time)}`)}, press ${key}.`,
  offerTyped: (key) => `To choose the time, press ${key}.`,
  readBack: (day, time) => `I will call you ${dayWords(day)} at ${time}. Thank you.`,
  confirm: (day, time) =>
    `I will call you ${dayWords(day)} at ${time}. If that is right, press 1. To choose another time, press 2.`,
}

const NUMBERS = 'zero one two three four five six seven eight nine ten eleven twelve'.split(' ')
const DAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']
const MONTHS = 'January February March April May June July August September October November December'.split(' ')

function duration(minutes: number): string {
  if (minutes === 30) return 'half an hour'
  if (minutes === 90) return 'an hour and a half'
  if (minutes === 60) return 'an hour'
  if (minutes >= 60 && minutes % 60 === 0) return `${numeral(minutes / 60)} hours`
  if (minutes >= 1 && Number.isInteger(minutes)) return minutes === 1 ? 'a minute' : `${numeral(minutes)} minutes`
  const seconds = Math.round(minutes * 60)
  return seconds === 1 ? 'a second' : `${numeral(seconds)} seconds`
}

function numeral(n: number): string {
  return NUMBERS[n] ?? String(n)
}

/** "10:00" is "ten", other times stay as they are. */
function clock(time: string): string {
  const hour = Number(time.slice(0, 2))
  return time.endsWith(':00') && hour >= 1 && hour <= 12 ? NUMBERS[hour]! : time
}

function dayWords(day: SpokenDay): string {
  switch (day.day) {
    case 'today':
    case 'tomorrow':
      return day.day
    case 'weekday':
      return `on ${DAYS[day.weekday]}`
    case 'date':
      return `on ${Number(day.date.slice(8))} ${MONTHS[Number(day.date.slice(5, 7)) - 1]}`
  }
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** The names of all phrases. */
export const PHRASES = (Object.keys(en) as (keyof typeof en)[]).filter(
  (name): name is PhraseName => typeof en[name] === 'string',
)

const languages = new Map<string, Phrases & Sentences>([['en', en]])

/** The phrases of the first of these languages that we speak ("ro-MD" may speak "ro"), and which one it is. */
export function phrasesIn(...wanted: string[]): { language: string; phrases: Phrases & Sentences } {
  for (const full of wanted)
    for (const name of [full, full.split('-')[0]!]) {
      const phrases = languages.get(name)
      if (phrases !== undefined) return { language: name, phrases }
    }
  return { language: 'en', phrases: en }
}
