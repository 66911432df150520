/** Runs a command line inside the test, in a folder of its own, and keeps what it says. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '../../../src/cli/program.ts'
import { type TestApi, withCampaign } from '../../api/api.ts'

export interface Said {
  status: number
  out: string
  err: string
}

interface Teardown {
  teardown(run: () => unknown): unknown
}

/** `newest` is what the command that was begun last has said so far. */
export type Apel = ((...args: string[]) => Promise<Said>) & { newest: Said }

export function apelIn(cwd: string, env: Record<string, string> = {}): Apel {
  const apel: Apel = async (...args) => {
    const said = { status: 0, out: '', err: '' }
    apel.newest = said
    said.status = await run(
      args,
      {
        out: async (text) => {
          said.out += text
        },
        err: (text) => {
          said.err += text
        },
        env,
        terminal: false,
        cwd,
      },
      '1.2.3',
    )
    return said
  }
  apel.newest = { status: 0, out: '', err: '' }
  return apel
}

export function aFolder(t: Teardown): string {
  const folder = mkdtempSync(join(tmpdir(), 'apel-cli-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  return folder
}

/** A folder, and a service in memory that the commands find by `APEL_URL`. */
export async function aService(t: Teardown): Promise<TestApi & { apel: Apel; cwd: string; url: string }> {
  const api = await withCampaign()
  const url = await api.app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => api.app.close())
  const cwd = aFolder(t)
  return { ...api, cwd, url, apel: apelIn(cwd, { APEL_URL: url }) }
}
