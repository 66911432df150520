/** The engine that speaks: a word is really spoken, in the way that the service does it. */
import { join } from 'node:path'
import { missingParts } from '../../embedded/tools.ts'
import { commandEngine, espeak } from '../../media/engine.ts'
import { type Examination, fail, ok, reason } from './finding.ts'

export const speech: Examination = async function* ({ config }) {
  const what = 'speech'
  if (missingParts(['speech'], config.cache_dir).length > 0) {
    yield fail(what, 'espeak-ng and sox are not set up', 'Run `make setup`; `apel serve` does it by itself, too.')
    return
  }
  const { speech } = config
  const engine =
    speech.engine === 'command' ? commandEngine(speech.command) : espeak(join(config.cache_dir, 'bin/espeak-ng'))
  const begun = performance.now()
  try {
    const wav = await engine.speak({ text: 'One minute, please.', language: 'en', voice: null, rate: null })
    if (wav.length < 1000) yield fail(what, `${speech.engine} spoke without a sound`, 'Try the engine by hand.')
    else yield ok(what, `${await engine.version()}, a sentence in ${Math.round(performance.now() - begun)} ms`)
  } catch (error) {
    yield fail(what, reason(error), 'Check `speech` in apel.yaml, and try the engine by hand.')
  }
}
