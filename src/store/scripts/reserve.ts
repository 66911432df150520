/**
 * The gate's last word, and the record, in one step that nothing can come between.
 *
 * Whatever can change by itself or by somebody's hand is read again here: the campaign's state, the global stop, the
 * do-not-call list, the number's history against its caps, the contact's state and budget, the trunks' channels and
 * rates; and that the campaign's rules, the contact and the agreement are still those that were judged. What depends on the calendar was judged a moment ago on our side and is good until `deadline`, on Redis'
 * clock; a script that a slow server performs later than that does nothing. With `explain` all verdicts are given and
 * nothing is written, so an explanation and a reservation cannot differ.
 *
 * The rate is a log of the last reservations: the n-th last must be a second and a margin ago. The margin is what the
 * way to the wire may differ between two calls; the smaller gap between neighbours keeps a burst from making that worse.
 */
import { script } from '../db.ts'
import { trunkState } from './breaker.ts'
import { facts } from './facts.ts'
import { prelude } from './prelude.ts'
import { rates } from './rates.ts'

/**
 * { id, now, deadline, kind, campaign, row, callback, basis: { revision, packed, due_at }, number, trunks: [{ name, node, channels, rate, caller_id }],
 *   concurrency, rate, caps: { day, week, day_start, day_end }, budget: { max, per_day, day, day_end },
 *   fields: { name: JSON text }, marks: { name: text }, clock, assumed: { times, used, day, today },
 *   failover: the attempt that it follows over another trunk, explain, holder: what the lease of `marks.instance` says }
 * → { verdict: 'reserved', trunk, attempt, kind, room, contact: the line of its state } | { verdict: 'hold' | 'refuse', rule, until } | { verdict: 'busy', wait }
 *   | { verdict: 'gone' | 'stale' }; with `explain` { verdicts: [[rule, verdict, until, why]…] }.
 */
