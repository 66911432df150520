/** What a forecast must know of many contacts, read in small bites between the live work. */
import { script } from '../db.ts'
import { facts } from './facts.ts'
import { prelude } from './prelude.ts'

/**
 * { campaign, from, now }: the 128 rows of a bucket → { rows, of: [[row, packed, contact, listed, times, alone]…] }, `rows` how many the
 * campaign has, `listed` 1 for a number on the do-not-call list, `times` and `alone` (0: not) as `history` gives them for the last week.
 */
export const surveyScript = script(
  'survey',
  `${prelude}${facts}
local c = a.campaign
local out = { rows = tonumber(call('HGET', camp(c), 'rows')) or 0, of = {} }
local any = call('EXISTS', P .. 'dnc', P .. 'dnc:' .. c) > 0
for i, packed in ipairs(call('LRANGE', camp(c) .. ':r:' .. int(math.floor(a.from / 128)), 0, -1)) do
  local row = a.from + i - 1
  local _, _, number = string.find(packed, '^[^\\31]*\\31[^\\31]*\\31([^\\31]*)')
  if number then
    local s = contact(c, row)
    if s.state == 'x' then
      out.of[#out.of + 1] = { row, packed, s }
    else
      local times, alone = history(number, a.now - WEEK)
      out.of[#out.of + 1] = { row, packed, s, (any and listed(number, c)) and 1 or 0, times, alone or 0 }
    end
  end
end
return cjson.encode(out)
`,
)

/** { campaign } → { callbacks: [{ … as the hash has it, next_at }…] }: the open agreements of the campaign, with the time at which each is tried. */
export const agreementsScript = script(
  'agreements',
  `${prelude}
local out, now = {}, a.now
local function add(id, at)
  local flat, cb = call('HGETALL', P .. 'cb:' .. id), {}
  for i = 1, #flat, 2 do cb[flat[i]] = flat[i + 1] end
  if cb.state == 'open' then
    cb.next_at = int(at)
    out[#out + 1] = cb
  end
end
local found = call('ZRANGE', camp(a.campaign) .. ':cb', a.from, a.from + 199, 'WITHSCORES')
for i = 1, #found, 2 do add(found[i], tonumber(found[i + 1])) end
if a.from == 0 then
  for _, item in ipairs(call('ZRANGE', camp(a.campaign) .. ':window', 0, -1)) do
    if string.sub(item, 1, 1) == 'c' then add(string.sub(item, 2), now) end
  end
end
return cjson.encode({ more = #found == 400, callbacks = out })
`,
)
