/**
 * A sentence, spoken by the engine, put where this Asterisk finds its sounds, and really played there: into a bridge that
 * nobody is in, so that no telephone rings. A sound that cannot be read ends at once; one that plays takes its time.
 */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { Config, NodeConfig } from '../../config.ts'
import { missingParts } from '../../embedded/tools.ts'
import { commandEngine, espeak } from '../../media/engine.ts'
import { makeStudio } from '../../media/voice.ts'
import type { Ari } from './ari.ts'
import { type Finding, fail, ok, reason, warn } from './finding.ts'

const SENTENCE = 'Thank you for waiting. This sentence is played to nobody, to see whether it can be.'
/** u-law: bytes a millisecond. */
const BYTES = 8

export async function* playsSound(what: string, node: NodeConfig, ari: Ari, config: Config): AsyncIterable<Finding> {
  if (node.sounds?.kind === 'http') {
    yield warn(what, 'sounds are fetched from the API; none was played', 'Watch a call with `apel dial`.')
    return
  }
  if (missingParts(['speech'], config.cache_dir).length > 0) return
  const bin = join(config.cache_dir, 'bin')
  const engine =
    config.speech.engine === 'command' ? commandEngine(config.speech.command) : espeak(join(bin, 'espeak-ng'))
  const folder = join(config.data_dir, 'sounds')
  const id = `apel-doctor-${process.pid}-${node.name}`
  try {
    const studio = makeStudio({ folder, engine, sox: join(bin, 'sox'), recorded: join(config.flows, 'sounds') })
    const voice = studio.at({ folder: node.sounds?.folder ?? folder })
    const [file = ''] = await voice.files([{ text: SENTENCE, language: 'en', voice: null, rate: null }])
    const length = statSync(`${file}.ulaw`).size / BYTES
    const bridge = await ari.post(`/bridges/${id}?type=mixing`)
    if (bridge.status !== 200) {
      yield fail(what, `no bridge can be made (${bridge.status})`, 'Load bridge_softmix and res_ari_bridges.')
      return
    }
    const took = await played(ari, id, file, length)
    if (took === null) {
      yield warn(what, 'no sound was played: it cannot play into a bridge', 'Load chan_bridge_media in modules.conf.')
      return
    }
    if (took >= length * 0.8) yield ok(what, `a sentence was played, ${(took / 1000).toFixed(1)} s`)
    else
      yield fail(
        what,
        `a sound was not played (${Math.round(took)} of ${Math.round(length)} ms)`,
        `Asterisk must be able to read ${file}.ulaw; set \`sounds\` of the node to a folder that both see, or to http.`,
      )
  } catch (error) {
    yield fail(what, `no sound could be played: ${reason(error)}`, 'See the speech engine and `sounds` of the node.')
  } finally {
    await ari.remove(`/bridges/${id}`)
  }
}

/** How long the playback was there, ms; null when this Asterisk has no channel that plays into a bridge. */
async function played(ari: Ari, bridge: string, file: string, length: number): Promise<number | null> {
  const begun = performance.now()
  const { status, body } = await ari.post(
    `/bridges/${bridge}/play/${bridge}?media=${encodeURIComponent(`sound:${file}`)}`,
  )
  if (status === 500 && /playback channel/.test(JSON.stringify(body))) return null
  if (status !== 201) throw new Error(`Asterisk answered ${status}: ${JSON.stringify(body)}`)
  while (performance.now() - begun < length + 5000) {
    if ((await ari.get(`/playbacks/${bridge}`)).status === 404) break
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return performance.now() - begun
}
