/**
 * CSV as it leaves the service. A spreadsheet takes a cell that begins with `=`, `+`, `-`, `@`, a tab or a carriage return for
 * a formula; such a cell gets an apostrophe in front. A plain number, signed or not, is harmless and stays as it is, or no
 * telephone number could be read back.
 */
export function csvCell(value: unknown): string {
  if (value === null || value === undefined) return ''
  let text = typeof value === 'object' ? JSON.stringify(value) : String(value)
  if (/^[=+\-@\t\r\uFF1D\uFF0B\uFF0D\uFF20]/.test(text) && !/^[+-]?\d+(\.\d+)?$/.test(text)) text = `'${text}`
  return /[",\r\n\t]|^ | $/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** One line, with its end (RFC 4180). */
export const csvLine = (values: readonly unknown[]): string => `${values.map(csvCell).join(',')}\r\n`
