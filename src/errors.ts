/**
 * One error class for the whole service. `code` is from a fixed table (documented in `docs/errors.md`, held
 * together by a test), `message` says what, where and what to do, `facts` are the values as fields,
 * `again` answers whether the same request may succeed later by itself.
 */
export class ApelError extends Error {
  readonly code: string
  readonly facts: Record<string, unknown>
  readonly again: boolean

  constructor(code: string, message: string, facts: Record<string, unknown> = {}, again = false) {
    super(message)
    this.name = 'ApelError'
    this.code = code
    this.facts = facts
    this.again = again
  }
}

/**
 * Everything that can be wrong with a file that a person wrote. `docs/check.md` has each with an example that is wrong and
 * its mend; a test holds the two together. A code keeps its meaning; a new one may be added.
 */
export const PROBLEM_CODES = {
  // Of any file
  unreadable: 'The file is not there, or may not be read.',
  empty: 'There is nothing in the file.',
  yaml: 'The text is not YAML, or not of the plain kind that is read here.',
  'too-large': 'The file is larger than 256 KiB, or has more parts than a file of its kind needs.',
  'too-deep': 'The file is nested deeper than 64 levels.',
  anchor: 'Anchors and aliases are not allowed.',
  tag: "YAML's tags are not allowed.",
  'duplicate-key': 'A key stands twice in one map.',
  'unknown-key': 'No such key is known here.',
  'missing-key': 'A key that must be there is not.',
  'wrong-type': 'The value is of another kind than belongs here.',
  'bad-value': 'The value is of the right kind, but none that can be.',
  name: 'This cannot be a name, or not the name of this.',
  'unknown-flow': 'A flow is named that is not there.',
  // Of flows
  verb: 'A step has no verb, or more than one.',
  'flow-name': 'A flow or a library is named other than its file.',
  'unknown-library': 'A library is included that is not there.',
  'name-clash': 'A flow and a library that it includes, or two of them, give something the same name.',
  recursion: 'Flows call each other in a round, or more than 8 deep.',
  'called-flow': 'A flow that is called has an error of its own.',
  'unknown-target': 'A step, situation, flow or task is named that is not there.',
  'unknown-variable': 'A variable is used that is not declared under `vars`.',
  expression: 'An expression, or the braces around one, is not right.',
  'save-type': 'What a step keeps does not fit the variable that it is kept in.',
  'missing-sound': 'A recorded sound is named that is not there.',
  'missing-language': "A text is there in some languages, but not in the flow's own.",
  'http-host': 'A request goes where the configuration does not allow it, or is none of HTTP.',
  unreachable: 'Nothing leads to a step.',
  'no-end': 'A way leads nowhere, or never to an end of the call.',
  'no-way-out': 'Whatever the other side answers, the same question comes again.',
  cycle: 'The flow can go round for ever without the other side doing anything.',
  silence: 'Somebody is left in silence, or spoken to when nobody is there.',
  'shadowed-key': 'A key of the telephone means two things at one moment.',
  outcome: 'An outcome goes on to the step below without anybody having said so.',
  // Of campaigns and the configuration
  'unknown-trunk': 'A campaign names a trunk that no node has.',
  'short-ring': 'A campaign rings for less than 15 s.',
  'missing-file': "The contacts' file of a campaign is not there.",
  environment: 'A variable is not in the environment and has no default.',
  'duplicate-name': 'Two nodes, trunks, tokens, webhooks or numbers called are the same.',
  'unknown-peer': 'A trunk of an embedded node leads to a peer that is not there.',
  'port-taken': 'Two parts want the same port.',
  'host-not-allowed':
    'A webhook goes to a host that `http.allow_hosts` does not name, or has a password in its address.',
  'open-api': 'The API would listen beyond loopback without a token.',
  'plain-http': 'The password of ARI goes over the network in the clear.',
  'short-token': 'A token of the API can be guessed.',
} as const

export type ProblemCode = keyof typeof PROBLEM_CODES

/** A fault in a file that a person wrote: where it is, what it is, and what to do. Lines and columns count from 1. */
export interface Problem {
  file: string
  line: number
  column: number
  severity: 'error' | 'warning'
  code: ProblemCode
  message: string
}

/** `+40712345678` to `+4071•••678`: no whole number ever reaches a log line (P9). */
export function maskNumber(number: string): string {
  if (number.length < 7) return number.replace(/.(?=.)/g, '•')
  return `${number.slice(0, 5)}•••${number.slice(-3)}`
}
