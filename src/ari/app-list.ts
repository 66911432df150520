/**
 * The dialplan must know where to send an inbound call: the global variable APEL_APPS lists the living applications of
 * all instances on this node. Reading and writing it are two requests, so two instances may undo each other; the owner
 * looks again with every heartbeat, and whoever holds a lock passes it in as `exclusively`.
 */
import type { AriLink } from './link.ts'

const VARIABLE = 'APEL_APPS'

export type Exclusively = <T>(run: () => Promise<T>) => Promise<T>

/** Puts `app` on the list if it is not there, and takes off those that Asterisk no longer knows. */
export async function listApp(link: AriLink, app: string, exclusively: Exclusively): Promise<void> {
  if ((await read(link)).includes(app)) return
  await exclusively(async () => {
    const known = await knownApps(link)
    const kept = (await read(link)).filter((name) => name !== app && (known === null || known.has(name)))
    await write(link, [...kept, app])
  })
}

/** Takes `app` off the list: from now on the dialplan sends inbound calls to the others. */
export async function unlistApp(link: AriLink, app: string, exclusively: Exclusively): Promise<void> {
  await exclusively(async () => {
    const names = await read(link)
    if (names.includes(app))
      await write(
        link,
        names.filter((name) => name !== app),
      )
  })
}

async function read(link: AriLink): Promise<string[]> {
  const answer = await link.request('GET', '/asterisk/variable', { variable: VARIABLE })
  const value = (answer.body as { value?: unknown } | null)?.value
  return typeof value === 'string' ? value.split(',').filter((name) => name !== '') : []
}

async function write(link: AriLink, names: string[]): Promise<void> {
  await link.request('POST', '/asterisk/variable', { variable: VARIABLE, value: names.join(',') })
}

async function knownApps(link: AriLink): Promise<Set<string> | null> {
  const answer = await link.request('GET', '/applications')
  if (!Array.isArray(answer.body)) return null
  return new Set(answer.body.map((item: { name?: unknown } | null) => String(item?.name ?? '')))
}
