/**
 * The end of an attempt, exactly once: the record, the results, the contact's next state, its callback, the counters,
 * the trunk's channel. Everything that says "this call is on" is a set with the attempt's id in it, never a number that
 * is counted down, so doing it twice would do no harm either.
 */
import { script } from '../db.ts'
import { breaker } from './breaker.ts'
import { facts } from './facts.ts'
import { prelude } from './prelude.ts'

/**
 * { id, owner, now, create, fields, marks, disposition, outcome, counts, next: { state, due, rule, tries },
 *   callback: { state, next_at, due_at, expires_at, moved, retries }, opted_out, left: { field: text },
 *   sign, failover, basis: { contact, packed, callback: { due_at, expires_at, moved, retries } } }
 *   → true; false when it had ended before; 'stale': `next` and `callback` were made of something that is not so any more.
 * `create`: an attempt that was never dialled (`dnc`, `blocked`, `expired`) is written down and ended in one.
 * `counts: false`: it was never dialled, so it does not count against the number's caps. `sign`: what it says of its trunk;
 * `failover`: it is to be made again over another one. `left`: what the next conversation reads as `previous`.
 */
export const finishScript = script(
  'finish',
  `${prelude}${breaker}
local key = P .. 'a:' .. a.id
local MARKS = { '_state', '_campaign', '_row', '_callback', '_number', '_instance', 'trunk', 'kind', '_owner', '_agreed' }
local m = call('HMGET', key, unpack(MARKS))
local state = m[1]
if state == 'ended' or (not state and not a.create) then return 'false' end
if state and not none(a.owner) and m[9] ~= a.owner then return 'false' end
if not none(a.basis) then
  local b, r, cb = a.basis, tonumber(m[3] or ''), m[4]
  if r and (call('HGET', statekey(m[2], r), int(r % 128)) ~= b.contact
    or call('LINDEX', camp(m[2]) .. ':r:' .. int(math.floor(r / 128)), r % 128) ~= b.packed) then
    return '"stale"'
  end
  local f = cb and call('HMGET', P .. 'cb:' .. cb, 'due_at', 'expires_at', 'moved', 'retries')
  if f and (tonumber(f[1]) ~= b.callback.due_at or tonumber(f[2]) ~= b.callback.expires_at
    or (f[3] or '0') ~= b.callback.moved or (f[4] or '') ~= b.callback.retries) then
    return '"stale"'
  end
end
local flat = { '_state', 'ended' }
local function put(name, text)
  flat[#flat + 1] = name
  flat[#flat + 1] = text
end
if a.create then
  for name, text in pairs(a.marks) do put('_' .. name, text) end
end
for name, text in pairs(a.fields) do put(name, text) end
for name, text in pairs(a.left) do put('_' .. name, text) end
put('_ended', call('XADD', P .. 'ended', '*', 'id', a.id))
local of = m[2] or a.create and a.marks.campaign
if of then put('_result', call('XADD', camp(of) .. ':results', '*', 'id', a.id)) end
if a.failover then put('_failover', '1') end
call('HSET', key, unpack(flat))
if a.create then m = call('HMGET', key, unpack(MARKS)) end
local c, row, cb, number = m[2] or nil, tonumber(m[3] or ''), m[4] or nil, m[5] or ''
if not a.counts then call('HDEL', key, '_counts') end

call('SREM', P .. 'live', a.id)
call('SREM', P .. 'i:' .. (m[6] or '') .. ':live', a.id)
local trunk = m[7] and cjson.decode(m[7]) or cjson.null
if trunk ~= cjson.null then call('SREM', P .. 't:' .. trunk .. ':live', a.id) end
if a.create and number ~= '' then
  call('LPUSH', P .. 'n:' .. number, a.id)
  call('LTRIM', P .. 'n:' .. number, 0, 999)
end
-- A leg is part of its call.
if m[8] ~= '"leg"' then post('call.ended', a.id, number) end

if cb and not none(a.callback) then
  local n = a.callback
  if n.state == 'open' and call('GET', P .. 'cbn:' .. (call('HGET', P .. 'cb:' .. cb, 'number') or '')) == cb then
    call('HSET', P .. 'cb:' .. cb, 'state', 'open', 'due_at', int(n.due_at), 'expires_at', int(n.expires_at),
      'moved', n.moved, 'retries', n.retries)
    call('ZADD', camp(c) .. ':cb', n.next_at, cb)
    call('ZREM', camp(c) .. ':window', 'c' .. cb)
  else
    closecallback(cb, n.state == 'open' and 'replaced' or n.state)
  end
end

if c then
  call('SREM', camp(c) .. ':live', a.id)
  local counts = camp(c) .. ':counts'
  call('HINCRBY', counts, 'd:' .. a.disposition, 1)
  if not none(a.outcome) then call('HINCRBY', counts, 'o:' .. a.outcome, 1) end

  local before = nil
  for _, text in ipairs(call('LRANGE', key .. ':steps', 0, -1)) do
    local step = cjson.decode(text)
    local name, event = tostring(step.step), tostring(step.event)
    -- Steps of a flow that was called are not of this one's picture.
    if none(step.flow) then
      call('HINCRBY', camp(c) .. ':steps', cjson.encode({ 's', name }), 1)
      if before then call('HINCRBY', camp(c) .. ':steps', cjson.encode({ 'e', before, name, event }), 1) end
      before = name
    end
  end
  if before then call('HINCRBY', camp(c) .. ':steps', cjson.encode({ 'x', before }), 1) end

  if row then
    local s = contact(c, row)
    if (a.create and s.state ~= 'd' and s.state ~= '-') or (s.state == 'd' and s.last == a.id) then
      s.disposition, s.last = a.disposition, a.id
      call('ZREM', camp(c) .. ':window', 'r' .. int(row))
      call('ZREM', camp(c) .. ':due', int(row))
      s.rule, s.due, s.tries = a.next.rule or '', 0, a.next.tries or s.tries
      local to = a.next.state
      for _, open in ipairs({ m[10] or '', cb or '' , call('GET', P .. 'cbn:' .. number) or '' }) do
        local o = open == '' and {} or call('HMGET', P .. 'cb:' .. open, 'state', 'campaign', 'row')
        if o[1] == 'open' and o[2] == c and tonumber(o[3] or '') == row then
          if a.opted_out then closecallback(open, 'cancelled') else to, s.rule = 'c', open end
        end
      end
      if to == 'w' then
        s.due = a.next.due
        call('ZADD', camp(c) .. ':due', s.due, int(row))
      elseif to == 'p' then
        call('ZADD', camp(c) .. ':due', row, int(row))
      end
      move(c, row, s, to)
    end
  end
end
if trunk ~= cjson.null then trunksays(trunk, a.id, number, not none(a.sign) and a.sign or nil, a.now) end
if c then settle(c, a.now) end
freed(c, trunk ~= cjson.null and trunk or '')
return 'true'
`,
)

