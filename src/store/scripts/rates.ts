/**
 * Calls a second, as a log of the last ones by Redis' clock, which all instances share. A call takes its place when it is
 * reserved; one whose way from there to the wire took longer than others' (the process stood still, Redis was away) takes
 * another one right before it leaves, since the second that its first one stood for is over.
 */
import { script } from '../db.ts'

/** Needs `call` and `rnow`, Redis' time in ms. */
export const rates = /* lua */ `
-- ms until the next one may come; 0: now.
local function ratewait(key, rate)
  local last = tonumber(call('LINDEX', key, 0))
  if not last then return 0 end
  if last > rnow + rate.window + 5000 then
    call('DEL', key)
    return 0
  end
  local till = last + rate.gap
  local nth = tonumber(call('LINDEX', key, rate.n - 1))
  if nth and nth + rate.window > till then till = nth + rate.window end
  return math.max(0, till - rnow)
end
local function took(key, n)
  if call('LPUSH', key, string.format('%.3f', rnow)) > n then call('LTRIM', key, 0, n - 1) end
  call('PEXPIRE', key, 86400000)
end
`

/** { trunk, rate } → ms until there is a place in the log of this trunk; 0: it was taken. */
export const departScript = script(
  'depart',
  `local a = cjson.decode(ARGV[1])
local call = redis.call
local time = call('TIME')
local rnow = time[1] * 1000 + time[2] / 1000
${rates}
local key = 'apel:t:' .. a.trunk .. ':rate'
local wait = ratewait(key, a.rate)
if wait == 0 then took(key, a.rate.n) end
return tostring(wait)`,
)
