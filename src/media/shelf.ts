/**
 * A folder of sounds named by what they are made from: the same words by the same voice are made once, whoever asks, also
 * after a restart and by several instances that share the folder. A file appears whole or not at all (written beside and
 * renamed), and one that is there is never written again. What was not asked for longest is swept away when it is full:
 * a campaign that greets a million people by name would fill any disk.
 *
 * Some sounds may be kept nowhere, since secret digits are spoken in them: they have a name of chance that tells them apart, and
 * are gone a quarter of an hour later; those that a killed process has left, with the next sweep.
 */
import { randomBytes } from 'node:crypto'
import { mkdirSync, statSync } from 'node:fs'
import { copyFile, link, mkdir, readdir, rename, stat, unlink, utimes, writeFile } from 'node:fs/promises'
import { basename, dirname, join, parse } from 'node:path'
import { ApelError } from '../errors.ts'

const hour = 3600_000
/** Never swept: a call that is on may be about to play it. */
const fresh = 6 * hour
/** Begins the name of a sound that is not kept, and how long it is there, ms. */
const PASSING = '00000000'
const LENT_FOR = 15 * 60_000
/** How many sizes are remembered. */
const remembered = 2000

export class Shelf {
  readonly #folder: string
  readonly #making = new Map<string, Promise<string>>()
  /** A sound that is there is never written again, so its size is asked for once. */
  readonly #sizes = new Map<string, number>()

  /** `folder` is absolute; it is made when it is not there. */
  constructor(folder: string) {
    this.#folder = folder
    mkdirSync(folder, { recursive: true, mode: 0o755 })
  }

  /** Where a sound of this name stands or will stand. `name` is a hash with an ending, e.g. `3f….ulaw`. */
  path(name: string): string {
    return join(this.#folder, name.slice(0, 2), name)
  }

  /** Bytes of a sound on this shelf; null when it is not there. */
  size(name: string): number | null {
    const known = this.#sizes.get(name)
    if (known !== undefined) return known
    const size = statSync(this.path(name), { throwIfNoEntry: false })?.size
    if (size === undefined) return null
    if (this.#sizes.size >= remembered) this.#sizes.clear()
    this.#sizes.set(name, size)
    return size
  }

  /** The sound's path; `make` is called when it is not there, once for all who ask meanwhile. */
  get(name: string, make: () => Promise<Buffer>): Promise<string> {
    return this.#once(name, async (draft) => {
      const sound = await make()
      await mkdir(dirname(draft), { recursive: true, mode: 0o755 })
      await writeFile(draft, sound, { mode: 0o644 })
    })
  }

  /** As `get`, but what had to be made is not kept, and is found by nobody else. */
  lend(name: string, make: () => Promise<Buffer>): Promise<string> {
    if (this.#there(this.path(name))) return Promise.resolve(this.path(name))
    const { ext } = parse(name)
    return this.get(`${PASSING}${randomBytes(12).toString('hex')}${ext}`, make)
  }

  /** The path on this shelf of a sound that another shelf has at `path`. */
  take(path: string): Promise<string> {
    const name = basename(path)
    if (this.path(name) === path) return Promise.resolve(path)
    return this.#once(name, async (draft) => {
      await mkdir(dirname(draft), { recursive: true, mode: 0o755 })
      await link(path, draft).catch(() => copyFile(path, draft))
    })
  }

  /** Removes what was asked for longest ago until at most `bytes` are left. Answers how many files went. */
  async sweep(bytes: number, now = Date.now()): Promise<number> {
    let gone = 0
    const files = await this.#files()
    const kept = files.filter(({ path }) => !basename(path).startsWith(PASSING))
    for (const { path, used } of files)
      if (basename(path).startsWith(PASSING) && now - used > LENT_FOR) {
        await this.#remove(path)
        gone += 1
      }
    let size = kept.reduce((sum, file) => sum + file.size, 0)
    for (const file of kept.sort((a, b) => a.used - b.used)) {
      if (size <= bytes || now - file.used < fresh) break
      await this.#remove(file.path)
      size -= file.size
      gone += 1
    }
    return gone
  }

  async #remove(path: string): Promise<void> {
    await unlink(path).catch(() => {})
    this.#sizes.delete(basename(path))
  }

  #once(name: string, fill: (draft: string) => Promise<void>): Promise<string> {
    const path = this.path(name)
    if (this.#there(path)) return Promise.resolve(path)
    const under = this.#making.get(name)
    if (under) return under
    const draft = `${path}.${randomBytes(6).toString('hex')}.draft`
    const work = fill(draft)
      .then(() => rename(draft, path))
      .then(
        () => {
          if (name.startsWith(PASSING)) setTimeout(() => void this.#remove(path), LENT_FOR).unref()
          return path
        },
        async (error: unknown) => {
          await unlink(draft).catch(() => {})
          throw error instanceof ApelError ? error : cannotKeep(path, error)
        },
      )
      .finally(() => this.#making.delete(name))
    this.#making.set(name, work)
    return work
  }

  /** A look at the disk costs some microseconds, less than one thread's turn would; the time of use is kept by the hour. */
  #there(path: string): boolean {
    const found = statSync(path, { throwIfNoEntry: false })
    if (found === undefined) return false
    const now = Date.now()
    if (now - found.mtimeMs > hour) void utimes(path, now / 1000, now / 1000).catch(() => {})
    return true
  }

  async #files(): Promise<{ path: string; size: number; used: number }[]> {
    const files: { path: string; size: number; used: number }[] = []
    for (const part of await readdir(this.#folder, { withFileTypes: true })) {
      if (!part.isDirectory() || part.name.length !== 2) continue
      for (const name of await readdir(join(this.#folder, part.name))) {
        const path = join(this.#folder, part.name, name)
        const found = await stat(path).catch(() => null)
        if (found?.isFile()) files.push({ path, size: found.size, used: found.mtimeMs })
      }
    }
    return files
  }
}

function cannotKeep(path: string, error: unknown): ApelError {
  const reason = error instanceof Error ? error.message : String(error)
  return new ApelError('sound_not_kept', `The sound cannot be written to ${dirname(path)}: ${reason}`, {}, true)
}