/** { id } → { attempt, row?, packed?, contact?, callback? }, hashes as maps, or null: what its end depends on, in one look. */
export const endingScript = script(
  'ending',
  `${prelude}
local function hash(key)
  local flat, map = call('HGETALL', key), {}
  for i = 1, #flat, 2 do map[flat[i]] = flat[i + 1] end
  return map
end
local out = { attempt = hash(P .. 'a:' .. a.id) }
if not out.attempt._state then return 'null' end
local c, row, cb = out.attempt._campaign, tonumber(out.attempt._row or ''), out.attempt._callback
if c and row then
  out.row, out.contact = row, contact(c, row)
  out.packed = call('LINDEX', camp(c) .. ':r:' .. int(math.floor(row / 128)), row % 128)
end
if cb then out.callback = hash(P .. 'cb:' .. cb) end
return cjson.encode(out)
`,
)

/** { id, owner } → true: a reservation of this owner that nobody dialled (its answer was lost, or it was held at last) is taken back without a trace. */
export const unreserveScript = script(
  'unreserve',
  `${prelude}
local key = P .. 'a:' .. a.id
local now = call('HMGET', key, '_state', '_owner')
if now[1] ~= 'reserved' or now[2] ~= a.owner then return 'false' end
local m = call('HMGET', key, '_campaign', '_row', '_callback', '_number', '_instance', 'trunk', 'failover_of')
local c, row, cb = m[1] or nil, tonumber(m[2] or ''), m[3] or nil
local trunk = m[6] and cjson.decode(m[6]) or cjson.null
local of = m[7] and cjson.decode(m[7])
if of then
  call('HSET', P .. 'a:' .. of, '_failover', '1')
  call('HDEL', P .. 'a:' .. of, '_followed')
end
call('DEL', key, key .. ':journal')
call('SREM', P .. 'live', a.id)
call('SREM', P .. 'i:' .. (m[5] or '') .. ':live', a.id)
if trunk ~= cjson.null then call('SREM', P .. 't:' .. trunk .. ':live', a.id) end
call('LREM', P .. 'n:' .. (m[4] or ''), 1, a.id)
if c then
  call('SREM', camp(c) .. ':live', a.id)
  call('HINCRBY', camp(c) .. ':counts', 'attempts', -1)
  if cb and call('HGET', P .. 'cb:' .. cb, 'state') == 'dialing' then
    call('HSET', P .. 'cb:' .. cb, 'state', 'open')
    call('HINCRBY', P .. 'cb:' .. cb, 'tries', -1)
    call('HSET', P .. 'cb:' .. cb, 'last', of or '')
    call('ZADD', camp(c) .. ':cb', 0, cb)
  end
  if row then
    local s = contact(c, row)
    if s.state == 'd' and s.last == a.id then
      s.total, s.last = math.max(0, s.total - 1), of or ''
      if not cb then
        if not of then s.used, s.today = math.max(0, s.used - 1), math.max(0, s.today - 1) end
        call('ZADD', camp(c) .. ':due', row, int(row))
      end
      move(c, row, s, cb and 'c' or 'p')
    end
  end
  settle(c, idtime(a.id) or 0)
end
freed(c, trunk ~= cjson.null and trunk or '')
return 'true'
`,
)

