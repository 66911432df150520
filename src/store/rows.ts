/**
 * A contact's row as bytes. The names of the columns are kept once a campaign (a schema); a row is the schema's number,
 * the key, the number and the values, with the unit separator between them. A schema marks the columns that always hold
 * the number (`+phone`) or the key (`=id`): they are not in the row again. Elsewhere a value that repeats one of the two
 * is one byte.
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

const ALL_CONTROL = new RegExp(CONTROL, 'g')

/** The columns as a schema has them: those of `marks` are marked where they hold what is theirs in this row. */
export function schemaFor(columns: string[], marks: { key: string | null; number: string | null }, row: Row): string[] {
  return columns.map((column) => {
    if (column === marks.number && row.data[column] === row.number) return `+${column}`
    if (column === marks.key && row.data[column] === row.key) return `=${column}`
    return column
  })
}

/** `columns` as the schema of this number has them. */
export function packRow(schema: number, columns: string[], { key, number, data }: Row): string {
  let packed = `${schema.toString(36)}${SEPARATOR}${key === number ? '' : key}${SEPARATOR}${number}`
  for (const column of columns) {
    if (column.startsWith('+') || column.startsWith('=')) continue
    const value = data[column] ?? ''
    const kept = value === number ? SAME_NUMBER : value === key && value !== '' ? SAME_KEY : value
    packed += SEPARATOR + (kept === value && CONTROL.test(value) ? value.replace(ALL_CONTROL, ' ') : kept)
  }
  return packed
}

/** `columns` gives the schema's columns by its number. */
export function unpackRow(packed: string, columns: (schema: number) => string[]): Row {
  const [schema = '0', shortKey = '', number = '', ...values] = packed.split(SEPARATOR)
  const key = shortKey === '' ? number : shortKey
  const data: Record<string, string> = Object.create(null)
  let at = 0
  for (const column of columns(Number.parseInt(schema, 36))) {
    if (column.startsWith('+')) data[column.slice(1)] = number
    else if (column.startsWith('=')) data[column.slice(1)] = key
    else {
      const value = values[at++] ?? ''
      data[column] = value === SAME_NUMBER ? number : value === SAME_KEY ? key : value
    }
  }
  return { key, number, data }
}

/** Key (empty: the number is the key) and number of a packed row. */
export function namesOf(packed: string): { key: string; number: string } {
  const first = packed.indexOf(SEPARATOR)
  const second = packed.indexOf(SEPARATOR, first + 1)
  const third = packed.indexOf(SEPARATOR, second + 1)
  return { key: packed.slice(first + 1, second), number: packed.slice(second + 1, third < 0 ? undefined : third) }
}

export function schemaOf(packed: string): number {
  return Number.parseInt(packed.slice(0, packed.indexOf(SEPARATOR)), 36)
}
