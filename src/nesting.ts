/**
 * JSON from outside (a request, the answer of a service) is held against one limit before it is read: V8 parses any depth, and
 * then whatever walks through the value runs out of stack, at some thousands of levels; Redis' scripts give up at a thousand.
 */

/** The same as of a flow's file. */
const MOST = 64

/** Is this JSON nested deeper than 64 levels? What is no JSON may be called either way. */
export function tooDeep(json: string): boolean {
  let depth = 0
  let quoted = false
  for (let at = 0; at < json.length; at++) {
    const sign = json.charCodeAt(at)
    if (quoted) {
      if (sign === BACKSLASH) at++
      else if (sign === QUOTE) quoted = false
    } else if (sign === QUOTE) quoted = true
    else if (sign === BRACKET || sign === BRACE) {
      if (++depth > MOST) return true
    } else if (sign === BRACKET + 2 || sign === BRACE + 2) depth--
  }
  return false
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
/** `[` and `{`; each is closed by the second sign after it. */
const BRACKET = 0x5b
const BRACE = 0x7b
