/** Rows come in, change and go; and the ways that lead to them. */
import { script } from '../db.ts'
import { prelude } from './prelude.ts'

/**
 * A packed row is `schema, key, number, values…` with the unit separator (octal 37) between; an empty key says that the
 * number is the key.
 *
 * The way from a number (`n`) or a key (`k`) to its row: FNV-1a finds one of 16,384 hashes, small enough to stay a flat
 * list of bytes, and the rest of it is the field, 16 bits. That is enough, since the row itself says whose it is: whoever
 * finds the field taken by another is kept beside it under the whole text. The field of one who went is -1 and never
 * given to another, or those beside it would be lost.
 *
 * A dry run writes to the hash of its import alone, which is read before everything else and thrown away.
 */
export const rowsPrelude = /* lua */ `
local scratch = a.dry and a.import or nil
local fresh = {}
local function hash(text)
  local h = 2166136261
  for i = 1, #text do
    h = bit.bxor(h, string.byte(text, i)) % 4294967296
    h = ((h % 256) * 16777216 + h * 403) % 4294967296
  end
  return h
end
local function place(c, kind, text, h)
  h = h or hash(text)
  return camp(c) .. ':' .. kind .. ':' .. int(h % 16384), int(math.floor(h / 16384) % 65536 - 32768)
end
local function whole(text) return '=' .. (#text > 60 and redis.sha1hex(text) or text) end
local function packedof(c, row)
  local kept = scratch and call('HGET', scratch, 'r' .. int(row))
  return kept or fresh[row] or call('LINDEX', camp(c) .. ':r:' .. int(math.floor(row / 128)), row % 128)
end
local function setpacked(c, row, packed)
  if scratch then call('HSET', scratch, 'r' .. int(row), packed)
  elseif fresh[row] then fresh[row] = packed
  else call('LSET', camp(c) .. ':r:' .. int(math.floor(row / 128)), row % 128, packed) end
end
local function names(packed)
  local _, _, key, number = string.find(packed, '^[^\\31]*\\31([^\\31]*)\\31([^\\31]*)')
  return key, number
end
local function owns(c, row, kind, text)
  if row < 0 then return false end
  local key, number = names(packedof(c, row) or '')
  return (kind == 'n' and number or key) == text
end
local function rowof(c, kind, text, h)
  local known = scratch and call('HGET', scratch, kind .. text)
  if known then return known ~= '' and tonumber(known) or nil end
  local key, field = place(c, kind, text, h)
  local row = tonumber(call('HGET', key, field))
  if not row or owns(c, row, kind, text) then return row end
  return tonumber(call('HGET', key, whole(text)))
end
-- Asked before the row is rewritten when the way is taken away (row nil), after it when it is laid.
local function point(c, kind, text, row, h)
  if scratch then
    call('HSET', scratch, kind .. text, row and int(row) or '')
    return
  end
  local key, field = place(c, kind, text, h)
  if row and call('HSETNX', key, field, int(row)) == 1 then return end
  local own = owns(c, tonumber(call('HGET', key, field)) or -1, kind, text)
  if row then call('HSET', key, own and field or whole(text), int(row))
  elseif own then call('HSET', key, field, '-1')
  else call('HDEL', key, whole(text)) end
end
-- Only a number can be the key of a contact that has no other one.
local function rowbykey(c, key, h)
  local row = rowof(c, 'k', key, h)
  if row or not string.find(key, '^%+?[%d*#]+$') then return row end
  row = rowof(c, 'n', key)
  if row and names(packedof(c, row)) == '' then return row end
  return nil
end
local function line(c, lane, from, to)
  if scratch then return end
  call('HSETNX', camp(c) .. ':lanes', lane, '')
  call('RPUSH', camp(c) .. ':lane:' .. lane, from == to and int(from) or int(from) .. '-' .. int(to))
end
local function rewrite(c, row, old, packed, lane)
  local oldkey, oldnumber = names(old)
  local key, number = names(packed)
  if number ~= oldnumber then point(c, 'n', oldnumber, nil) end
  if oldkey ~= '' and key ~= oldkey then point(c, 'k', oldkey, nil) end
  setpacked(c, row, packed)
  if number ~= oldnumber then point(c, 'n', number, row) end
  if key ~= '' and key ~= oldkey then point(c, 'k', key, row) end
  if not none(lane) and contact(c, row).state == 'p' then line(c, lane, row, row) end
end
`

/**
 * { campaign, import: key of a hash of its own, part, dry, rows: [[packed, lane, hash of the number, hash of the key]…] } → one letter a row: `a` accepted, `u` updated, `d` duplicate.
 * A part that was taken, but whose answer was lost, is asked again and answered the same.
 */