export const reserveScript = script(
  'reserve',
  `${prelude}${trunkState}${facts}
local time = call('TIME')
local rnow = a.explain and a.clock or time[1] * 1000 + time[2] / 1000
local c = not none(a.campaign) and a.campaign or nil
local row = not none(a.row) and a.row or nil
local cb = not none(a.callback) and a.callback or nil
${rates}
if not a.explain and rnow > a.deadline then return cjson.encode({ verdict = 'busy', wait = 0, rule = 'stale' }) end
-- A process that slept longer than its lease, or has lost its name to another, writes nothing down.
if not a.explain and not none(a.holder) and call('GET', P .. 'i:' .. a.marks.instance .. ':lease') ~= a.holder then
  return '{"verdict":"hold","rule":"gate_closed","until":0}'
end

local campaign = c and call('HMGET', camp(c), 'revision', 'state')
local s = row and contact(c, row)
local follows = not none(a.failover)
local cbkey = cb and (P .. 'cb:' .. cb)
if not a.explain then
  if call('EXISTS', P .. 'a:' .. a.id) == 1 then return '{"verdict":"gone"}' end
  if cb and call('HGET', cbkey, 'state') ~= 'open' then return '{"verdict":"gone"}' end
  if s and s.state ~= 'p' and s.state ~= 'h' and s.state ~= 'w' and not (cb and s.state == 'c') then
    return '{"verdict":"gone"}'
  end
  local b = a.basis
  if not none(b.revision) and (campaign[1] or '') ~= b.revision
    or not none(b.packed) and call('LINDEX', camp(c) .. ':r:' .. int(math.floor(row / 128)), row % 128) ~= b.packed
    or cb and tonumber(call('HGET', cbkey, 'due_at')) ~= b.due_at then
    return '{"verdict":"stale"}'
  end
end

if s and not none(a.assumed) then
  s.state, s.used, s.day, s.today = 'p', a.assumed.used, a.assumed.day, a.assumed.today
end

-- What is for good decides before what time lifts, and that before what lifts in a moment.
local RANK = { pass = 0, busy = 1, hold = 2, refuse = 3 }
local verdicts, first = {}, nil
local function judge(rule, verdict, till, why)
  verdicts[#verdicts + 1] = { rule, verdict, till or 0, why }
  if RANK[verdict] > (first and RANK[first.verdict] or 0) then
    first = { verdict = verdict, rule = rule, ['until'] = till or 0 }
  end
end

judge('dnc', listed(a.number, c) and 'refuse' or 'pass')

-- Attempts of the last week and day against the caps; somebody who was abandoned or opted out is left alone for three days
-- by everything that calls by itself.
local capped = nil
if not none(a.caps) then
  local today, week = 0, 0
  -- The attempt that it follows over another trunk is the one that counts.
  if follows then today, week = -1, -1 end
  local function count(at)
    if at >= a.caps.day_start then today = today + 1 end
    if at > a.now - WEEK then week = week + 1 end
    if not none(a.caps.day) and today >= a.caps.day then capped = math.max(capped or 0, a.caps.day_end) end
    if not none(a.caps.week) and week == a.caps.week then capped = math.max(capped or 0, at + WEEK) end
  end
  for _, at in ipairs(none(a.assumed) and {} or a.assumed.times) do
    if at > a.now - WEEK or at >= a.caps.day_start then count(at) end
  end
  local times, alone = history(a.number, math.min(a.now - WEEK, a.caps.day_start - 1))
  for _, at in ipairs(times) do count(at) end
  if alone and alone > a.now and a.kind ~= 'manual' then capped = math.max(capped or 0, alone) end
end
judge('cap', capped and 'hold' or 'pass', capped)

-- Whether it is this one's turn at all is the budget's word, too.
local budget = { 'pass' }
if a.explain and s and s.state == 'x' and not cb then budget = { 'refuse', nil, 'done' }
elseif s and not cb and not none(a.budget) then
  if a.explain and s.state == 'd' then budget = { 'hold', nil, 'dialing' }
  elseif follows then budget = { 'pass' }
  elseif s.used >= a.budget.max then budget = { 'refuse' }
  else
    if s.state == 'w' and s.due > a.now then budget = { 'hold', s.due, 'waiting' } end
    if not none(a.budget.per_day) and s.day == a.budget.day and s.today >= a.budget.per_day then
      budget = { 'hold', math.max(budget[2] or 0, a.budget.day_end) }
    end
  end
elseif cb then
  local f = call('HMGET', cbkey, 'state', 'held_by')
  local due = tonumber(call('ZSCORE', camp(c) .. ':cb', cb) or '')
  if f[1] ~= 'open' then budget = f[1] == 'dialing' and { 'hold', nil, 'dialing' } or { 'refuse', nil, 'done' }
  elseif due and due > a.now and (f[2] or '') == '' then budget = { 'hold', due, 'callback' } end
end
judge('budget', unpack(budget, 1, 3))

judge('campaign_state', (not c or campaign[2] == 'running') and 'pass' or 'hold')

local trunk, wait, stopped, resumes, probe = nil, nil, 0, nil, false
for _, t in ipairs(a.trunks) do
  local state, till = trunkstate(t.name, a.now)
  if state == 'stopped' then
    stopped = stopped + 1
    if till and (not resumes or till < resumes) then resumes = till end
  elseif not trunk and call('SCARD', P .. 't:' .. t.name .. ':live') < t.channels then
    local w = ratewait(P .. 't:' .. t.name .. ':rate', t.rate)
    if w == 0 then trunk, probe = t, state == 'probation' elseif not wait or w < wait then wait = w end
  end
end
local allstopped = #a.trunks > 0 and stopped == #a.trunks
judge('trunk_state', allstopped and 'hold' or 'pass', resumes)
local busy = not trunk
if c and not busy then
  if not none(a.concurrency) and call('SCARD', camp(c) .. ':live') >= a.concurrency then busy, wait = true, nil end
  if not busy and not none(a.rate) then
    local w = ratewait(camp(c) .. ':rate', a.rate)
    if w > 0 then busy, wait = true, w end
  end
end
judge('trunk_busy', (busy and not allstopped) and 'busy' or 'pass', wait and (a.now + wait) or 0)
judge('paused', call('EXISTS', P .. 'paused') == 1 and 'hold' or 'pass')

if a.explain then return cjson.encode({ verdicts = verdicts }) end
if first then
  if first.verdict == 'busy' then
    first.wait = wait or -1
    if first.wait < 0 then waits() end
  end
  return cjson.encode(first)
end

took(P .. 't:' .. trunk.name .. ':rate', trunk.rate.n)
if probe then
  call('HSET', P .. 't:' .. trunk.name .. ':state', 'probe', a.id)
  trunkis(trunk.name, 'probing')
end
if c and not none(a.rate) then took(camp(c) .. ':rate', a.rate.n) end

local attempt, kind, line = 1, a.kind, nil
if s then
  attempt = s.total + 1
  s.total = s.total + 1
  if not cb then
    kind = attempt == 1 and 'first' or 'retry'
    if not follows then s.used = s.used + 1 end
    if s.day ~= a.budget.day then s.day, s.today = a.budget.day, 0 end
    if not follows then s.today = s.today + 1 end
  end
  s.last, s.rule, s.due = a.id, '', 0
  line = move(c, row, s, 'd')
  call('ZREM', camp(c) .. ':due', int(row))
  call('ZREM', camp(c) .. ':window', 'r' .. int(row))
end
if cb then
  local tries = call('HINCRBY', cbkey, 'tries', 1)
  if not s then attempt = tries end
  call('HSET', cbkey, 'state', 'dialing', 'held_by', '', 'last', a.id)
  call('ZREM', camp(c) .. ':cb', cb)
  call('ZREM', camp(c) .. ':window', 'c' .. cb)
end

local key = P .. 'a:' .. a.id
local fields = a.fields
fields.attempt, fields.kind, fields.trunk = int(attempt), cjson.encode(kind), cjson.encode(trunk.name)
fields.node, fields.caller_id = cjson.encode(trunk.node), cjson.encode(trunk.caller_id)
local flat = { '_state', 'reserved' }
for name, text in pairs(fields) do flat[#flat + 1] = name; flat[#flat + 1] = text end
for name, text in pairs(a.marks) do flat[#flat + 1] = '_' .. name; flat[#flat + 1] = text end
if follows then
  call('HSET', P .. 'a:' .. a.failover, '_followed', '1')
  call('HDEL', P .. 'a:' .. a.failover, '_failover')
else
  flat[#flat + 1] = '_counts'
  flat[#flat + 1] = '1'
end
call('HSET', key, unpack(flat))
call('SADD', P .. 'live', a.id)
call('SADD', P .. 'i:' .. a.marks.instance .. ':live', a.id)
call('SADD', P .. 't:' .. trunk.name .. ':live', a.id)
if c then
  call('SADD', camp(c) .. ':live', a.id)
  call('HINCRBY', camp(c) .. ':counts', 'attempts', 1)
end
if call('LPUSH', P .. 'n:' .. a.number, a.id) > 1000 then call('LTRIM', P .. 'n:' .. a.number, 0, 999) end

-- When there is room for the next one: whoever waits behind need not ask before.
local room = c and not none(a.rate) and ratewait(camp(c) .. ':rate', a.rate) or 0
local free = nil
for _, t in ipairs(a.trunks) do
  if trunkstate(t.name, a.now) == 'open' and call('SCARD', P .. 't:' .. t.name .. ':live') < t.channels then
    local w = ratewait(P .. 't:' .. t.name .. ':rate', t.rate)
    if not free or w < free then free = w end
  end
end
if not free or (c and not none(a.concurrency) and call('SCARD', camp(c) .. ':live') >= a.concurrency) then
  room = -1
  waits()
else room = math.max(room, free) end
return cjson.encode({ verdict = 'reserved', trunk = trunk.name, attempt = attempt, kind = kind, room = room, contact = line })
`,
)

/** { id, fields, marks, number }: an inbound call is written down; no gate, it is there already. → true when new. */
export const inboundScript = script(
  'inbound',
  `${prelude}
local key = P .. 'a:' .. a.id
if call('EXISTS', key) == 1 then return 'false' end
local flat = {}
for name, text in pairs(a.fields) do flat[#flat + 1] = name; flat[#flat + 1] = text end
for name, text in pairs(a.marks) do flat[#flat + 1] = '_' .. name; flat[#flat + 1] = text end
call('HSET', key, unpack(flat))
call('HSET', key, '_state', 'reserved')
call('SADD', P .. 'live', a.id)
call('SADD', P .. 'i:' .. a.marks.instance .. ':live', a.id)
post('call.started', a.id, a.number, function() return recordof(a.id) end)
if not none(a.campaign) then call('HINCRBY', camp(a.campaign) .. ':counts', 'attempts', 1) end
if a.number ~= '' then
  call('LPUSH', P .. 'n:' .. a.number, a.id)
  call('LTRIM', P .. 'n:' .. a.number, 0, 999)
end
return 'true'
`,
)
