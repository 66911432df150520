/**
 * A unix socket's path has room for 107 bytes, and a data folder may lie deep. The socket stays in the data folder;
 * when its path is too long, it is reached through a link in a short folder that only we may enter. The link is made
 * again at each use, since cleaners of /tmp remove what is old.
 */
import { createHash } from 'node:crypto'
import { lstatSync, mkdirSync, readlinkSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { userInfo } from 'node:os'
import { ApelError } from '../errors.ts'

const ROOM = 100

/** A path to `folder` (which exists) that leaves room for a socket named `leaf` in it. */
export function reachable(folder: string, leaf: string): string {
  const real = realpathSync(folder)
  if (Buffer.byteLength(`${real}/${leaf}`) <= ROOM) return real
  return shortLink(real)
}

/** A path to `folder` made of plain letters only, for programs that split paths at commas, ampersands or spaces. */
export function plain(folder: string): string {
  const real = realpathSync(folder)
  return /^[\w./+-]+$/.test(real) ? real : shortLink(real)
}

/** Removes the link that `reachable` made for a folder, once nobody listens there any more. */
export function forget(folder: string): void {
  try {
    rmSync(parentOf(realpathSync(folder)), { recursive: true, force: true })
  } catch {
    // the folder is gone itself
  }
}

function parentOf(real: string): string {
  return `/tmp/apel-${userInfo().uid}-${createHash('sha256').update(real).digest('hex').slice(0, 12)}`
}

function shortLink(real: string): string {
  const uid = userInfo().uid
  const parent = parentOf(real)
  mkdirSync(parent, { recursive: true, mode: 0o700 })
  const found = lstatSync(parent)
  // Anybody may write to /tmp: a folder that somebody else made there first is not to be trusted.
  if (!found.isDirectory() || found.uid !== uid || (found.mode & 0o022) !== 0) {
    throw new ApelError(
      'embedded_start',
      `${parent} does not belong to this user, so no socket is put there. Remove it, or choose a data_dir with a path below ${ROOM - 30} letters.`,
      { parent },
    )
  }
  const link = `${parent}/d`
  try {
    if (readlinkSync(link) === real) return link
    rmSync(link, { force: true })
  } catch {
    // no link yet
  }
  try {
    symlinkSync(real, link)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
  }
  return link
}
