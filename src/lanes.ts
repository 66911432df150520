/**
 * At most so many at once, the rest in the order they came. Speech engines are processes: a campaign that starts with a
 * thousand new names would otherwise start a thousand of them and starve the calls that are on. Lists of the API are the like.
 */
export type Lanes = <T>(work: () => Promise<T>) => Promise<T>

/** Makes a gate that lets `width` pieces of work run at a time. */
export function lanes(width: number): Lanes {
  const waiting: (() => void)[] = []
  let free = width
  return async (work) => {
    if (free > 0) free -= 1
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else free += 1
    }
  }
}