/**
 * { id, owner, fields, state } → true; false when the attempt is not there, has ended, or is another process'. When one that is
 * about to be dialled may not be any more, since somebody stopped it or put its number on a list after the reservation: 'held'
 * of a campaign's call, which is made later, else what becomes of it, 'cancelled' or 'dnc'.
 */
export const updateScript = script(
  'update',
  `${prelude}${breaker}${facts}
local key = P .. 'a:' .. a.id
local f = call('HMGET', key, '_state', '_owner', '_campaign', '_number', 'kind', 'trunk')
local state, number = f[1], f[4] or ''
if not state or state == 'ended' or not none(a.owner) and f[2] ~= a.owner then return 'false' end
local begins = a.state == 'dialing' and state == 'reserved' and f[5] ~= '"leg"'
if begins then
  local c = f[3] or nil
  local stopped = call('EXISTS', P .. 'paused') == 1 or c and call('HGET', camp(c), 'state') ~= 'running'
  local refused = not stopped and listed(number, c)
  if stopped or refused then return c and '"held"' or refused and '"dnc"' or '"cancelled"' end
end
local flat = {}
if not none(a.state) then flat = { '_state', a.state } end
for name, text in pairs(a.fields) do
  flat[#flat + 1] = name
  flat[#flat + 1] = text
end
if #flat > 0 then call('HSET', key, unpack(flat)) end
if begins then post('call.started', a.id, number, function() return recordof(a.id) end) end
if f[6] and (a.state == 'ringing' or a.state == 'up') then trunkworks(cjson.decode(f[6]), a.id) end
return 'true'
`,
)

/**
 * { id, name, text } → true: an external task that was finished is kept for whoever holds the call, or, after its end, for
 * the next one while a callback of it is open.
 */
export const keepTaskScript = script(
  'keeptask',
  `${prelude}
local key = P .. 'a:' .. a.id
local f = call('HMGET', key, '_state', '_agreed')
local state = f[2] and call('HGET', P .. 'cb:' .. f[2], 'state')
if not f[1] or (f[1] == 'ended' and state ~= 'open' and state ~= 'dialing') then return 'false' end
call('HSETNX', key, '_task:' .. a.name, a.text)
return 'true'
`,
)
