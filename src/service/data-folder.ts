/**
 * The folder of the ledger, the run folders and the sounds: made if it is missing, and shown to be one that can be written to,
 * before anything relies on it.
 *
 * Its parts are made one by one. Node's recursive `mkdir` never comes back where the system answers that a new folder's parent is not
 * there although it is, as below /proc (v20.20), and holds up the whole process.
 */
import { mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ApelError } from '../errors.ts'

/** `mode` is that of what has to be made. Gives the outermost folder of it, null when all were there. Rejects with `data_dir`. */
export async function openDataFolder(folder: string, mode = 0o777): Promise<string | null> {
  try {
    const missing: string[] = []
    for (let part = folder; !(await isThere(part)); part = dirname(part)) missing.unshift(part)
    for (const part of missing) await mkdir(part, { mode }).catch(unlessThere)
    const probe = join(folder, `.probe-${process.pid}`)
    await writeFile(probe, '')
    await rm(probe)
    return missing[0] ?? null
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new ApelError(
      'data_dir',
      `The folder \`data_dir\` cannot be used: ${folder} ${WHY[code ?? ''] ?? `cannot be written to (${message})`}. Name one that the user of the service may write to.`,
      { folder },
    )
  }
}

const WHY: Record<string, string> = {
  ENOTDIR: 'is a file, or lies below one',
  EROFS: 'is on a file system that is read-only',
  EACCES: 'belongs to another user',
  EPERM: 'belongs to another user',
  ENOENT: 'cannot be made there',
  ENOSPC: 'is on a disk that is full',
}

async function isThere(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false
      throw error
    },
  )
}

/** Another service may have made it meanwhile. */
function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}
