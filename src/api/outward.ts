/** How what the service knows looks outside: times in RFC 3339 with milliseconds, absent values as null. */

/** Turns the times of a record (`at`, `until`, `…_at` in ms) and leaves everything else, nested data included, as it is. */
export function outward<T extends object>(record: T): Record<string, unknown> {
  const result: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(record)) {
    const time = key === 'at' || key === 'until' || key.endsWith('_at')
    if (time && typeof value === 'number') result[key] = new Date(value).toISOString()
    else result[key] = value === undefined ? null : value
  }
  return result
}

/** A call with its steps and legs. */
export function outwardCall(call: { steps: object[]; legs: object[] }): Record<string, unknown> {
  return { ...outward(call), steps: call.steps.map(outward), legs: call.legs.map(outward) }
}

export function outwardCampaign(campaign: { schedule: object | null }): Record<string, unknown> {
  return { ...outward(campaign), schedule: campaign.schedule && outward(campaign.schedule) }
}

export function outwardPage<T extends object>(
  page: { items: T[]; next: string | null },
  item: (value: T) => Record<string, unknown> = outward,
): { items: Record<string, unknown>[]; next: string | null } {
  return { items: page.items.map(item), next: page.next }
}
