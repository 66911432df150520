/** Taking out what is kept of calls and agreements: by their age, in small steps, and by the number that they were to. */
import { script } from '../db.ts'
import { prelude } from './prelude.ts'

const forget = /* lua */ `
-- Nothing of an attempt that has ended stays but the counters of its campaign, which name nobody.
local function forget(id)
  local key = P .. 'a:' .. id
  local f = call('HMGET', key, '_state', '_campaign', '_number', '_result', '_ended')
  if f[1] and f[1] ~= 'ended' then return false end
  call('DEL', key, key .. ':steps', key .. ':journal')
  if f[2] and f[4] then call('XDEL', camp(f[2]) .. ':results', f[4]) end
  if f[5] then call('XDEL', P .. 'ended', f[5]) end
  if f[3] then call('LREM', P .. 'n:' .. f[3], 0, id) end
  return true
end
local function forgetcallback(id)
  local key = P .. 'cb:' .. id
  local f = call('HMGET', key, 'state', 'number')
  if f[1] == 'open' or f[1] == 'dialing' then return false end
  call('DEL', key)
  call('ZREM', P .. 'callbacks', id)
  if f[2] then call('LREM', P .. 'ncb:' .. f[2], 0, id) end
  return true
end
`

/** { attempts: [id…], callbacks: [id…] } → how many of them are still on, and stay. */
export const forgetScript = script(
  'forget',
  `${prelude}${forget}
local left = 0
for _, id in ipairs(a.attempts) do
  if not forget(id) then left = left + 1 end
end
for _, id in ipairs(a.callbacks) do
  if not forgetcallback(id) then left = left + 1 end
end
return int(left)
`,
)

/** { before, most }: attempts that ended before that moment of Redis' clock (ms), the oldest first. → how many went. */
export const forgetOldScript = script(
  'forgetold',
  `${prelude}${forget}
local found = call('XRANGE', P .. 'ended', '-', '(' .. int(a.before) .. '-0', 'COUNT', a.most)
for _, entry in ipairs(found) do
  forget(entry[2][2])
  call('XDEL', P .. 'ended', entry[1])
end
return int(#found)
`,
)

/**
 * { before, most }: of attempts that ended before that moment of Redis' clock (ms) the variables and the results of their
 * tasks. Everything up to `swept` has gone through it. → how many were looked at.
 */
export const forgetVarsScript = script(
  'forgetvars',
  `${prelude}
local from = call('HGET', P .. 'swept', 'vars')
local found = call('XRANGE', P .. 'ended', from and ('(' .. from) or '-', '(' .. int(a.before) .. '-0', 'COUNT', a.most)
for _, entry in ipairs(found) do
  local key = P .. 'a:' .. entry[2][2]
  call('HDEL', key, 'vars')
  for _, name in ipairs(call('HKEYS', key)) do
    if string.sub(name, 1, 6) == '_task:' then call('HDEL', key, name) end
  end
  call('HSET', P .. 'swept', 'vars', entry[1])
end
return int(#found)
`,
)

/** { before, most, skip }: callbacks that were made before that time (ms) and are over. → { seen, gone }; those that are not over stay. */
export const forgetCallbacksScript = script(
  'forgetcallbacks',
  `${prelude}${forget}
local found, gone = call('ZRANGEBYSCORE', P .. 'callbacks', '-inf', '(' .. int(a.before), 'LIMIT', a.skip, a.most), 0
for _, id in ipairs(found) do
  if forgetcallback(id) then gone = gone + 1 end
end
return cjson.encode({ seen = #found, gone = gone })
`,
)
