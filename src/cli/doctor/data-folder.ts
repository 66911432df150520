/** The folder that the service keeps its ledger, sounds and recordings in: is it there, ours, and is there room? */
import { rm, statfs } from 'node:fs/promises'
import { openDataFolder } from '../../service/data-folder.ts'
import { type Examination, fail, ok, reason, warn } from './finding.ts'

const LITTLE = 1024 ** 3

export const dataFolder: Examination = async function* ({ config }) {
  const folder = config.data_dir
  const what = 'data_dir'
  let free: number
  try {
    const made = await openDataFolder(folder)
    const { bavail, bsize } = await statfs(folder)
    free = bavail * bsize
    // Only a look: the folder is made by the service, when it starts.
    if (made) await rm(made, { recursive: true })
  } catch (error) {
    yield fail(what, reason(error), 'Give the folder to the user of the service, or name another one.')
    return
  }
  const text = `${folder}, ${(free / LITTLE).toFixed(1)} GiB free`
  if (free < LITTLE) yield warn(what, text, 'Make room: without it no call can be written down, and none is dialled.')
  else yield ok(what, text)
}
