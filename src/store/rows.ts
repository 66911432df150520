/**
 * A contact's row as bytes. The names of the columns are kept once a campaign (a schema); a row is the schema's number,
 * the key, the number and the values, with the unit separator between them. A value that repeats the number or the key
 * is one byte, so a list of numbers costs little more than the numbers.
 */
const SEPARATOR = '\u001f'
const SAME_NUMBER = '\u0002'
const SAME_KEY = '\u0003'

export interface Row {
  key: string
  /** E.164, or an extension. */
  number: string
  /** `contact.*` by column. */
  data: Record<string, string>
}

/** Control characters but tab and line breaks: they may not stand in a value, three of them are marks here. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
export const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/

export function packRow(schema: number, columns: string[], row: Row): string {
  const values = columns.map((column) => {
    const value = row.data[column] ?? ''
    if (value === row.number) return SAME_NUMBER
    if (value === row.key && value !== '') return SAME_KEY
    return value.replace(new RegExp(CONTROL, 'g'), ' ')
  })
  const key = row.key === row.number ? '' : row.key
  return [schema.toString(36), key, row.number, ...values].join(SEPARATOR)
}

/** `columns` gives the schema's columns by its number. */
export function unpackRow(packed: string, columns: (schema: number) => string[]): Row {
  const [schema = '0', shortKey = '', number = '', ...values] = packed.split(SEPARATOR)
  const key = shortKey === '' ? number : shortKey
  const data: Record<string, string> = Object.create(null)
  columns(Number.parseInt(schema, 36)).forEach((column, i) => {
    const value = values[i] ?? ''
    data[column] = value === SAME_NUMBER ? number : value === SAME_KEY ? key : value
  })
  return { key, number, data }
}

export function schemaOf(packed: string): number {
  return Number.parseInt(packed.slice(0, packed.indexOf(SEPARATOR)), 36)
}
