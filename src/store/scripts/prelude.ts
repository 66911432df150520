import { outbox } from './outbox.ts'

/**
 * What every script shares: the names of keys, a contact's state, a campaign's counters.
 *
 * A state is one line, `state,used,total,due,day,today,rule,tries,last,disposition`, kept only once something has
 * happened to the contact; without one it is pending. `used` is its budget, `total` all its attempts, `day` and `today`
 * the callee's calendar day and the attempts in it, `rule` the rule that holds it or the id of its open callback,
 * `tries` the retries by rule (`busy:2;no_answer:1`), `last` the attempt that holds it. Whoever changes a state goes through `move`, so the counters are always the sum of the states.
 */
export const prelude = /* lua */ `
local a = cjson.decode(ARGV[1])
local P = 'apel:'
local call = redis.call
local function int(n) return string.format('%.0f', n) end
local function none(v) return v == nil or v == cjson.null end
local function camp(c) return P .. 'c:' .. c end
local function statekey(c, row) return camp(c) .. ':s:' .. int(math.floor(row / 128)) end

local NAMES = { p = 'pending', w = 'waiting', c = 'callback', d = 'dialing', x = 'done', h = 'held' }

-- The line that a state was read from, or written to.
local lines = {}

local function contact(c, row)
  local raw = call('HGET', statekey(c, row), int(row % 128))
  local f = {}
  if raw then
    for v in string.gmatch(raw .. ',', '([^,]*),') do f[#f + 1] = v end
  end
  local s = {
    state = f[1] or 'p', used = tonumber(f[2]) or 0, total = tonumber(f[3]) or 0, due = tonumber(f[4]) or 0,
    day = f[5] or '', today = tonumber(f[6]) or 0, rule = f[7] or '', tries = f[8] or '', last = f[9] or '',
    disposition = f[10] or '',
  }
  lines[s] = raw
  return s
end

-- Is it still to have its first attempt? By the line of its state; without one nothing has happened to it.
local function untried(line) return not line or string.find(line, '^[ph],[^,]*,0,') ~= nil end

local function keep(c, row, s)
  local key, field = statekey(c, row), int(row % 128)
  local line = table.concat({ s.state, int(s.used), int(s.total), int(s.due), s.day, int(s.today), s.rule, s.tries,
    s.last, s.disposition }, ',')
  local was, is = untried(lines[s]), untried(line)
  if was ~= is then call('HINCRBY', camp(c) .. ':counts', 'untried', is and 1 or -1) end
  call('HSET', key, field, line)
  lines[s] = line
  return line
end

local function move(c, row, s, to)
  if s.state ~= to then
    local counts = camp(c) .. ':counts'
    if NAMES[s.state] then call('HINCRBY', counts, NAMES[s.state], -1) end
    if NAMES[to] then call('HINCRBY', counts, NAMES[to], 1) end
    s.state = to
  end
  return keep(c, row, s)
end

local function ring(message) call('PUBLISH', P .. 'bell', cjson.encode(message)) end

-- Whoever was told to wait until a channel is given back asks again every second by itself; for so long and a little longer
-- the end of a call is news to somebody.
local function waits() call('SET', P .. 'waits', '1', 'PX', 5000) end
local function freed(c, trunk)
  if call('EXISTS', P .. 'waits') == 1 then ring({ bell = 'freed', campaign = c or '', trunk = trunk }) end
end
${outbox}
local function setstate(c, state)
  call('HSET', camp(c), 'state', state)
  ring({ bell = 'state', campaign = c, state = state })
  post('campaign.state', 'campaign ' .. c, '', { name = c, state = state })
end

local function trunkis(trunk, state, till, kind)
  ring({ bell = 'trunk', trunk = trunk, state = state, ['until'] = till or 0, kind = kind or '' })
  post('trunk.state', 'trunk ' .. trunk, '', { trunk = trunk, state = state, ['until'] = till or 0, kind = kind or '' })
end

-- Rows or callbacks came to a campaign that had finished: it runs again.
local function reopen(c)
  if call('HGET', camp(c), 'state') == 'finished' then
    call('HDEL', camp(c), 'finished_at')
    setstate(c, 'running')
  end
end

-- Has the campaign come to its end? Asked whenever one of its calls or callbacks has ended.
local function settle(c, now)
  local state = call('HGET', camp(c), 'state')
  local live = call('SCARD', camp(c) .. ':live')
  if state == 'stopping' and live == 0 then
    setstate(c, 'stopped')
  elseif state == 'running' and live == 0 and call('HGET', camp(c), 'builtin') ~= '1' then
    local n = call('HMGET', camp(c) .. ':counts', 'contacts', 'done', 'open_callbacks')
    if (tonumber(n[1]) or 0) == (tonumber(n[2]) or 0) and (tonumber(n[3]) or 0) <= 0 then
      call('HSET', camp(c), 'finished_at', int(now))
      setstate(c, 'finished')
    end
  end
end

-- Closes a callback: it is due no more, its number may have another. The contact is the caller's business.
local function closecallback(id, to)
  local key = P .. 'cb:' .. id
  local f = call('HMGET', key, 'campaign', 'number', 'state')
  if not f[1] or (f[3] ~= 'open' and f[3] ~= 'dialing') then return end
  call('HSET', key, 'state', to)
  call('ZREM', camp(f[1]) .. ':cb', id)
  call('ZREM', camp(f[1]) .. ':window', 'c' .. id)
  call('HINCRBY', camp(f[1]) .. ':counts', 'open_callbacks', -1)
  if call('GET', P .. 'cbn:' .. f[2]) == id then call('DEL', P .. 'cbn:' .. f[2]) end
end

-- The fields of a record as JSON texts by name; what is not of it has a name with _.
local function recordof(id)
  local flat, out = call('HGETALL', P .. 'a:' .. id), {}
  for i = 1, #flat, 2 do
    if string.sub(flat[i], 1, 1) ~= '_' then out[flat[i]] = flat[i + 1] end
  end
  return out
end

-- The time in one of our ids, ms; nil for others.
local function idtime(id)
  if string.find(id, '^%w%w%w%w%w%w%w%w%-%w+$') then return tonumber(string.sub(id, 1, 8), 36) end
  return nil
end

-- The last conversation: with this contact, else with this number in any campaign. Only calls that were answered. An
-- inbound call belongs to the contact that it was found to be from; a leg was somebody else's conversation.
-- The strategy that won last may have won in an earlier one.
local function previous(number, c, row)
  local found, strategy = nil, nil
  for _, id in ipairs(call('LRANGE', P .. 'n:' .. number, 0, 49)) do
    local f = call('HMGET', P .. 'a:' .. id, '_state', 'answered_at', '_campaign', '_home', '_row', 'kind', '_strategy')
    local ours = not row or ((f[3] or f[4]) == c and tonumber(f[5] or '') == row)
    if f[1] == 'ended' and f[2] and ours and f[6] ~= '"leg"' then
      found, strategy = found or id, f[7] or nil
      if strategy then break end
    end
  end
  return found, strategy
end

local kept = { outcome = true, last_step = true, ended_at = true, vars = true, _agent = true }
local function conversation(id, strategy)
  local flat, out = call('HGETALL', P .. 'a:' .. id), { call = id, tasks = {}, strategy = strategy }
  for i = 1, #flat, 2 do
    local name = flat[i]
    if kept[name] then out[name] = flat[i + 1] end
    if string.sub(name, 1, 6) == '_task:' then out.tasks[string.sub(name, 7)] = flat[i + 1] end
  end
  return out
end
`