export const importScript = script(
  'import',
  `${prelude}${rowsPrelude}
local c = a.campaign
if call('HGET', a.import, 'part') == int(a.part) then return call('HGET', a.import, 'answer') end
local out = {}
local total = tonumber(call('HGET', camp(c), 'rows')) or 0
if scratch then total = total + (tonumber(call('HGET', scratch, 'rows')) or 0) end
local accepted = 0
local runs, order = {}, {}
local function follow(lane, row)
  local run = runs[lane]
  if run and run.to == row - 1 then
    run.to = row
    return
  end
  if run then order[#order + 1] = run end
  runs[lane] = { lane = lane, from = row, to = row }
end
for i, r in ipairs(a.rows) do
  local packed, lane = r[1], r[2]
  local key, number = names(packed)
  local bynumber = rowof(c, 'n', number, r[3])
  local bykey
  if key == '' then bykey = bynumber and names(packedof(c, bynumber)) == '' and bynumber or rowof(c, 'k', number, r[3])
  else bykey = rowbykey(c, key, r[4]) end
  if bykey then
    local old = packedof(c, bykey)
    if old == packed or (bynumber and bynumber ~= bykey) then
      out[i] = 'd'
    else
      out[i] = 'u'
      rewrite(c, bykey, old, packed, lane)
    end
  elseif bynumber then
    out[i] = 'd'
  else
    out[i] = 'a'
    local row = total + accepted
    if scratch then setpacked(c, row, packed) else fresh[row] = packed end
    point(c, 'n', number, row, r[3])
    if key ~= '' then point(c, 'k', key, row, r[4]) end
    follow(lane, row)
    accepted = accepted + 1
  end
end
if scratch then
  call('HINCRBY', scratch, 'rows', accepted)
elseif accepted > 0 then
  local row = total
  while row < total + accepted do
    local ending = math.min(total + accepted, row - row % 128 + 128) - 1
    call('RPUSH', camp(c) .. ':r:' .. int(math.floor(row / 128)), unpack(fresh, row, ending))
    row = ending + 1
  end
  for _, run in ipairs(order) do line(c, run.lane, run.from, run.to) end
  for lane, run in pairs(runs) do line(c, lane, run.from, run.to) end
  call('HSET', camp(c), 'rows', int(total + accepted))
  call('HINCRBY', camp(c) .. ':counts', 'contacts', accepted)
  call('HINCRBY', camp(c) .. ':counts', 'pending', accepted)
  call('HINCRBY', camp(c) .. ':counts', 'untried', accepted)
  reopen(c)
  ring({ bell = 'work', campaign = c })
end
local answer = cjson.encode(table.concat(out))
call('HSET', a.import, 'part', int(a.part), 'answer', answer)
call('PEXPIRE', a.import, 3600000)
return answer
`,
)

/** { campaign, key?, number? } → { row, packed, contact } or null. */
export const findScript = script(
  'find',
  `${prelude}${rowsPrelude}
local row
if not none(a.key) then row = rowbykey(a.campaign, a.key) else row = rowof(a.campaign, 'n', a.number) end
if not row then return 'null' end
return cjson.encode({ row = row, packed = packedof(a.campaign, row), contact = contact(a.campaign, row) })
`,
)

/** { campaign, row, old, packed, lane } → 'ok', 'changed' (somebody was quicker) or 'taken' (the number is another's). */
export const changeScript = script(
  'change',
  `${prelude}${rowsPrelude}
local old = packedof(a.campaign, a.row)
if old ~= a.old then return '"changed"' end
local _, number = names(a.packed)
local other = rowof(a.campaign, 'n', number)
if other and other ~= a.row then return '"taken"' end
rewrite(a.campaign, a.row, old, a.packed, a.lane)
ring({ bell = 'work', campaign = a.campaign })
return '"ok"'
`,
)

/**
 * { campaign, row, to: 'pending' | 'done', now } → the state it had. A contact that is being called keeps its state.
 * Pending gives it a fresh budget and puts it in front; an open callback is cancelled.
 */
export const setStateScript = script(
  'setstate',
  `${prelude}${rowsPrelude}
local c, row = a.campaign, a.row
local s = contact(c, row)
local had = s.state
if had == 'd' or had == '-' then return cjson.encode(had) end
if had == 'c' then closecallback(s.rule, 'cancelled') end
call('ZREM', camp(c) .. ':due', int(row))
s.rule, s.due, s.last = '', 0, ''
if a.to == 'pending' then
  s.used, s.tries, s.today = 0, '', 0
  move(c, row, s, 'p')
  if not call('ZSCORE', camp(c) .. ':window', 'r' .. int(row)) then call('ZADD', camp(c) .. ':due', row, int(row)) end
  reopen(c)
  ring({ bell = 'work', campaign = c })
else
  move(c, row, s, 'x')
  settle(c, a.now)
end
return cjson.encode(had)
`,
)

/** { campaign, row, now } → the state it had; a contact that is being called stays. Its attempts stay in the results. */
export const removeScript = script(
  'remove',
  `${prelude}${rowsPrelude}
local c, row = a.campaign, a.row
local s = contact(c, row)
local had = s.state
if had == 'd' or had == '-' then return cjson.encode(had) end
local key, number = names(packedof(c, row))
if had == 'c' then closecallback(s.rule, 'cancelled') end
point(c, 'n', number, nil)
if key ~= '' then point(c, 'k', key, nil) end
setpacked(c, row, '')
call('ZREM', camp(c) .. ':due', int(row))
call('ZREM', camp(c) .. ':window', 'r' .. int(row))
call('HINCRBY', camp(c) .. ':counts', 'contacts', -1)
move(c, row, s, '-')
settle(c, a.now)
return cjson.encode(had)
`,
)
