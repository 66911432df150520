/**
 * The survey call over bare ARI, written as tightly as either transport allows: one map by channel id, five requests a call
 * (originate, play, stop, play, hang up), no rule, no record, no time limit.
 */

/** The requests that a transport performs. */
export interface Requests {
  originate(id: string, number: string): Promise<unknown>
  play(id: string, playback: string, sound: string): Promise<unknown>
  stopPlay(playback: string): Promise<unknown>
  hangup(id: string): Promise<unknown>
}

/** What the events say of a call. */
export interface Survey {
  dial(number: string): Promise<void>
  entered(id: string): void
  key(id: string): void
  played(playback: string): void
  destroyed(id: string): void
}

export function survey(requests: Requests, question: string, answer: string): Survey {
  const calls = new Map<string, () => void>()
  const ignore = (): undefined => undefined
  let next = 0
  return {
    dial(number) {
      next += 1
      const id = `bench-${process.pid}-${next}`
      return new Promise((resolve) => {
        calls.set(id, resolve)
        requests.originate(id, number).catch(() => {
          calls.delete(id)
          resolve()
        })
      })
    },
    entered(id) {
      requests.play(id, `${id}.question`, question).catch(ignore)
    },
    key(id) {
      requests.stopPlay(`${id}.question`).catch(ignore)
      requests.play(id, `${id}.answer`, answer).catch(ignore)
    },
    played(playback) {
      if (playback.endsWith('.answer')) requests.hangup(playback.slice(0, -'.answer'.length)).catch(ignore)
    },
    destroyed(id) {
      calls.get(id)?.()
      calls.delete(id)
    },
  }
}
