/**
 * What a flow needs of machines and other people (an answer to `http`, a task, somebody to be dialled), and the answers that a
 * script has for it. An answer that comes early is kept in stock for the next need that it fits, in order; an external task
 * is needed from the first entry of its hold on, and once.
 */

/** Answers of machines and of other people, as a script gives them. Durations in ms, from the need. */
export type Answer =
  | { http: { url?: string; status?: number; json?: unknown; after?: number } }
  | { task: { name: string; status?: 'done' | 'failed'; result?: unknown; after?: number } }
  | { agent: 'answers' | 'busy' | 'no_answer' }

export type Need =
  | { kind: 'http'; id: string; url: string }
  | { kind: 'dial'; id: string; timeout: number; limit: number }

/** Brings an answer to whom it is for, in the world that the script is played in. */
export interface Fulfil {
  http(need: Extract<Need, { kind: 'http' }>, answer: Extract<Answer, { http: unknown }>['http']): void
  task(task: Extract<Answer, { task: unknown }>['task']): void
  agent(need: Extract<Need, { kind: 'dial' }>, what: 'answers' | 'busy' | 'no_answer'): void
}

export class Answers {
  private readonly fulfil: Fulfil
  private stock: Answer[] = []
  private needs: Need[] = []
  private readonly tasks = new Set<string>()

  constructor(fulfil: Fulfil) {
    this.fulfil = fulfil
  }

  need(need: Need): void {
    this.needs.push(need)
  }

  forget(id: string): void {
    this.needs = this.needs.filter((need) => need.id !== id)
  }

  /** Keeps an answer for the next need that it fits. */
  keep(answer: Answer): void {
    this.stock.push(answer)
  }

  /** Answers that nobody has needed. */
  unused(): readonly Answer[] {
    return this.stock
  }

  wanting(openTasks: readonly string[]): string[] {
    return [
      ...this.needs.map((need) => (need.kind === 'http' ? `an answer of ${need.url}` : 'somebody to take the call')),
      ...openTasks.flatMap((name) => (this.tasks.has(name) ? [] : [`the task ${name}`])),
    ]
  }

  /** Gives what is in stock to whom it is for. */
  supply(openTasks: readonly string[]): void {
    for (const answer of [...this.stock]) {
      const give = this.giverOf(answer, openTasks)
      if (give === null) continue
      this.stock.splice(this.stock.indexOf(answer), 1)
      give()
    }
  }

  /** What gives it; null while nobody needs it. */
  private giverOf(answer: Answer, openTasks: readonly string[]): (() => void) | null {
    const { fulfil, needs, tasks } = this
    if ('task' in answer) {
      const { name } = answer.task
      if (!openTasks.includes(name) || tasks.has(name)) return null
      tasks.add(name)
      return () => fulfil.task(answer.task)
    }
    const fits = (need: Need): boolean =>
      need.kind === 'http'
        ? 'http' in answer && (answer.http.url === undefined || need.url.includes(answer.http.url))
        : 'agent' in answer
    const need = needs.find(fits)
    if (need === undefined) return null
    needs.splice(needs.indexOf(need), 1)
    return () => {
      if (need.kind === 'http' && 'http' in answer) fulfil.http(need, answer.http)
      else if (need.kind === 'dial' && 'agent' in answer) fulfil.agent(need, answer.agent)
    }
  }
}
