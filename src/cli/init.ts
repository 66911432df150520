/** `apel init [DIR]`: a small project to start from. What is already there is never written over. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import type { Register } from './command.ts'
import { Exit } from './io.ts'

export const init: Register = (program, io) => {
  program
    .command('init [dir]')
    .description('write an apel.yaml, a flow, its test and a campaign to start from')
    .action(async (dir: string | undefined) => {
      const files = (await import('./init/files.ts')).files()
      const folder = resolve(io.cwd, dir ?? '.')
      const there = Object.keys(files).filter((name) => existsSync(join(folder, name)))
      if (there.length > 0)
        throw new Exit(1, `${there.join(', ')} is already there; nothing was written. Name another folder.`)
      for (const [name, text] of Object.entries(files)) {
        const path = join(folder, name)
        makeFolder(dirname(path))
        // `wx`: a file that appeared meanwhile is not written over either.
        writeFileSync(path, text, { flag: 'wx' })
        await io.out(`${relative(io.cwd, path)}\n`)
      }
      const enter = folder === io.cwd ? '' : `cd ${relative(io.cwd, folder)}; `
      io.err(`\nNext: ${enter}apel check; then set policy.allow and the trunk in apel.yaml, and apel serve.\n`)
    })
}

/** One after another from the first that is there: asked for all at once where there can be none (`/proc/x`), Node never answers. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return
  makeFolder(dirname(folder))
  try {
    mkdirSync(folder)
  } catch (cause) {
    throw new Exit(1, `The folder ${folder} cannot be made: ${(cause as Error).message}.`)
  }
}
