/**
 * The run folder of one embedded Asterisk: `dialplans/` as it is, with the folders, the ports, the account and the
 * peers of this node put in. The text of every file is made first and compared with what is there: that tells whether
 * a running Asterisk may be used as it is, needs a reload of some modules, or a restart.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Peer, peersText } from './peers.ts'
import { writeWhole } from './process.ts'

export interface AsteriskShape {
  sipPort: number
  /** The address of SIP: 127.0.0.1 unless a carrier is to be reached. */
  bind: string
  httpPort: number
  rtp: { from: number; to: number }
  peers: Record<string, string | Peer>
  ariUser: string
  ariPassword: string
  /** What the far side sees as our address when NAT lies between. */
  externalAddress?: string | null
}

export interface AsteriskFolders {
  /** The run folder, by its real path. */
  run: string
  /** The same folder by a path short enough for the control socket. */
  short: string
  /** `dialplans/` of the project, by a path of plain letters. */
  dialplans: string
  modules: string
  data: string
}

/** By major version: the release from which on `stasis.conf` may have a section `[taskpool]`. Newer versions know it. */
const TASKPOOL: Readonly<Record<number, number>> = { 20: 17, 22: 7, 23: 1 }

/** Taken over from `dialplans/` word for word. */
const COPIED = ['amd.conf', 'manager.conf', 'cdr.conf', 'cel.conf', 'logger.conf']

/** What `asterisk -rx` reloads when only that file changed; any other file asks for a restart. */
const RELOADS: Record<string, string[]> = {
  'pjsip-peers.conf': [
    'module reload res_pjsip.so',
    'module reload res_pjsip_outbound_registration.so',
    'module reload res_pjsip_endpoint_identifier_ip.so',
    'module reload res_pjsip_outbound_authenticator_digest.so',
  ],
  'extensions.conf': ['dialplan reload'],
  'ari.conf': ['module reload res_ari.so'],
  'amd.conf': ['module reload app_amd.so'],
  'musiconhold.conf': ['moh reload'],
  'rtp.conf': ['module reload res_rtp_asterisk.so'],
  'logger.conf': ['logger reload'],
}

/** The folders that Asterisk expects to be there. */
export function makeFolders(run: string): void {
  for (const name of [
    'etc',
    'lib',
    'keys',
    'log',
    'run',
    'cache/media_cache',
    'spool/recording',
    'spool/outgoing',
    'spool/tmp',
  ]) {
    mkdirSync(join(run, name), { recursive: true, mode: 0o700 })
  }
}

/** Every file of the configuration folder of an Asterisk of this `version`, by name. Throws an `ApelError` about a peer that cannot be. */
export function configurationFiles(
  shape: AsteriskShape,
  folders: AsteriskFolders,
  version: string,
): Map<string, string> {
  const shipped = (name: string) => readFileSync(join(folders.dialplans, name), 'utf8')
  const files = new Map(COPIED.map((name) => [name, shipped(name)]))
  files.set('stasis.conf', stasisConf(shipped('stasis.conf'), version))
  files.set('asterisk.conf', asteriskConf(folders))
  files.set('extensions.conf', setting(shipped('extensions.conf'), 'APEL_SOUNDS', `${folders.dialplans}/sounds/apel`))
  files.set('musiconhold.conf', setting(shipped('musiconhold.conf'), 'directory', `${folders.dialplans}/sounds/moh`))
  files.set('http.conf', setting(shipped('http.conf'), 'bindport', String(shape.httpPort)))
  files.set(
    'rtp.conf',
    setting(setting(shipped('rtp.conf'), 'rtpstart', String(shape.rtp.from)), 'rtpend', String(shape.rtp.to)),
  )
  files.set('ari.conf', ariConf(shape))
  files.set('pjsip.conf', pjsipConf(shape))
  files.set('pjsip-peers.conf', peersText(shape.peers))
  files.set('modules.conf', present(shipped('modules.conf'), folders.modules))
  files.set('indications.conf', INDICATIONS)
  // Missed with a warning or an error when they are not there; their defaults are what is wanted.
  for (const name of ['features.conf', 'udptl.conf', 'ccss.conf', 'codecs.conf', 'res_http_media_cache.conf']) {
    files.set(name, '[general]\n')
  }
  for (const name of ['acl.conf', 'websocket_client.conf', 'pjproject.conf']) files.set(name, '; nothing\n')
  return files
}

