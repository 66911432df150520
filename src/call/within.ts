/** Every wait of a call has an end: what was waited for, or a deadline. */
import type { Clock } from './ports.ts'

/** What `work` settles to, or `late` after `ms`. What a late one settles to is nobody's business any more. */
export function within<T, L>(clock: Clock, ms: number, work: Promise<T>, late: L): Promise<T | L> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimeout(() => resolve(late), ms)
    work.then(
      (value) => {
        clock.clearTimeout(timer)
        resolve(value)
      },
      (error: unknown) => {
        clock.clearTimeout(timer)
        reject(error)
      },
    )
  })
}
