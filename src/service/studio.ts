/** The voice of the service: its engine, its folder of spoken texts, and the sweeping of what was not spoken for long. */
import { join } from 'node:path'
import type { Config } from '../config.ts'
import type { Tools } from '../embedded/tools.ts'
import type { Log } from '../log.ts'
import { commandEngine, espeak } from '../media/engine.ts'
import { makeStudio, type Studio } from '../media/voice.ts'
import type { Releasers } from '../shutdown.ts'

/** Bytes of spoken texts that are kept on the disk; a text with a name in it is spoken once. */
const KEPT = 2 * 1024 ** 3
const HOUR = 3_600_000

export function openStudio({ data_dir, flows, speech }: Config, tools: Tools, releasers: Releasers, log: Log): Studio {
  const studio = makeStudio({
    folder: join(data_dir, 'sounds'),
    engine: speech.engine === 'command' ? commandEngine(speech.command) : espeak(tools.path('espeak-ng')),
    sox: tools.path('sox'),
    recorded: join(flows, 'sounds'),
  })
  const sweep = () => void studio.sweep(KEPT).catch((err) => log.warn({ err }, 'sounds were not swept'))
  const sweeping = setInterval(sweep, HOUR)
  sweeping.unref()
  releasers.add('the sweeping of sounds', () => clearInterval(sweeping))
  return studio
}
