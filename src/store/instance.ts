/**
 * What Redis knows of an instance itself. The epoch grows at each start, so that the name of its ARI application,
 * `apel-INSTANCE-EPOCH`, is never registered twice: a second registration would silently take over the first one's calls.
 * The lease says that a process runs under this name now; it must be renewed to go on. Whoever takes the calls of a dead
 * instance over raises its epoch, so that one which had only slept learns of it when it renews.
 */
import type { Db } from './db.ts'
import { script } from './db.ts'
import { keys } from './keys.ts'

/** ms; renewed every 2 s. */
export const LEASE = 6_000

/** A process, as the calls that it holds are marked. */
export interface Owner {
  instance: string
  /** `apel-INSTANCE-EPOCH`: no other process has it, now or ever. */
  app: string
  /** What its lease says; null: it has none, and is not held to one. */
  holder: string | null
}

/** The marks of an attempt that this process makes: who holds it, and which application its channel will be in. */
export function marksOf({ instance, app }: Owner): Record<string, string> {
  return { instance, owner: app, app }
}

/**
 * Sets the lease if it is free or as expected, and the epoch still the holder's (0: whatever it is); gives what stands there
 * otherwise, with what is left of it.
 */
const takeScript = script(
  'lease',
  `local input = cjson.decode(ARGV[1])
local held = redis.call('GET', input.key)
local epoch = tonumber(redis.call('GET', input.epochKey) or 0)
if (held and held ~= input.expected) or (input.epoch > 0 and epoch > 0 and epoch ~= input.epoch) then
  return cjson.encode({ held = held or '', left = held and redis.call('PTTL', input.key) or 0, taken = true })
end
redis.call('SET', input.key, input.holder, 'PX', input.ms)
return cjson.encode({ held = '', left = 0, taken = false })`,
)

const dropScript = script(
  'lease-drop',
  `local input = cjson.decode(ARGV[1])
if redis.call('GET', input.key) == input.holder then redis.call('DEL', input.key) end
return 'null'`,
)

/** The next epoch of this instance, counted from 1. Whoever has one is known by its name from now on. */
export async function nextEpoch(db: Db, instance: string): Promise<number> {
  const [epoch] = await db.batch<[number]>((pipeline) =>
    pipeline.incr(keys.epoch(instance)).sadd(keys.instances, instance),
  )
  return epoch
}

/**
 * Takes or renews the lease for `holder`, where it is free or held by `expected`; null when it is ours now, else what stands
 * there (nothing: our calls were taken over). `epoch`: of who renews; 0 for who takes it anew.
 */
export async function takeLease(
  db: Db,
  instance: string,
  holder: string,
  expected: string,
  epoch = 0,
): Promise<{ held: string; left: number } | null> {
  const input = { key: keys.lease(instance), epochKey: keys.epoch(instance), holder, expected, epoch, ms: LEASE }
  const { taken, ...other } = await db.run<{ held: string; left: number; taken: boolean }>(takeScript, input)
  return taken ? other : null
}

/** Gives the lease back, if it is ours. */
export async function dropLease(db: Db, instance: string, holder: string): Promise<void> {
  await db.run(dropScript, { key: keys.lease(instance), holder })
}

/**
 * The instances that have calls and no lease; those that have neither are forgotten. `dead` tells of what a lease says whether its
 * holder is known to be gone: the lease is taken from it then, and nobody needs to wait for its end (`certain`).
 */
export async function leaseless(
  db: Db,
  dead: (holder: string) => boolean,
): Promise<{ name: string; certain: boolean }[]> {
  const names = await db.call((redis) => redis.smembers(keys.instances))
  if (names.length === 0) return []
  const found = await db.batch<(string | number | null)[]>((pipeline) => {
    for (const name of names) pipeline.get(keys.lease(name)).scard(keys.instanceLive(name))
  })
  const gone: { name: string; certain: boolean }[] = []
  const empty: string[] = []
  for (const [n, name] of names.entries()) {
    const holder = found[2 * n] as string | null
    const certain = holder !== null && dead(holder)
    if (holder !== null && !certain) continue
    if (certain) await dropLease(db, name, holder)
    if (found[2 * n + 1] === 0) empty.push(name)
    else gone.push({ name, certain })
  }
  if (empty.length > 0) await db.call((redis) => redis.srem(keys.instances, ...empty))
  return gone
}

/** The instances that have one, but this. */
export async function living(db: Db, but: string): Promise<string[]> {
  const names = (await db.call((redis) => redis.smembers(keys.instances))).filter((name) => name !== but)
  if (names.length === 0) return []
  const found = await db.batch<number[]>((pipeline) => {
    for (const name of names) pipeline.exists(keys.lease(name))
  })
  return names.filter((_, n) => found[n] === 1)
}

/**
 * Those of these ARI applications whose process is gone: its instance has no lease, or has begun anew since. Names that are
 * not made as ours are nobody's business.
 */
export async function abandoned(db: Db, apps: string[]): Promise<string[]> {
  const ours = apps.flatMap((app) => {
    const [, instance, epoch] = /^apel-(.+)-(\d+)$/.exec(app) ?? []
    return instance === undefined ? [] : [{ app, instance, epoch: Number(epoch) }]
  })
  if (ours.length === 0) return []
  const found = await db.batch<(number | string | null)[]>((pipeline) => {
    for (const { instance } of ours) pipeline.exists(keys.lease(instance)).get(keys.epoch(instance))
  })
  return ours
    .filter(({ epoch }, n) => found[2 * n] === 0 || Number(found[2 * n + 1] ?? 0) > epoch)
    .map(({ app }) => app)
}

/** Since when this Redis has been up, ms. */
export async function upFor(db: Db): Promise<number> {
  const info = await db.call((redis) => redis.info('server'))
  return 1000 * Number(/^uptime_in_seconds:(\d+)/m.exec(info)?.[1] ?? 0)
}
