/** A number as a person writes it in `inbound`, to what a call is looked up by. */
import { type CountryCode, parsePhoneNumberFromString } from 'libphonenumber-js'

/** E.164; a short run of digits is an extension and stays; null when it is neither. */
export function calledNumber(text: string, country: string): string | null {
  const bare = text.replace(/[\s().-]/g, '')
  if (/^\d{1,6}$/.test(bare)) return bare
  if (!/^\+?\d{7,15}$/.test(bare)) return null
  const parsed = parsePhoneNumberFromString(bare, country as CountryCode)
  return parsed?.isPossible() ? parsed.number : null
}
