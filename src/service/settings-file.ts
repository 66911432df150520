/**
 * `apel.yaml` is read at a start and never again, so that all parts of a service go by one configuration, checked whole. Whoever
 * reloads because they have changed it is told that the change waits for the next start.
 */
import { readFile } from 'node:fs/promises'

/** Gives whether the file, null for none, is another one than it is now. */
export async function watchSettings(path: string | null): Promise<() => Promise<boolean>> {
  const read = async (): Promise<string | null> => (path === null ? null : readFile(path, 'utf8').catch(() => null))
  const before = await read()
  return async () => (await read()) !== before
}
