/**
 * A trunk's breaker: ten failures in a row of one kind, over ten numbers, say something of the trunk and nothing of the
 * numbers. It is paused then, and asked again by one call at a time.
 *
 * `t:NAME:run` is the run: its kind and the attempts by number. `t:NAME:state` is there only while the trunk is paused:
 * `kind`, `until` (ms), `wait` (ms, doubled by each probe that fails) and `probe`, the attempt that is asking now. A
 * probe counts as asking only while it is among the trunk's live calls, so one that is lost holds nobody up.
 */

/** ms; how long the first pause is, and the longest one. */
const FIRST = 30_000
const LONGEST = 600_000
/** Different numbers. */
const RUN = 10

export const breaker = /* lua */ `
local function untry(tries, disposition)
  local kept = {}
  for rule, n in string.gmatch(tries, '([^:;]+):(%d+)') do
    n = tonumber(n) - (rule == disposition and 1 or 0)
    if n > 0 then kept[#kept + 1] = rule .. ':' .. int(n) end
  end
  return table.concat(kept, ';')
end

-- The agreement that such an attempt was to carry out is open again; false when it expired or another took its place.
local function reopencallback(cb, now)
  local key = P .. 'cb:' .. cb
  local f = call('HMGET', key, 'state', 'campaign', 'number', 'expires_at')
  if not f[1] or f[1] == 'dialing' or (tonumber(f[4]) or 0) <= now then return false end
  if f[1] ~= 'open' then
    if call('EXISTS', P .. 'cbn:' .. f[3]) == 1 then return false end
    call('SET', P .. 'cbn:' .. f[3], cb)
    call('HINCRBY', camp(f[2]) .. ':counts', 'open_callbacks', 1)
  end
  call('HSET', key, 'state', 'open', 'retries', '', 'held_by', '')
  call('ZREM', camp(f[2]) .. ':window', 'c' .. cb)
  call('ZADD', camp(f[2]) .. ':cb', now, cb)
  return true
end

-- The attempt says nothing of its number: it counts for nothing, and its contact is as if it had not been. Of attempts
-- that followed each other from trunk to trunk the last one speaks, and the first one was counted.
local function forgive(id, now)
  local key = P .. 'a:' .. id
  local f = call('HMGET', key, '_campaign', '_row', '_callback', 'failover_of', 'disposition', '_followed')
  if f[6] then return end
  call('HDEL', key, '_counts', '_failover')
  local of = f[4]
  while of do
    local before = P .. 'a:' .. cjson.decode(of)
    call('HDEL', before, '_counts')
    of = call('HGET', before, 'failover_of')
  end
  local c, row, cb = f[1] or nil, tonumber(f[2] or ''), f[3] or nil
  local agreed = cb and reopencallback(cb, now)
  if c and row then
    local s = contact(c, row)
    if s.state == '-' then return end
    if not cb then
      s.used, s.today = math.max(0, s.used - 1), math.max(0, s.today - 1)
      s.tries = untry(s.tries, f[5] and cjson.decode(f[5]))
    end
    if s.last == id and s.state ~= 'd' and (s.state ~= 'c' or agreed) then
      call('ZREM', camp(c) .. ':due', int(row))
      call('ZREM', camp(c) .. ':window', 'r' .. int(row))
      s.due, s.rule = 0, agreed and cb or ''
      move(c, row, s, agreed and 'c' or 'p')
      if not agreed then call('ZADD', camp(c) .. ':due', row, int(row)) end
    else
      keep(c, row, s)
    end
  end
  if c then
    reopen(c)
    ring({ bell = 'work', campaign = c })
  end
end


-- The trunk answered as trunks do that work: it is not broken. While it is paused only the probe's word counts.
local function trunkworks(trunk, id)
  local key = P .. 't:' .. trunk .. ':state'
  local f = call('HMGET', key, 'until', 'probe')
  if not f[1] then
    call('DEL', P .. 't:' .. trunk .. ':run')
  elseif f[2] == id then
    call('DEL', key)
    trunkis(trunk, 'up')
  end
end

-- sign: what the end of the attempt says of its trunk, 'works', 'rang', or the kind of the failure; nil: nothing.
local function trunksays(trunk, id, number, sign, now)
  local state, run = P .. 't:' .. trunk .. ':state', P .. 't:' .. trunk .. ':run'
  if sign == 'works' then return trunkworks(trunk, id) end
  local f = call('HMGET', state, 'until', 'wait', 'probe')
  if sign == 'rang' then
    if f[3] == id then trunkworks(trunk, id) end
  elseif not sign then
    if f[3] == id then call('HDEL', state, 'probe') end
  elseif f[1] then
    if f[3] == id then
      local wait = math.min(2 * tonumber(f[2]), ${LONGEST})
      call('HDEL', state, 'probe')
      call('HSET', state, 'until', int(now + wait), 'wait', int(wait), 'kind', sign)
      trunkis(trunk, 'paused', now + wait, sign)
    end
    forgive(id, now)
  else
    if call('HGET', run, '_kind') ~= sign then
      call('DEL', run)
      call('HSET', run, '_kind', sign)
    end
    local before = call('HGET', run, number)
    call('HSET', run, number, before and (before .. ' ' .. id) or id)
    call('PEXPIRE', run, 86400000)
    if call('HLEN', run) <= ${RUN} then return end
    local flat = call('HGETALL', run)
    call('DEL', run)
    call('HSET', state, 'kind', sign, 'until', int(now + ${FIRST}), 'wait', int(${FIRST}))
    for i = 1, #flat, 2 do
      if flat[i] ~= '_kind' then
        for each in string.gmatch(flat[i + 1], '%S+') do forgive(each, now) end
      end
    end
    trunkis(trunk, 'paused', now + ${FIRST}, sign)
  end
end
`

/** Whether a trunk takes calls: for the reserve script and for whoever hands contacts out. */
export const trunkState = /* lua */ `
-- → 'open', 'probation' (one call may ask), or 'stopped' with the time at which it may be asked, nil while it is.
local function trunkstate(trunk, now)
  local f = call('HMGET', P .. 't:' .. trunk .. ':state', 'until', 'probe')
  local till = tonumber(f[1] or '')
  if not till then return 'open' end
  if till > now then return 'stopped', till end
  if f[2] and call('SISMEMBER', P .. 't:' .. trunk .. ':live', f[2]) == 1 then return 'stopped' end
  return 'probation'
end
`
