/** The few requests to Asterisk that a look at it takes, each with its deadline. */
export interface Ari {
  get(path: string): Promise<{ status: number; body: unknown }>
  post(path: string): Promise<{ status: number; body: unknown }>
  remove(path: string): Promise<void>
}

export function ariOf(url: string, username: string, password: string): Ari {
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
  const ask = async (method: string, path: string): Promise<{ status: number; body: unknown }> => {
    const signal = AbortSignal.timeout(5000)
    const response = await fetch(`${url}/ari${path}`, { method, headers: { authorization }, signal })
    const text = await response.text()
    try {
      return { status: response.status, body: JSON.parse(text) }
    } catch {
      return { status: response.status, body: text }
    }
  }
  return {
    get: (path) => ask('GET', path),
    post: (path) => ask('POST', path),
    async remove(path) {
      await ask('DELETE', path).catch(() => {})
    },
  }
}