/**
 * Writes what differs; returns the names of the files that did. A mark says that the running Asterisk has taken them all
 * (`markApplied`): when we died between the two, every file that can be reloaded counts as changed.
 */
export function writeConfiguration(run: string, files: Map<string, string>): string[] {
  const changed: string[] = existsSync(join(run, 'applied')) ? [] : Object.keys(RELOADS)
  rmSync(join(run, 'applied'), { force: true })
  for (const [name, text] of files) {
    const path = join(run, 'etc', name)
    if (textOf(path) === text) continue
    writeWhole(path, text)
    if (!changed.includes(name)) changed.push(name)
  }
  return changed
}

/** To be called once the running Asterisk has started with, or taken over, what `writeConfiguration` wrote. */
export function markApplied(run: string): void {
  writeWhole(join(run, 'applied'), '')
}

/** The commands that make a running Asterisk take the changed files, or null when it must be restarted for them. */
export function reloadCommands(changed: string[]): string[] | null {
  const commands: string[] = []
  for (const name of changed) {
    const some = RELOADS[name]
    if (!some) return null
    commands.push(...some)
  }
  return commands
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

/** The shipped file with one setting changed; the line must be there, so that a renamed one is noticed. */
function setting(text: string, key: string, value: string): string {
  const line = new RegExp(`^${key} = .*$`, 'm')
  if (!line.test(text)) throw new Error(`dialplans: no line "${key} = …"`)
  return text.replace(line, () => `${key} = ${value.replaceAll(';', '\\;')}`)
}

/** The list of modules without those that this version of Asterisk does not have. */
function present(text: string, modules: string): string {
  return text.replace(/^load = (\S+)$\n/gm, (line, module) => (existsSync(join(modules, module)) ? line : ''))
}

/** The shipped file, with the section that only some versions know where this one does. */
function stasisConf(text: string, version: string): string {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const known = major > 23 || minor >= (TASKPOOL[major] ?? Number.POSITIVE_INFINITY)
  return known ? text.replace(/^;(?=\[taskpool\]|minimum_size|initial_size)/gm, '') : text
}

function asteriskConf({ run, short, modules, data }: AsteriskFolders): string {
  return `; Written by apel at each start; changes are lost.
[directories]
astetcdir => ${run}/etc
astmoddir => ${modules}
astvarlibdir => ${run}/lib
astdbdir => ${run}/lib
astkeydir => ${run}/keys
astdatadir => ${data}
astagidir => ${data}/agi-bin
astspooldir => ${run}/spool
astlogdir => ${run}/log
astcachedir => ${run}/cache
; The control socket's path must be short.
astrundir => ${short}/run

[options]
verbose = 0
debug = 0
nocolor = yes
live_dangerously = no
execincludes = no
maxfiles = 65536
`
}

function ariConf({ ariUser, ariPassword }: AsteriskShape): string {
  return `; Written by apel at each start; changes are lost.
[general]
enabled = yes
pretty = no
websocket_write_timeout = 1000

[${ariUser}]
type = user
read_only = no
password = ${ariPassword.replaceAll(';', '\\;')}
password_format = plain
`
}

function pjsipConf({ bind, sipPort, externalAddress }: AsteriskShape): string {
  const address = bind.includes(':') ? `[${bind}]` : bind
  const external = externalAddress
    ? `external_signaling_address = ${externalAddress}
external_media_address = ${externalAddress}
local_net = 127.0.0.0/8
local_net = 10.0.0.0/8
local_net = 172.16.0.0/12
local_net = 192.168.0.0/16
`
    : ''
  return `; Written by apel at each start; changes are lost.
[global]
type = global
; A source is known by its address alone: no anonymous endpoint, no identification by user name.
endpoint_identifier_order = ip
user_agent = apel

[apel-transport]
type = transport
protocol = udp
bind = ${address}:${sipPort}
${external}
#include pjsip-peers.conf
`
}

/** Ringing and congestion tones for inbound calls that are told so in band. */
const INDICATIONS = `[general]
country = ro

[ro]
description = Romania
ringcadence = 1850,4150
dial = 450
busy = 450/167,0/167
ring = 450/1850,0/4150
congestion = 450/500,0/500
callwaiting = 450/150,0/150,450/150,0/8000
dialrecall = !450/100,!0/100,!450/100,!0/100,!450/100,!0/100,450
record = 1400/400,0/15000
info = !950/330,!1400/330,!1800/330,0
stutter = 450
`
