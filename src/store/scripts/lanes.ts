/**
 * Choosing who is next, at the same price for a thousand contacts and a million.
 *
 * A contact that may be dialled stands in a lane: a list of rows in the order of the file, one for each priority and,
 * once it was found asleep, one for each priority and set of zones ("parked"). `due` holds the few that wait for a time
 * of their own; there a row that goes back to the front has its row number as its time. What was handed out stands in
 * `window` under a lease, and comes back by itself when the lease ends: rows as `r12`, callbacks as `cID`.
 */
import { script } from '../db.ts'
import { trunkState } from './breaker.ts'
import { prelude } from './prelude.ts'

/** Callbacks that have run out, of one look. */
const STALE = 50

/**
 * { campaign, now, ahead, lease, lanes: [id…], trunks: [name…] } → { state, paused, items: [['c', id] | ['r', row, packed, state, total]…], stale: [id…], next_due }.
 * `stale`: callbacks at the head of the line that have run out, under the lease; nobody else is handed out before they are
 * seen to.
 * `ahead` bounds the rows in the window, twice that with the callbacks; `next_due` is the next time of all that wait, or of a lease that ends.
 */
export const nextScript = script(
  'next',
  `${prelude}${trunkState}
local c = a.campaign
local window = camp(c) .. ':window'
local due, cbs = camp(c) .. ':due', camp(c) .. ':cb'
for _, item in ipairs(call('ZRANGEBYSCORE', window, '-inf', a.now)) do
  call('ZREM', window, item)
  local id = string.sub(item, 2)
  if string.sub(item, 1, 1) == 'r' then call('ZADD', due, id, id)
  elseif call('HGET', P .. 'cb:' .. id, 'state') == 'open' then call('ZADD', cbs, a.now, id) end
end
local out = { state = call('HGET', camp(c), 'state') or '', paused = call('EXISTS', P .. 'paused') == 1, items = {} }
if out.state ~= 'running' or out.paused then return cjson.encode(out) end

-- A night's outage leaves 100,000 callbacks, and many of them have run out: none of those costs a place in the queue.
local stale = {}
for _, id in ipairs(call('ZRANGEBYSCORE', cbs, '-inf', a.now, 'LIMIT', 0, ${STALE})) do
  local till = tonumber(call('HGET', P .. 'cb:' .. id, 'expires_at') or '')
  if not till or till > a.now then break end
  call('ZREM', cbs, id)
  call('ZADD', window, a.now + a.lease, 'c' .. id)
  stale[#stale + 1] = id
end
if #stale > 0 then
  out.stale, out.next_due = stale, a.now
  return cjson.encode(out)
end

-- While the breaker holds every trunk nobody is handed out, and one only to ask whether it works again.
local ahead, asked = #a.trunks > 0 and 0 or a.ahead, nil
for _, trunk in ipairs(a.trunks) do
  local state, till = trunkstate(trunk, a.now)
  ahead = math.max(ahead, state == 'open' and a.ahead or state == 'probation' and 1 or 0)
  asked = math.min(asked or till or a.now + 1000, till or a.now + 1000)
end
if ahead == 0 then
  out.next_due = asked
  return cjson.encode(out)
end

local lease = a.now + a.lease
-- Callbacks do not wait for room among the rows, but they are bounded as well.
local spare = math.max(0, (ahead > 1 and 2 or 1) * ahead - call('ZCARD', window))
for _, id in ipairs(call('ZRANGEBYSCORE', cbs, '-inf', a.now, 'LIMIT', 0, spare)) do
  call('ZREM', cbs, id)
  call('ZADD', window, lease, 'c' .. id)
  out.items[#out.items + 1] = { 'c', id }
end

local room = ahead - call('ZCARD', window)
local function hand(row, isdue)
  row = tonumber(row)
  local item = 'r' .. int(row)
  if call('ZSCORE', window, item) then return end
  local s = contact(c, row)
  if s.state ~= 'p' and s.state ~= 'h' and not (isdue and s.state == 'w') then return end
  local packed = call('LINDEX', camp(c) .. ':r:' .. int(math.floor(row / 128)), row % 128)
  if not packed or packed == '' then return end
  call('ZADD', window, lease, item)
  out.items[#out.items + 1] = { 'r', row, packed, s.state, s.total }
  room = room - 1
end
while room > 0 do
  local rows = call('ZRANGEBYSCORE', due, '-inf', a.now, 'LIMIT', 0, room)
  if #rows == 0 then break end
  for _, row in ipairs(rows) do
    call('ZREM', due, row)
    hand(row, true)
  end
end
-- Rows that came in one after another stand in a lane as one entry, from-to.
local function take(key, most)
  local rows = {}
  while #rows < most do
    local entry = call('LPOP', key)
    if not entry then break end
    local _, _, from, to = string.find(entry, '^(%d+)%-(%d+)$')
    from, to = tonumber(from or entry), tonumber(to or entry)
    local last = math.min(to, from + most - #rows - 1)
    for row = from, last do rows[#rows + 1] = row end
    if last < to then call('LPUSH', key, int(last + 1) .. '-' .. int(to)) end
  end
  return rows
end
-- A lane may hold many rows that are not to be called any more (removed, moved to another priority); nobody else waits
-- while they are passed over.
local looked = 0
for _, lane in ipairs(a.lanes) do
  local key = camp(c) .. ':lane:' .. lane
  while room > 0 do
    if looked >= 2000 then
      out.next_due = a.now
      break
    end
    local rows = take(key, room)
    looked = looked + room
    if #rows == 0 then
      if string.find(lane, '~', 1, true) then call('HDEL', camp(c) .. ':lanes', lane) end
      break
    end
    for _, row in ipairs(rows) do hand(row, false) end
  end
end
for _, key in ipairs({ due, cbs, window }) do
  local first = call('ZRANGE', key, 0, 0, 'WITHSCORES')
  if first[2] and (not out.next_due or tonumber(first[2]) < out.next_due) then out.next_due = tonumber(first[2]) end
end
return cjson.encode(out)
`,
)

