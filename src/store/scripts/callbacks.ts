/** Agreements to call again: one open a number, first in line when due. */
import { script } from '../db.ts'
import { prelude } from './prelude.ts'

/**
 * { id, number, campaign, row, fields: { name: text }, due_at, now } → true; false when the contact may have none now.
 * An open one of the number is replaced; one that is being dialled right now ends with its call.
 */
export const scheduleScript = script(
  'schedule',
  `${prelude}
local c, row = a.campaign, not none(a.row) and a.row or nil
local s = row and contact(c, row)
if s and s.state == '-' then return 'false' end
local old = call('GET', P .. 'cbn:' .. a.number)
if old then
  local o = call('HMGET', P .. 'cb:' .. old, 'state', 'campaign', 'row')
  if o[1] == 'open' then
    closecallback(old, 'replaced')
    local orow = tonumber(o[3] or '')
    if orow and (o[2] ~= c or orow ~= row) then
      local other = contact(o[2], orow)
      if other.state == 'c' then move(o[2], orow, other, 'x') end
      settle(o[2], a.now)
    end
  end
end
local key = P .. 'cb:' .. a.id
for name, text in pairs(a.fields) do call('HSET', key, name, text) end
call('HSET', key, 'state', 'open', 'tries', '0')
if s then
  call('HSET', key, 'was', s.state)
  if s.state ~= 'd' then
    call('ZREM', camp(c) .. ':due', int(row))
    call('ZREM', camp(c) .. ':window', 'r' .. int(row))
    s.rule, s.due = a.id, 0
    move(c, row, s, 'c')
  end
end
if not none(a.fields.call) and call('EXISTS', P .. 'a:' .. a.fields.call) == 1 then
  call('HSET', P .. 'a:' .. a.fields.call, '_agreed', a.id)
end
call('SET', P .. 'cbn:' .. a.number, a.id)
post('callback.scheduled', none(a.fields.call) and a.id or a.fields.call, a.number, a.fields)
call('ZADD', P .. 'callbacks', a.now, a.id)
call('LPUSH', P .. 'ncb:' .. a.number, a.id)
call('ZADD', camp(c) .. ':cb', a.due_at, a.id)
call('HINCRBY', camp(c) .. ':counts', 'open_callbacks', 1)
reopen(c)
ring({ bell = 'work', campaign = c })
return 'true'
`,
)

/** { id, due_at, expires_at, moved } → 'ok', 'not_found' or the state that it is in. */
export const moveCallbackScript = script(
  'movecallback',
  `${prelude}
local key = P .. 'cb:' .. a.id
local f = call('HMGET', key, 'state', 'campaign')
if not f[1] then return '"not_found"' end
if f[1] ~= 'open' then return cjson.encode(f[1]) end
call('HSET', key, 'due_at', int(a.due_at), 'expires_at', int(a.expires_at), 'held_by', '',
  'retries', '', 'moved', a.moved)
call('ZREM', camp(f[2]) .. ':window', 'c' .. a.id)
call('ZADD', camp(f[2]) .. ':cb', a.due_at, a.id)
ring({ bell = 'work', campaign = f[2] })
return '"ok"'
`,
)

/**
 * { id, to, now, contact: 'x' | 'p' | 'was' } → 'ok', 'not_found' or the state that it is in. `was`: a contact that had
 * never been called before goes back to pending, others are done.
 */
export const closeCallbackScript = script(
  'closecallback',
  `${prelude}
local f = call('HMGET', P .. 'cb:' .. a.id, 'state', 'campaign', 'row', 'was')
if not f[1] then return '"not_found"' end
if f[1] ~= 'open' then return cjson.encode(f[1]) end
closecallback(a.id, a.to)
local c, row = f[2], tonumber(f[3] or '')
if row then
  local s = contact(c, row)
  if s.state == 'c' then
    local pending = a.contact == 'p' or (a.contact == 'was' and s.total == 0 and f[4] ~= 'x')
    if pending then call('ZADD', camp(c) .. ':due', row, int(row)) end
    move(c, row, s, pending and 'p' or 'x')
  end
end
settle(c, a.now)
ring({ bell = 'work', campaign = c })
return '"ok"'
`,
)
