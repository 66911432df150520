/** Campaigns: what they are and which state they are in. */
import { script } from '../db.ts'
import { prelude } from './prelude.ts'

/**
 * { name, definition, schedule, builtin, now } → true when it is new. A campaign that is there keeps its state and
 * contacts; the runs of a schedule that has changed (a text, '' for none) count from now.
 */
export const putScript = script(
  'put',
  `${prelude}
local new = call('SADD', P .. 'campaigns', a.name)
if call('HGET', camp(a.name), 'definition') ~= a.definition then
  call('HSET', camp(a.name), 'definition', a.definition)
  call('HINCRBY', camp(a.name), 'revision', 1)
end
if (call('HGET', camp(a.name), 'schedule') or '') ~= a.schedule then
  call('HSET', camp(a.name), 'schedule', a.schedule, 'seen', int(a.now))
end
if new == 1 then
  call('HSET', camp(a.name), 'state', a.builtin and 'running' or 'ready', 'created_at', int(a.now), 'builtin', a.builtin and '1' or '0')
end
ring({ bell = 'definition', campaign = a.name })
return new == 1 and 'true' or 'false'
`,
)

const start = /* lua */ `
local function start(c, now)
  call('HSETNX', camp(c), 'started_at', int(now))
  call('HDEL', camp(c), 'finished_at')
  setstate(c, 'running')
  settle(c, now)
  ring({ bell = 'work', campaign = c })
end
`

/**
 * { name, from: [state…], to, now } → { ok, state }. Asking for the state that is there is ok. A stop without live
 * calls is done at once; a start of a campaign with nothing left to do finishes at once.
 */
export const transitionScript = script(
  'transition',
  `${prelude}${start}
local state = call('HGET', camp(a.name), 'state')
if not state then return '{"ok":false}' end
if state == a.to or (a.to == 'stopping' and state == 'stopped') then return cjson.encode({ ok = true, state = state }) end
local legal = false
for _, from in ipairs(a.from) do legal = legal or from == state end
if not legal or call('HGET', camp(a.name), 'builtin') == '1' then return cjson.encode({ ok = false, state = state }) end
if a.to == 'running' then
  start(a.name, a.now)
else
  setstate(a.name, a.to)
  settle(a.name, a.now)
end
return cjson.encode({ ok = true, state = call('HGET', camp(a.name), 'state') })
`,
)

/**
 * { name, schedule, seen, now, due, start } → what came of the run that was due: 'started', 'skipped' (without `start`),
 * the state that it found where that is not one to start from, or 'other' when somebody else has seen to it. Runs up to
 * `now` are seen to then; one that finds the campaign stopping stays due.
 */
export const runScript = script(
  'run',
  `${prelude}${start}
local key = camp(a.name)
local f = call('HMGET', key, 'schedule', 'seen', 'state')
if f[1] ~= a.schedule or f[2] ~= int(a.seen) then return '"other"' end
local came = 'skipped'
if a.start then
  came = f[3]
  if came == 'stopping' then return '"stopping"' end
  if came == 'ready' or came == 'stopped' or came == 'finished' then came = 'started' end
end
call('HSET', key, 'seen', int(a.now))
if not none(a.due) then call('HSET', key, 'run_at', int(a.due), 'run', came) end
if came == 'started' then start(a.name, a.now) end
return cjson.encode(came)
`,
)
