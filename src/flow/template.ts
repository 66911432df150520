/**
 * Text with holes: `"Hello {contact.name}"`. `{{` and `}}` are braces; what is between `{` and its `}` is one
 * expression, in which quotes and inner braces are respected.
 */

/** A piece is text, or an expression's source with its offset in the written text. */
export type Piece = string | { source: string; offset: number }

/** Cuts a text into pieces; a sentence with its offset when a brace has no partner. */
export function cutTemplate(text: string): Piece[] | { message: string; offset: number } {
  const pieces: Piece[] = []
  let words = ''
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!
    if ((char === '{' || char === '}') && text[i + 1] === char) {
      words += char
      i++
    } else if (char === '}') {
      return { message: 'a "}" without its "{": write "}}" for a brace', offset: i }
    } else if (char === '{') {
      const end = holeEnd(text, i + 1)
      if (end < 0) return { message: 'a "{" without its "}": write "{{" for a brace', offset: i }
      const source = text.slice(i + 1, end)
      if (source.trim() === '') return { message: 'nothing between "{" and "}"', offset: i }
      if (words !== '') pieces.push(words)
      words = ''
      pieces.push({ source, offset: i + 1 })
      i = end
    } else words += char
  }
  if (words !== '') pieces.push(words)
  return pieces
}

function holeEnd(text: string, from: number): number {
  let depth = 0
  let quote: string | null = null
  for (let i = from; i < text.length; i++) {
    const char = text[i]!
    if (quote !== null) {
      if (char === '\\') i++
      else if (char === quote) quote = null
    } else if (char === '"' || char === "'") quote = char
    else if (char === '{') depth++
    else if (char === '}' && depth-- === 0) return i
  }
  return -1
}

/** How a value stands in a text. */
export function inText(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value
    case 'number':
      return Number.isInteger(value) ? String(value) : String(Math.round(value * 1e6) / 1e6)
    case 'boolean':
      return String(value)
    case 'object':
      if (value === null) return ''
      return Array.isArray(value) ? value.map(inText).join(', ') : JSON.stringify(value)
    default:
      return ''
  }
}
