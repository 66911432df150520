/** Rows come in, change and go; and the ways that lead to them. */
import { script } from '../db.ts'
import { prelude } from './prelude.ts'

/**
 * A packed row is `schema, key, number, values…` with the unit separator (octal 37) between; an empty key says that the
 * number is the key. An index hash is found by FNV-1a over 16,384: small enough to stay a flat list of bytes. Its field
 * for a number goes without `+`, since digits alone are kept as an integer; a text over 60 bytes would turn the flat
 * hash into a costly one, so it goes as a digest.
 */
export const rowsPrelude = /* lua */ `
local function hash(text)
  local h = 2166136261
  for i = 1, #text do
    h = bit.bxor(h, string.byte(text, i)) % 4294967296
    h = ((h % 256) * 16777216 + h * 403) % 4294967296
  end
  return int(h % 16384)
end
local function place(c, kind, text)
  local field = text
  if kind == 'n' then
    field = string.sub(text, 1, 1) == '+' and string.sub(text, 2) or ('x' .. text)
  elseif #text > 60 then
    field = '~' .. redis.sha1hex(text)
  end
  return camp(c) .. ':' .. kind .. ':' .. hash(text), field
end
local function rowof(c, kind, text)
  local key, field = place(c, kind, text)
  return tonumber(call('HGET', key, field))
end
local function point(c, kind, text, row)
  local key, field = place(c, kind, text)
  if row then call('HSET', key, field, int(row)) else call('HDEL', key, field) end
end
local function packedof(c, row) return call('LINDEX', camp(c) .. ':r:' .. int(math.floor(row / 128)), row % 128) end
local function setpacked(c, row, packed) call('LSET', camp(c) .. ':r:' .. int(math.floor(row / 128)), row % 128, packed) end
local function names(packed)
  local _, _, key, number = string.find(packed, '^[^\\31]*\\31([^\\31]*)\\31([^\\31]*)')
  return key, number
end
local function rowbykey(c, key)
  local row = rowof(c, 'k', key)
  if row then return row end
  row = rowof(c, 'n', key)
  if row and names(packedof(c, row)) == '' then return row end
  return nil
end
local function line(c, lane, row)
  call('HSETNX', camp(c) .. ':lanes', lane, '')
  call('RPUSH', camp(c) .. ':lane:' .. lane, int(row))
end
local function rewrite(c, row, old, packed, lane)
  local oldkey, oldnumber = names(old)
  local key, number = names(packed)
  setpacked(c, row, packed)
  if number ~= oldnumber then
    point(c, 'n', oldnumber, nil)
    point(c, 'n', number, row)
  end
  if key == '' and oldkey ~= '' then point(c, 'k', oldkey, nil) end
  if key ~= '' and oldkey == '' then point(c, 'k', key, row) end
  if not none(lane) and contact(c, row).state == 'p' then line(c, lane, row) end
end
`

/** { campaign, dry, rows: [[packed, lane]…] } → one letter a row: `a` accepted, `u` updated, `d` duplicate. */
export const importScript = script(
  'import',
  `${prelude}${rowsPrelude}
local c = a.campaign
local out = {}
local total = tonumber(call('HGET', camp(c), 'rows')) or 0
local accepted = 0
for i, r in ipairs(a.rows) do
  local packed, lane = r[1], r[2]
  local key, number = names(packed)
  local bynumber = rowof(c, 'n', number)
  local bykey = rowbykey(c, key == '' and number or key)
  if bykey then
    local old = packedof(c, bykey)
    if old == packed or (bynumber and bynumber ~= bykey) then
      out[i] = 'd'
    else
      out[i] = 'u'
      if not a.dry then rewrite(c, bykey, old, packed, lane) end
    end
  elseif bynumber then
    out[i] = 'd'
  else
    out[i] = 'a'
    if not a.dry then
      local row = total + accepted
      call('RPUSH', camp(c) .. ':r:' .. int(math.floor(row / 128)), packed)
      point(c, 'n', number, row)
      if key ~= '' then point(c, 'k', key, row) end
      line(c, lane, row)
      accepted = accepted + 1
    end
  end
end
if accepted > 0 then
  call('HSET', camp(c), 'rows', int(total + accepted))
  call('HINCRBY', camp(c) .. ':counts', 'contacts', accepted)
  call('HINCRBY', camp(c) .. ':counts', 'pending', accepted)
  call('HINCRBY', camp(c) .. ':counts', 'untried', accepted)
  reopen(c)
  ring({ bell = 'work', campaign = c })
end
return cjson.encode(table.concat(out))
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
