/**
 * Every code that the API answers with, its status and what it means to the one who asked. `docs/errors.md` is this table in
 * words; a test holds the two together. A code that is not here is answered as `internal`: nothing of the inside leaks.
 */
export interface ErrorEntry {
  status: number
  meaning: string
}

export const errorTable = {
  bad_request: { status: 400, meaning: 'The request is not as described; `details` names each fault with its path.' },
  unauthorized: { status: 401, meaning: 'No token, or one that is not known. Send `Authorization: Bearer TOKEN`.' },
  scope: { status: 403, meaning: 'The token is known but lacks the scope that `details.needed` names.' },
  origin: {
    status: 403,
    meaning: 'Without tokens the API answers this machine only, and no page of another site in its browser.',
  },
  not_found: { status: 404, meaning: 'There is no such path, campaign, contact, call, callback or entry.' },
  invalid_state: { status: 409, meaning: 'The campaign, call or callback cannot go there from the state it is in.' },
  idempotency_conflict: {
    status: 409,
    meaning: 'This `Idempotency-Key` was used for another request within 24 hours, or its first request is under way.',
  },
  too_large: { status: 413, meaning: 'The body is larger than the path takes.' },
  unsupported_media_type: {
    status: 415,
    meaning: 'The path does not take this `Content-Type`; `/docs` names what it takes.',
  },
  number: { status: 422, meaning: 'The number is not one that can be called: not valid, or premium, or an emergency.' },
  destination: { status: 422, meaning: 'No prefix of `policy.allow` covers the number.' },
  dnc: { status: 422, meaning: 'The number is on the do-not-call list.' },
  consent: { status: 422, meaning: 'The campaign asks for consent, and the contact has not given it.' },
  zone: { status: 422, meaning: 'Nobody can tell what time it is where the number rings.' },
  window: {
    status: 422,
    meaning: 'It is outside the calling hours of the one called; `details.until` says when they open.',
  },
  holiday: { status: 422, meaning: 'Today is a holiday of the campaign.' },
  cap: { status: 422, meaning: 'The number has been called as often as `policy.per_number` allows.' },
  budget: { status: 422, meaning: 'The contact has used all of its attempts.' },
  campaign_state: { status: 422, meaning: 'The campaign is not running.' },
  trunk_state: { status: 422, meaning: 'The trunk is paused by its breaker, or there is none of that name.' },
  trunk_busy: { status: 422, meaning: 'The trunk has no free channel, or no call left in this second.' },
  paused: { status: 422, meaning: 'All dialling is stopped; `POST /v1/resume` lets it go on.' },
  gate_closed: { status: 422, meaning: 'The service may not dial now; `/health/ready` says why.' },
  unknown_flow: { status: 422, meaning: 'There is no such flow, or it has an error; `GET /v1/flows` lists them.' },
  unknown_campaign: { status: 422, meaning: 'The request names a campaign that is not there.' },
  too_many_requests: {
    status: 429,
    meaning: 'Too many wrong tokens from this address; wait for `Retry-After` seconds.',
  },
  internal: { status: 500, meaning: 'A fault of the service; its log has the details under the request id.' },
  unavailable: { status: 503, meaning: 'The service cannot do this now (Redis away, shutting down); ask again.' },
} as const satisfies Record<string, ErrorEntry>

export type ErrorCode = keyof typeof errorTable

export const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(errorTable, code)

/** What the client reads. */
export interface ErrorBody {
  code: ErrorCode
  message: string
  details: unknown
}
