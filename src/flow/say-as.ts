/**
 * `say_as`: how a value is spoken. A value that does not fit (a date that is no date) is spoken as it is written. In a
 * language that is not here everything is spoken in the plain form that every speech engine reads aright.
 */

import type { SayAs } from './program.ts'

interface Speech {
  ordinal(n: number): string
  date(day: number, month: number, year: string): string
  /** "12 euros and 50 cents": so many whole ones, and so many hundredths. */
  money(whole: string, hundredths: number, names: Names): string
  currencies: Record<string, Names>
}

/** One and several of a currency, and one and several of its hundredth. */
type Names = [one: string, many: string, smallOne: string, smallMany: string]

const en: Speech = {
  ordinal(n) {
    const tens = n % 100
    const suffix = tens >= 11 && tens <= 13 ? 'th' : (['th', 'st', 'nd', 'rd'][n % 10] ?? 'th')
    return `${n}${suffix}`
  },
  date: (day, month, year) => `${day} ${MONTHS[month - 1]} ${year}`,
  money(whole, hundredths, [one, many, smallOne, smallMany]) {
    const big = `${whole} ${whole === '1' ? one : many}`
    return hundredths === 0 ? big : `${big} and ${hundredths} ${hundredths === 1 ? smallOne : smallMany}`
  },
  currencies: {
    EUR: ['euro', 'euros', 'cent', 'cents'],
    USD: ['dollar', 'dollars', 'cent', 'cents'],
    GBP: ['pound', 'pounds', 'penny', 'pence'],
    RON: ['leu', 'lei', 'ban', 'bani'],
    MDL: ['Moldovan leu', 'Moldovan lei', 'ban', 'bani'],
  },
}

const MONTHS = 'January February March April May June July August September October November December'.split(' ')

const ro: Speech = {
  ordinal: (n) => (n === 1 ? 'primul' : `al ${n}-lea`),
  date: (day, month, year) => `${day} ${LUNI[month - 1]} ${year}`,
  money(whole, hundredths, [one, many, smallOne, smallMany]) {
    const big = counted(whole, one, many)
    return hundredths === 0 ? big : `${big} și ${counted(String(hundredths), smallOne, smallMany)}`
  },
  currencies: {
    EUR: ['euro', 'euro', 'cent', 'cenți'],
    USD: ['dolar', 'dolari', 'cent', 'cenți'],
    GBP: ['liră sterlină', 'lire sterline', 'penny', 'pence'],
    RON: ['leu', 'lei', 'ban', 'bani'],
    MDL: ['leu moldovenesc', 'lei moldovenești', 'ban', 'bani'],
  },
}

const LUNI = 'ianuarie februarie martie aprilie mai iunie iulie august septembrie octombrie noiembrie decembrie'.split(
  ' ',
)

/** Romanian counts "un leu", "o liră", "19 lei", but "20 de lei" and "101 lei". */
function counted(n: string, one: string, many: string): string {
  if (n === '1') return `${one.startsWith('lir') ? 'o' : 'un'} ${one}`
  const last = Number(n.slice(-2))
  const few = (last >= 1 && last <= 19) || n === '0'
  return `${n} ${few ? '' : 'de '}${many}`
}

const SPEECHES = new Map<string, Speech>([
  ['en', en],
  ['ro', ro],
])

/** The words for `value` in `language`. */
export function sayAs(kind: SayAs, value: string, language: string): string {
  const text = value.trim()
  const speech = SPEECHES.get(language.split('-')[0]!)
  switch (kind) {
    case 'digits':
      return [...text.replace(/[^0-9*#+A-Za-z]/g, '')].join(' ')
    case 'spell':
      return [...text.replace(/\s+/g, '')].map((c) => c.toUpperCase()).join(', ')
    case 'number':
      return text.replace(/^([+-]?)0+(?=\d)/, '$1')
    case 'ordinal':
      return speech !== undefined && /^\d+$/.test(text) ? speech.ordinal(Number(text)) : text
    case 'money':
      return speech === undefined ? text : money(text, speech)
    case 'date':
      return speech === undefined ? text : date(text, speech)
    case 'time':
      return text.replace(/^(\d\d?:\d\d):\d\d.*$/, '$1')
  }
}

function date(text: string, speech: Speech): string {
  const match = /^(\d{4})-(\d\d)-(\d\d)/.exec(text)
  const month = Number(match?.[2])
  return match === null || month < 1 || month > 12 ? text : speech.date(Number(match[3]), month, match[1]!)
}

function money(text: string, speech: Speech): string {
  const match = /^(-?\d+)(?:[.,](\d{1,2}))?\s*([A-Za-z]{3})?$/.exec(text)
  const names = speech.currencies[(match?.[3] ?? '').toUpperCase()]
  if (match === null || names === undefined) return text
  return speech.money(match[1]!, Number((match[2] ?? '').padEnd(2, '0')), names)
}
