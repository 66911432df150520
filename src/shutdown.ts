/**
 * Who opens something registers here how it is closed. Closing runs in reverse order, all of it even when
 * a part fails, each part with its own deadline, and the faults are gathered for the caller.
 */
export interface Releasers {
  /** Registers a closer; `name` appears in the fault. */
  add(name: string, close: () => Promise<unknown> | unknown): void
  /** Closes everything once; a second call returns the first one's promise. Resolves to the faults, empty when clean. */
  closeAll(): Promise<Error[]>
}

/** `deadline` is how long one part may take to close, ms. */
export function makeReleasers(deadline = 20_000): Releasers {
  const closers: { name: string; close: () => Promise<unknown> | unknown }[] = []
  let closing: Promise<Error[]> | null = null
  return {
    add(name, close) {
      closers.push({ name, close })
    },
    closeAll() {
      closing ??= closeInReverse(closers, deadline)
      return closing
    },
  }
}

async function closeInReverse(
  closers: { name: string; close: () => Promise<unknown> | unknown }[],
  deadline: number,
): Promise<Error[]> {
  const faults: Error[] = []
  for (;;) {
    const part = closers.pop()
    if (part === undefined) return faults
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`not closed within ${deadline} ms`)), deadline)
    })
    try {
      await Promise.race([(async () => part.close())(), late])
    } catch (cause) {
      faults.push(
        new Error(`closing ${part.name}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause }),
      )
    } finally {
      clearTimeout(timer)
    }
  }
}
