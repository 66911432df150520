/** Campaigns: what they are and which state they are in. */
import { script } from '../db.ts'
import { prelude } from './prelude.ts'

/** { name, definition, builtin, now } → true when it is new. A campaign that is there keeps its state and contacts. */
export const putScript = script(
  'put',
  `${prelude}
local new = call('SADD', P .. 'campaigns', a.name)
call('HSET', camp(a.name), 'definition', a.definition)
if new == 1 then
  call('HSET', camp(a.name), 'state', a.builtin and 'running' or 'ready', 'created_at', int(a.now), 'builtin', a.builtin and '1' or '0')
end
ring({ bell = 'definition', campaign = a.name })
return new == 1 and 'true' or 'false'
`,
)

/**
 * { name, from: [state…], to, now } → { ok, state }. Asking for the state that is there is ok. A stop without live
 * calls is done at once; a start of a campaign with nothing left to do finishes at once.
 */
export const transitionScript = script(
  'transition',
  `${prelude}
local state = call('HGET', camp(a.name), 'state')
if not state then return '{"ok":false}' end
if state == a.to or (a.to == 'stopping' and state == 'stopped') then return cjson.encode({ ok = true, state = state }) end
local legal = false
for _, from in ipairs(a.from) do legal = legal or from == state end
if not legal or call('HGET', camp(a.name), 'builtin') == '1' then return cjson.encode({ ok = false, state = state }) end
if a.to == 'running' then
  call('HSETNX', camp(a.name), 'started_at', int(a.now))
  call('HDEL', camp(a.name), 'finished_at')
end
setstate(a.name, a.to)
settle(a.name, a.now)
ring({ bell = 'work', campaign = a.name })
return cjson.encode({ ok = true, state = call('HGET', camp(a.name), 'state') })
`,
)
