/** Each Asterisk: does it answer, is it new enough, does it have what calls need, and do the trunks lead anywhere? */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { holesOf, mendedIn } from '../../ari/holes.ts'
import { unfit } from '../../ari/readiness.ts'
import type { NodeConfig } from '../../config.ts'
import { missingParts } from '../../embedded/tools.ts'
import { type Ari, ariOf } from './ari.ts'
import { type Context, type Examination, type Finding, fail, ok, reason, warn } from './finding.ts'
import { playsSound } from './sound.ts'

/** Without one of these a call fails in the middle; a distribution may ship them in a package of their own. */
const NEEDED = [
  ...['res_ari', 'res_ari_channels', 'res_ari_events', 'res_ari_playbacks', 'res_ari_recordings', 'res_ari_bridges'],
  ...['res_ari_applications', 'res_ari_endpoints', 'res_stasis', 'res_stasis_playback', 'res_stasis_recording'],
  ...['app_stasis', 'res_http_websocket', 'res_musiconhold', 'func_timeout', 'func_talkdetect', 'func_callerid'],
  ...['format_pcm', 'codec_ulaw'],
]

export const asterisk: Examination = async function* (context) {
  for (const node of context.config.asterisk) {
    try {
      yield* examine(node, context)
    } catch (error) {
      yield fail(`asterisk ${node.name}`, reason(error), 'Look at its log.')
    }
  }
}

async function* examine(node: NodeConfig, context: Context): AsyncIterable<Finding> {
  const what = `asterisk ${node.name}`
  const { config } = context
  if (node.embedded && missingParts(['asterisk'], config.cache_dir).length > 0) {
    yield fail(what, 'the embedded server is not set up', 'Run `make setup`; `apel serve` does it by itself, too.')
    return
  }
  const account = node.embedded ? embeddedAccount(node, config.data_dir) : node
  if (account === null) {
    yield ok(what, 'embedded, set up, not running now')
    return
  }
  const ari = ariOf(account.url ?? '', account.username ?? '', account.password ?? '')
  let info: { system?: { version?: string } }
  try {
    const answer = await ari.get('/asterisk/info')
    if (answer.status === 401) {
      yield fail(what, 'it refuses the account', 'Compare username and password with its ari.conf.')
      return
    }
    if (answer.status === 404) {
      yield fail(
        what,
        `there is no ARI at ${account.url}`,
        'Enable it in ari.conf and load res_ari; is the address right?',
      )
      return
    }
    if (answer.status !== 200) {
      yield fail(what, `it answered ${answer.status}`, 'Give the account more than read_only in ari.conf; see its log.')
      return
    }
    info = answer.body as typeof info
  } catch (error) {
    if (node.embedded && !context.running) yield ok(what, 'embedded, set up, not running now')
    else
      yield fail(
        what,
        `it cannot be reached at ${account.url} (${reason(error)})`,
        'Check `url`, http.conf and firewalls.',
      )
    return
  }
  const version = String(info.system?.version ?? 'unknown')
  const why = unfit(version)
  if (why !== null) yield fail(what, `version ${version}`, `The gate stays closed: ${why}.`)
  else yield ok(what, `version ${version} at ${account.url}`)
  const holes = holesOf(version)
  if (holes.length > 0)
    yield warn(
      what,
      `version ${version} has known holes: ${holes.map((hole) => `${hole.advisory} (${hole.what})`).join('; ')}`,
      `Install ${mendedIn(version)} or later.`,
    )
  yield* modules(what, node, ari)
  yield* application(what, ari, context)
  yield* trunks(node, ari)
  yield* playsSound(what, node, ari, config)
}

/** The account that the service made for the node that it runs; null when it never ran. */
function embeddedAccount({ name, embedded }: NodeConfig, data_dir: string) {
  try {
    const text = readFileSync(join(data_dir, 'asterisk', name, 'etc/ari.conf'), 'utf8')
    const username = /^\[(?!general)([^\]]+)\]/m.exec(text)?.[1] ?? ''
    const password = /^password\s*=\s*(.*)$/m.exec(text)?.[1]?.replaceAll('\\;', ';') ?? ''
    return { url: `http://127.0.0.1:${embedded?.http_port}`, username, password }
  } catch {
    return null
  }
}

async function* modules(what: string, node: NodeConfig, ari: Ari): AsyncIterable<Finding> {
  const { status, body } = await ari.get('/asterisk/modules')
  if (status !== 200 || !Array.isArray(body)) {
    yield warn(what, 'it does not tell its modules', 'Load res_ari_asterisk.')
    return
  }
  const running = new Set(
    (body as { name: string; status: string }[])
      .filter((module) => module.status === 'Running')
      .map((module) => module.name.replace(/\.so$/, '')),
  )
  const technologies = new Set(node.trunks.map((trunk) => trunk.endpoint.split('/')[0]))
  const channels = [...technologies]
    .map((name) => `chan_${name?.toLowerCase()}`)
    .filter((name) => name !== 'chan_local')
  const missing = [...NEEDED, ...channels].filter((name) => !running.has(name))
  if (missing.length > 0) yield fail(what, `modules are missing: ${missing.join(', ')}`, 'Load them in modules.conf.')
  else yield ok(what, `${running.size} modules, all that calls need`)
  if (!running.has('app_amd')) yield warn(what, 'app_amd is not loaded', 'Only campaigns with `amd: true` need it.')
}

/** While the service runs, its application must be known here: else calls reach nobody. */
async function* application(what: string, ari: Ari, { running, config }: Context): AsyncIterable<Finding> {
  if (!running) return
  const { body } = await ari.get('/applications')
  const names = Array.isArray(body) ? (body as { name: string }[]).map((app) => app.name) : []
  const own = names.find((name) => name.startsWith(`apel-${config.instance}-`))
  if (own) yield ok(what, `the service is linked as ${own}`)
  else yield fail(what, 'the service has no link', 'See the service above and its log.')
}

async function* trunks(node: NodeConfig, ari: Ari): AsyncIterable<Finding> {
  const { body } = await ari.get('/endpoints')
  const known = Array.isArray(body) ? (body as { technology: string; resource: string; state: string }[]) : []
  for (const { name, endpoint } of node.trunks) {
    const what = `trunk ${name}`
    const match = /^(\w+)\/(?:\{number\}@([^/]+)|([^{]+))$/.exec(endpoint)
    const resource = match?.[2] ?? match?.[3]
    if (!resource) {
      yield warn(what, `${endpoint} cannot be looked up`, 'Try it with `apel dial`.')
      continue
    }
    const found = known.find((one) => one.technology === match?.[1] && one.resource === resource)
    if (!found) {
      const names = known.map((one) => `${one.technology}/${one.resource}`).join(', ') || 'none'
      yield fail(
        what,
        `there is no endpoint ${resource}; there are: ${names}`,
        'Define it in pjsip.conf, or mend `endpoint`.',
      )
    } else if (found.state === 'offline')
      yield warn(
        what,
        `endpoint ${resource} is offline`,
        'Its registration or its OPTIONS fail: see `pjsip show endpoint`.',
      )
    else yield ok(what, `endpoint ${resource}, ${found.state}`)
  }
}
