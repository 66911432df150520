/**
 * From what a person typed to what a trunk dials, with no other way in between.
 *
 * PJSIP splits a dial string at `/`, `@` and `&`, so a number is either E.164 or an extension that the configuration
 * lists, and anything else is refused before it is looked at. Emergency and premium numbers are refused here, in code:
 * no configuration can allow them.
 */
import type { CountryCode, PhoneNumber } from 'libphonenumber-js'
import { parsePhoneNumberFromString } from 'libphonenumber-js/max'
import { ApelError } from '../errors.ts'

export interface NumberPolicy {
  /** ISO 3166, two capitals. */
  default_country: string
  /** `+40`: a prefix that may be dialled; `100`: an extension. */
  allow: readonly string[]
}

export type NumberFormat = 'e164' | 'digits' | 'national' | 'idd'

/** Why a number may not be dialled: `number`, it is none that can be; `destination`, nothing allows it. */
export interface NumberFault {
  rule: 'number' | 'destination'
  reason: string
}

const E164 = /^\+[1-9]\d{6,14}$/
const EXTENSION = /^[0-9*#]{1,10}$/

/** Short numbers of emergency services, everywhere and by country (ITU-T E.161.1; national plans). */
const EMERGENCY = new Set(['112', '911', '999', '000', '08'])
const EMERGENCY_OF: Record<string, string[]> = {
  AT: ['122', '133', '144'],
  BE: ['100', '101'],
  BR: ['190', '192', '193'],
  CH: ['117', '118', '144'],
  CN: ['110', '119', '120', '122'],
  CZ: ['150', '155', '156', '158'],
  DE: ['110'],
  ES: ['061', '062', '080', '085', '091', '092'],
  FR: ['15', '17', '18', '114'],
  GR: ['100', '166', '199'],
  IN: ['100', '101', '102', '108'],
  IT: ['113', '115', '118'],
  JP: ['110', '118', '119'],
  PL: ['997', '998'],
  RU: ['101', '102', '103', '104'],
  UA: ['101', '102', '103', '104'],
}

/** A number is looked at several times while it is called, and hardly again. */
const REMEMBERED = 2_000
const normalised = new Map<string, PhoneNumber | null>()
const parsed = new Map<string, PhoneNumber | null>()
const faults = new Map<string, string | null>()

function remembered<T>(known: Map<string, T>, key: string, find: () => T): T {
  let found = known.get(key)
  if (found === undefined) {
    if (known.size >= REMEMBERED) known.clear()
    found = find()
    known.set(key, found)
  }
  return found
}

/** One in E.164; null when no telephone can have it. */
function possible(number: string): PhoneNumber | null {
  return remembered(parsed, number, () => {
    const found = parsePhoneNumberFromString(number)
    return found?.isPossible() ? found : null
  })
}

/**
 * E.164 for a number in any usual spelling, the extension itself for one that `allow` lists; null for all else. Withheld
 * numbers of inbound calls (`anonymous`, empty) are null as well.
 */
export function normalise(raw: string, policy: NumberPolicy): string | null {
  const text = raw.trim()
  if (EXTENSION.test(text) && policy.allow.includes(text)) return text
  // Nothing but digits and what people put between them; libphonenumber would also take `;ext=` and `tel:`.
  if (!/^\+?[0-9 ()./-]{4,32}$/.test(text)) return null
  const country = policy.default_country
  const found = E164.test(text)
    ? possible(text)
    : remembered(normalised, `${country}${text}`, () => {
        const one = parsePhoneNumberFromString(text, { defaultCountry: country as CountryCode, extract: false })
        return one?.isPossible() ? one : null
      })
  return found !== null && E164.test(found.number) ? found.number : null
}

/**
 * The number of somebody calling, or the number that they called: as `normalise`, and a short one stays as it is, since
 * an own PBX shows its extensions.
 */
export function normaliseInbound(raw: string, policy: NumberPolicy): string {
  const text = raw.trim()
  return normalise(text, policy) ?? (EXTENSION.test(text) ? text : '')
}

/** May this number be dialled at all? `number` as `normalise` gave it; null when it may. */
export function judgeNumber(number: string | null, policy: NumberPolicy): NumberFault | null {
  if (number === null)
    return { rule: 'number', reason: 'it is neither an E.164 number nor an extension that is listed' }
  if (!number.startsWith('+')) {
    if (EMERGENCY.has(number) || (EMERGENCY_OF[policy.default_country] ?? []).includes(number))
      return { rule: 'number', reason: 'it is an emergency number' }
    if (!policy.allow.includes(number))
      return { rule: 'destination', reason: 'the extension is not listed in policy.allow' }
    return null
  }
  if (!E164.test(number)) return { rule: 'number', reason: 'it is not an E.164 number' }
  const fault = remembered(faults, number, () => {
    const found = possible(number)
    if (found === null) return 'no telephone has a number of this length'
    return found.getType() === 'PREMIUM_RATE' ? 'it is a premium-rate number' : null
  })
  if (fault !== null) return { rule: 'number', reason: fault }
  if (!policy.allow.some((prefix) => prefix.startsWith('+') && number.startsWith(prefix)))
    return { rule: 'destination', reason: 'no prefix in policy.allow covers it' }
  return null
}

/**
 * The dial string of a trunk (`PJSIP/{number}@carrier`) for a number that has passed `judgeNumber`.
 */
export function dialString(template: string, number: string, format: NumberFormat): string {
  const digits = number.startsWith('+') ? written(number, format) : number
  if (!/^\+?[0-9*#]{1,18}$/.test(digits) || template.split('{number}').length !== 2)
    throw new ApelError('number', `No dial string can be made for this number with the template ${template}.`)
  return template.replace('{number}', () => digits)
}

function written(number: string, format: NumberFormat): string {
  switch (format) {
    case 'e164':
      return number
    case 'digits':
      return number.slice(1)
    case 'idd':
      return `00${number.slice(1)}`
    case 'national':
      return parsePhoneNumberFromString(number)?.formatNational().replace(/\D/g, '') ?? number.slice(1)
    default: {
      const never: never = format
      return never
    }
  }
}
