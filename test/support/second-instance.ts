/** Another `apel serve` beside a system's own: the same file but for its name, its data folder its port, and how it speaks to Asterisk. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { freePort } from '../../src/phones/ports.ts'
import { ServiceProcess } from './service-process.ts'
import type { System } from './system.ts'

export interface SecondInstance {
  service: ServiceProcess
  url: string
  /** As `System.api`, spoken to this one. */
  api: System['api']
}

/** Starts it and waits until it is ready. `system.stop` does not end it. */
export async function startSecond(
  system: System,
  instance: string,
  {
    transport = 'auto',
    ...options
  }: { transport?: 'auto' | 'ari-client' | 'websocket'; env?: Record<string, string>; main?: string | undefined } = {},
): Promise<SecondInstance> {
  const port = await freePort('tcp')
  const config = parse(readFileSync(join(system.folder, 'apel.yaml'), 'utf8'))
  const file = join(system.folder, `${instance}.yaml`)
  const own = { instance, data_dir: join(system.folder, instance), api: { host: '127.0.0.1', port } }
  const asterisk = config.asterisk.map((node: object) => ({ ...node, transport }))
  writeFileSync(file, stringify({ ...config, ...own, asterisk }))
  const url = `http://127.0.0.1:${port}`
  const service = new ServiceProcess({ url, config: file, log: join(system.folder, `${instance}.log`), ...options })
  await service.start()
  return {
    service,
    url,
    async api(method, path, body) {
      const json = { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
      const answer = await fetch(url + path, { method, ...(body === undefined ? {} : json) })
      const text = await answer.text()
      if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
      return text && answer.headers.get('content-type')?.startsWith('application/json') ? JSON.parse(text) : text
    },
  }
}