/** { campaign, items: ['r12', 'cID'…], now }: handed out in vain; they go back to the front. */
export const backScript = script(
  'back',
  `${prelude}
for _, item in ipairs(a.items) do
  if call('ZREM', camp(a.campaign) .. ':window', item) == 1 then
    local id = string.sub(item, 2)
    if string.sub(item, 1, 1) == 'r' then call('ZADD', camp(a.campaign) .. ':due', id, id)
    elseif call('HGET', P .. 'cb:' .. id, 'state') == 'open' then call('ZADD', camp(a.campaign) .. ':cb', a.now, id) end
  end
end
return 'null'
`,
)

/** { campaign, lane, about, rule, rows: [12…] }: nobody may call there now; they wait in the lane of their zones. */
export const parkScript = script(
  'park',
  `${prelude}
local c = a.campaign
call('HSETNX', camp(c) .. ':lanes', a.lane, a.about)
for _, row in ipairs(a.rows) do
  if call('ZREM', camp(c) .. ':window', 'r' .. int(row)) == 1 then
    local s = contact(c, row)
    if s.state == 'p' or s.state == 'h' or s.state == 'w' then
      s.rule = a.rule
      move(c, row, s, 'h')
      call('RPUSH', camp(c) .. ':lane:' .. a.lane, int(row))
    end
  end
end
return 'null'
`,
)

/** { campaign, item, rule, until }: held by a rule until a time of its own. A callback stays open and due then. */
export const holdScript = script(
  'hold',
  `${prelude}
local c = a.campaign
call('ZREM', camp(c) .. ':window', a.item)
local id = string.sub(a.item, 2)
if string.sub(a.item, 1, 1) == 'c' then
  if call('HGET', P .. 'cb:' .. id, 'state') == 'open' then
    call('ZADD', camp(c) .. ':cb', a['until'], id)
    call('HSET', P .. 'cb:' .. id, 'held_by', a.rule)
  end
  return 'null'
end
local row = tonumber(id)
local s = contact(c, row)
if s.state == 'p' or s.state == 'h' or s.state == 'w' then
  s.rule = a.rule
  s.due = a['until']
  move(c, row, s, 'h')
  call('ZADD', camp(c) .. ':due', a['until'], id)
end
return 'null'
`,
)

/**
 * { campaign, items: ['r12', 'cID'…], now, lease }: a worker has them in hand. → for each { row?, contact?, packed?, callback?, previous?,
 * failover? }; null: gone.
 */
export const claimScript = script(
  'claim',
  `${prelude}
local c = a.campaign
local function claimed(item)
  if not call('ZSCORE', camp(c) .. ':window', item) then return cjson.null end
  call('ZADD', camp(c) .. ':window', a.now + a.lease, item)
  local out = {}
  local row = nil
  local id = string.sub(item, 2)
  if string.sub(item, 1, 1) == 'r' then
    row = tonumber(id)
  else
    local flat = call('HGETALL', P .. 'cb:' .. id)
    out.callback = {}
    for i = 1, #flat, 2 do out.callback[flat[i]] = flat[i + 1] end
    row = tonumber(out.callback.row or '')
  end
  if row then
    out.row = row
    out.contact = contact(c, row)
    out.packed = call('LINDEX', camp(c) .. ':r:' .. int(math.floor(row / 128)), row % 128)
  end
  -- Its last attempt was refused by a trunk, and may be made over another one.
  local before = (out.callback or out.contact or {}).last
  if before and before ~= '' then
    local f = call('HMGET', P .. 'a:' .. before, '_failover', 'trunk', '_tried')
    if f[1] then out.failover = { of = before, tried = (f[3] and (f[3] .. ',') or '') .. cjson.decode(f[2]) } end
  end
  local _, _, number = string.find(out.packed or '', '^[^\\31]*\\31[^\\31]*\\31([^\\31]*)')
  number = number or (out.callback and out.callback.number)
  local last, strategy = nil, nil
  if number then last, strategy = previous(number, c, row) end
  last = last or (out.callback and out.callback.call)
  if last and call('EXISTS', P .. 'a:' .. last) == 1 then out.previous = conversation(last, strategy) end
  return out
end
local all = {}
for i, item in ipairs(a.items) do all[i] = claimed(item) end
return cjson.encode(all)
`,
)

/** { number, campaign, row } → { call, outcome?, last_step?, ended_at?, vars?, tasks } with JSON texts, strategy?, _agent?, or null. */
export const previousScript = script(
  'previous',
  `${prelude}
local found, strategy = previous(a.number, not none(a.campaign) and a.campaign or nil, not none(a.row) and a.row or nil)
return found and cjson.encode(conversation(found, strategy)) or 'null'
`,
)
