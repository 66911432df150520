/** Those that wait, the earliest first. */
export class Heap<T> {
  private readonly items: { key: number; value: T }[] = []

  get size(): number {
    return this.items.length
  }

  /** The least key; infinite when there is none. */
  get first(): number {
    return this.items[0]?.key ?? Number.POSITIVE_INFINITY
  }

  push(key: number, value: T): void {
    const { items } = this
    let at = items.length
    items.push({ key, value })
    while (at > 0) {
      const up = (at - 1) >> 1
      if (items[up]!.key <= key) break
      items[at] = items[up]!
      at = up
    }
    items[at] = { key, value }
  }

  pop(): T | null {
    const { items } = this
    const top = items[0]
    const last = items.pop()
    if (top === undefined || last === undefined) return null
    if (items.length > 0) {
      let at = 0
      for (;;) {
        let down = 2 * at + 1
        if (down >= items.length) break
        if (down + 1 < items.length && items[down + 1]!.key < items[down]!.key) down++
        if (items[down]!.key >= last.key) break
        items[at] = items[down]!
        at = down
      }
      items[at] = last
    }
    return top.value
  }
}
