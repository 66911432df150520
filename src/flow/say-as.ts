/**
 * `say_as`: how a value is spoken. A value that does not fit (a date that is no date) is spoken as it is written.
 * English for now; other languages fall back to plain forms that every speech engine reads aright.
 */

import type { SayAs } from './program.ts'

const MONTHS = 'January February March April May June July August September October November December'.split(' ')
const CURRENCIES: Record<string, [string, string, string, string]> = {
  EUR: ['euro', 'euros', 'cent', 'cents'],
  USD: ['dollar', 'dollars', 'cent', 'cents'],
  GBP: ['pound', 'pounds', 'penny', 'pence'],
  RON: ['leu', 'lei', 'ban', 'bani'],
}

/** The words for `value` in `language`. */
export function sayAs(kind: SayAs, value: string, language: string): string {
  const text = value.trim()
  const english = language === 'en' || language.startsWith('en-')
  switch (kind) {
    case 'digits':
      return [...text.replace(/[^0-9*#+A-Za-z]/g, '')].join(' ')
    case 'spell':
      return [...text.replace(/\s+/g, '')].map((c) => c.toUpperCase()).join(', ')
    case 'number':
      return text.replace(/^([+-]?)0+(?=\d)/, '$1')
    case 'ordinal':
      return english && /^\d+$/.test(text) ? ordinal(Number(text)) : text
    case 'money':
      return english ? money(text) : text
    case 'date':
      return english ? date(text) : text
    case 'time':
      return text.replace(/^(\d\d?:\d\d):\d\d.*$/, '$1')
  }
}

function ordinal(n: number): string {
  const tens = n % 100
  const suffix = tens >= 11 && tens <= 13 ? 'th' : (['th', 'st', 'nd', 'rd'][n % 10] ?? 'th')
  return `${n}${suffix}`
}

function date(text: string): string {
  const match = /^(\d{4})-(\d\d)-(\d\d)/.exec(text)
  const month = match === null ? undefined : MONTHS[Number(match[2]) - 1]
  return match === null || month === undefined ? text : `${Number(match[3])} ${month} ${match[1]}`
}

function money(text: string): string {
  const match = /^(-?\d+)(?:[.,](\d{1,2}))?\s*([A-Za-z]{3})?$/.exec(text)
  if (match === null) return text
  const [, whole, fraction, code] = match
  const names = CURRENCIES[(code ?? '').toUpperCase()]
  const small = Number((fraction ?? '').padEnd(2, '0'))
  if (names === undefined) return text
  const [one, many, smallOne, smallMany] = names
  const big = `${whole} ${whole === '1' ? one : many}`
  return small === 0 ? big : `${big} and ${small} ${small === 1 ? smallOne : smallMany}`
}
