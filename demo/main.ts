/**
 * `make demo`: a clinic confirms tomorrow's visits. The service with its embedded Redis and Asterisk is started as users
 * start it, a list of contacts is imported and dialled, three people call in meanwhile; all phones are SIPp's, and each
 * behaves as `cast.ts` has it. It ends with 0 only when every call ended as its phone was told to behave, by SIPp's log
 * and by the ledger alike.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { colour as pc } from '../src/cli/colour.ts'
import { speech } from '../src/phones/speech.ts'
import { journalsOf, replayFault } from '../test/support/journals.ts'
import { type System, startSystem } from '../test/support/system.ts'
import { type Caller, callers, cast } from './cast.ts'
import { openDesk, ResultFinder } from './desk.ts'
import { cpuOf, goodbyes } from './figures.ts'
import { type JudgedRecord, judge, type Person } from './judge.ts'
import { LiveTable, type Snapshot } from './live.ts'
import { type Account, summary } from './summary.ts'

const CAMPAIGN = 'visits'
const DESK_NUMBER = '+40311234567'
/** From the start of the campaign; then whatever is still open is a fault. */
const DEADLINE = 80_000
const NAMES = ['Ana', 'Ioan', 'Maria', 'Andrei', 'Elena', 'Mihai', 'Ioana', 'Radu', 'Irina', 'Vlad', 'Sofia', 'Matei']

/** `--keep` leaves the folder with all logs. */
const KEEP = process.argv.includes('--keep')

const root = fileURLToPath(new URL('../..', import.meta.url))
const say = (text: string) => console.log(text)

/** A copy of the demo's flows in which the desk's port stands, since a flow names its hosts in full. */
function prepare(desk: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'apel-demo-'))
  cpSync(join(root, 'demo/scripts-yaml'), folder, { recursive: true })
  for (const name of readdirSync(join(folder, 'flows'))) {
    const file = join(folder, 'flows', name)
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll('DESK', String(desk)))
  }
  return folder
}

/** Puts everybody on their numbers and writes the list of contacts. */
function invite(system: System, file: string, voice: Buffer, incoming: Caller[]): Person[] {
  const people: Person[] = []
  const rows = ['Phone,First Name,Doctor']
  for (const role of cast(voice)) {
    for (let n = 0; n < role.people; n += 1) {
      const number = `+40722${String(100_000 + people.length).padStart(6, '0')}`
      system.exchange.phone(number, ...role.behaviours)
      rows.push(`${number},${NAMES[people.length % NAMES.length]},Dr. Popa`)
      people.push({ name: role.name, number, attempts: role.attempts })
    }
  }
  for (const { name, number, later, attempts } of incoming) {
    if (later.length > 0) system.exchange.phone(number, ...later)
    people.push({ name, number, attempts })
  }
  writeFileSync(file, `${rows.join('\n')}\n`)
  return people
}

/** Runs `apel …` before the user's eyes; a failure ends the demo. */
async function apel(system: System, args: string[]): Promise<void> {
  say(pc.dim(`$ apel ${args.join(' ')}`))
  const { code } = await system.apel(args, { inherit: true })
  if (code !== 0) throw new Error(`apel ${args.slice(0, 2).join(' ')} ended with ${code}`)
}

