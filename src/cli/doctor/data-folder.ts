/** The folder that the service keeps its ledger, sounds and recordings in: is it there, ours, and is there room? */
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Examination, fail, ok, reason, warn } from './finding.ts'

const LITTLE = 1024 ** 3

export const dataFolder: Examination = async function* ({ config }) {
  const folder = config.data_dir
  const what = 'data_dir'
  const probe = join(folder, `.doctor-${process.pid}`)
  let made: string | undefined
  let free: number
  try {
    made = await mkdir(folder, { recursive: true })
    await writeFile(probe, 'x')
    await rm(probe)
    const { bavail, bsize } = await statfs(folder)
    free = bavail * bsize
    // Only a look: the folder is made by the service, when it starts.
    if (made) await rm(made, { recursive: true })
  } catch (error) {
    yield fail(what, `${folder} cannot be written (${reason(error)})`, 'Give the folder to the user of the service.')
    return
  }
  const text = `${folder}, ${(free / LITTLE).toFixed(1)} GiB free`
  if (free < LITTLE) yield warn(what, text, 'Make room: without it no call can be written down, and none is dialled.')
  else yield ok(what, text)
}
