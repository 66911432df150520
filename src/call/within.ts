/** Every wait of a call has an end: what was waited for, or a deadline. */
import type { Clock } from './ports.ts'

/** What `work` settles to, or `late` after `ms`. What a late one settles to is nobody's business any more. */
export async function within<T, L>(clock: Clock, ms: number, work: Promise<T>, late: L): Promise<T | L> {
  let timer: unknown
  const deadline = new Promise<L>((resolve) => {
    timer = clock.setTimeout(() => resolve(late), ms)
  })
  try {
    return await Promise.race([work, deadline])
  } finally {
    clock.clearTimeout(timer)
  }
}