/** Looks on until nothing is open any more, or the time is over. */
async function watch(system: System, begun: number): Promise<void> {
  const table = new LiveTable()
  const finder = new ResultFinder(system)
  for (;;) {
    const campaign = await system.api('GET', `/v1/campaigns/${CAMPAIGN}`)
    const live = (await system.api('GET', '/v1/calls?state=live&limit=1000')).items
    finder.look(live)
    const up: Record<string, number> = {}
    for (const call of live) up[call.state] = (up[call.state] ?? 0) + 1
    const { state, counts: contacts, dispositions } = campaign
    const inbound = live.filter((call: JudgedRecord) => call.kind === 'inbound').length
    const seconds = (Date.now() - begun) / 1000
    table.show({ seconds, state, contacts, dispositions, up, inbound } satisfies Snapshot)
    if (state === 'finished' && live.length === 0) return
    if (Date.now() - begun > DEADLINE) throw new Error(`the campaign is still ${state} after ${DEADLINE / 1000} s`)
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}

async function records(system: System): Promise<JudgedRecord[]> {
  const outbound: JudgedRecord[] = await system.results(CAMPAIGN)
  const inbound = await system.api('GET', '/v1/calls?kind=inbound&limit=1000')
  return [...outbound, ...inbound.items]
}

/** The flow as a picture with how many went where. */
async function picture(system: System): Promise<void> {
  const file = join(root, 'build/demo-visit.svg')
  const { code, stdout, stderr } = await system.apel(['graph', 'visit', '--format', 'svg', '--counts', CAMPAIGN])
  if (code !== 0 || !stdout.includes('<svg')) throw new Error(`no picture of the flow: ${stderr || stdout}`)
  mkdirSync(join(root, 'build'), { recursive: true })
  writeFileSync(file, stdout)
  say(`The flow with its counts: ${relative(process.cwd(), file)}`)
}

function asteriskPid(system: System): number {
  const file = join(system.folder, 'data/asterisk/local/process.json')
  return existsSync(file) ? Number(JSON.parse(readFileSync(file, 'utf8')).pid) : 0
}

async function perform(system: System, list: string, voice: Buffer): Promise<string[]> {
  const incoming = callers()
  const people = invite(system, list, voice, incoming)
  await apel(system, ['campaign', 'import', CAMPAIGN, list])
  const pids = { asterisk: asteriskPid(system), service: system.service.pid ?? 0 }
  const before = { asterisk: cpuOf(pids.asterisk), service: cpuOf(pids.service) }
  const begun = Date.now()
  await apel(system, ['campaign', 'start', CAMPAIGN])
  const calling = incoming.map(async ({ number, behaviour }, index) => {
    await new Promise((resolve) => setTimeout(resolve, 1000 * (index + 1)))
    await system.exchange.call(DESK_NUMBER, number, behaviour)
  })
  const faults: string[] = []
  await Promise.all([...calling, watch(system, begun)]).catch((fault: Error) => faults.push(fault.message))
  const seconds = (Date.now() - begun) / 1000
  const [dialogs, written] = [await system.exchange.dialogs(), await records(system)]
  const silent = new Set(people.filter((person) => /nothing, twice/.test(person.name)).map((person) => person.number))
  const account: Account = {
    ...{ people, dialogs, records: written, seconds },
    goodbyes: goodbyes(system.exchange.calls.filter((call) => silent.has(call.to))),
    cpu: {
      asterisk: cpuOf(pids.asterisk) - before.asterisk,
      service: cpuOf(pids.service) - before.service,
    },
  }
  say(`\n${summary(account)}`)
  await picture(system).catch((fault: Error) => faults.push(fault.message))
  const agreed = judge(people, dialogs, written)
  say(
    `Dialogs on the wire: ${dialogs.length}. Attempts in the ledger: ${written.filter((record) => record.attempt > 0).length}.`,
  )
  return [...faults, ...agreed, ...(await replayAll(system))]
}

/** Every conversation once more from its journal: what comes of it must be what came of it. */
async function replayAll(system: System): Promise<string[]> {
  const journals = await journalsOf((method, path) => system.api(method, path))
  const faults = journals.flatMap((journal) => {
    const fault = replayFault(journal)
    return fault === null ? [] : [`the call ${journal.id} is another one in its replay: ${fault}`]
  })
  say(`Conversations replayed from their journals: ${journals.length}, and ${faults.length} came out otherwise.`)
  return faults
}

async function main(): Promise<number> {
  const started = Date.now()
  const desk = await openDesk()
  const folder = prepare(desk.port)
  say(pc.bold('apel demo: a clinic confirms visits, on phones of SIPp, through a real Asterisk and a real Redis'))
  const voice = await speech('Yes, hello? I am in the car and cannot press anything, could you tell me when it is?')
  const system = await startSystem({
    flows: folder,
    trunk: { channels: 48, cps: 10 },
    keep: KEEP,
    config: {
      inbound: { [DESK_NUMBER]: { flow: 'desk', campaign: CAMPAIGN } },
      http: { allow_hosts: [`127.0.0.1:${desk.port}`] },
    },
  })
  say(
    `apel serve is ready after ${((Date.now() - started) / 1000).toFixed(1)} s at ${system.url}${KEEP ? `, in ${system.folder}` : ''}`,
  )
  // Ctrl-C: nothing of the demo lives on.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      say('Ending everything …')
      rmSync(folder, { recursive: true, force: true })
      void system.stop({ strict: false }).finally(() => process.exit(130))
    })
  }
  let faults: string[] = []
  try {
    faults = await perform(system, join(folder, 'campaigns', 'contacts.csv'), voice)
  } catch (fault) {
    faults.push(String(fault))
  }
  await system.stop().catch((fault: Error) => faults.push(fault.message))
  desk.close()
  rmSync(folder, { recursive: true, force: true })
  const seconds = ((Date.now() - started) / 1000).toFixed(0)
  for (const fault of faults) say(pc.red(fault))
  if (faults.length > 0)
    say(pc.red(`The demo failed after ${seconds} s: ${faults.length} things are not as they should be.`))
  else say(pc.green(`Every call ended as its phone was told to behave. ${seconds} s in all.`))
  return faults.length > 0 ? 1 : 0
}

process.exitCode = await main().catch((fault: Error) => {
  console.error(pc.red(fault.message))
  return 1
})
