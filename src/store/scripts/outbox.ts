/**
 * The outbox: what is to be told to other web servers, written in the very step that makes it true, so that no crash can
 * come between a result and the letter about it.
 *
 * `hooks` names the receivers and the events that each one wants; without any, a letter costs one look. Of a receiver,
 * `hook:ID:line:KEY` is the list of letters about one call (or campaign, or trunk), in their order; `hook:ID:due` holds
 * each line that has letters, by the time at which its first one may be tried. While a letter is under way its line is
 * due only when the time of a try is over, so a carrier that dies loses none. A letter about the end of a call holds
 * nothing of the call: it is read from the record when it is carried, so ten thousand that wait are small, and one about a
 * record that was erased is gone as well.
 */
import { script } from '../db.ts'

/** `post`, for the prelude: every script that makes something known. */
export const outbox = /* lua */ `
-- A letter for every receiver that wants the event. Those of one line are carried in their order; fields: what is told,
-- or a function that gives it; nil: the record of the call that is the line's name.
local function post(event, line, number, fields)
  local hooks = call('HGETALL', P .. 'hooks')
  if #hooks == 0 then return end
  if type(fields) == 'function' then fields = fields() end
  local time = call('TIME')
  local at = time[1] * 1000 + math.floor(time[2] / 1000)
  for i = 1, #hooks, 2 do
    if string.find(hooks[i + 1], ' ' .. event .. ' ', 1, true) then
      local hook = P .. 'hook:' .. hooks[i]
      local id = int(at) .. '-' .. int(call('INCR', P .. 'hooks:count'))
      local letter = cjson.encode({ id = id, event = event, at = at, since = at, number = number, fields = fields,
        tries = 0, first = 0 })
      if call('RPUSH', hook .. ':line:' .. line, letter) == 1 then call('ZADD', hook .. ':due', at, line) end
      call('PUBLISH', P .. 'hooks:bell', hooks[i])
    end
  end
end
`

const names = /* lua */ `
local a = cjson.decode(ARGV[1])
local P = 'apel:'
local call = redis.call
local hook = P .. 'hook:' .. (a.hook or '')
local function int(n) return string.format('%.0f', n) end
`

/**
 * { hook, holder, now, room, lease, patience } → { ours: false, left } while another instance carries for this receiver; else
 * { ours: true, letters: [[line, letter, record?]…], next }: the first letters of so many lines that are due, taken for
 * `patience` ms; a letter about the end of a call comes with the record's fields, flat; `next` is when the next line is due.
 */
export const takeScript = script(
  'outbox-take',
  `${names}
local held = call('GET', hook .. ':lease')
if held and held ~= a.holder then return cjson.encode({ ours = false, left = call('PTTL', hook .. ':lease') }) end
call('SET', hook .. ':lease', a.holder, 'PX', int(a.lease))
local out = { ours = true, letters = {} }
for _, line in ipairs(call('ZRANGEBYSCORE', hook .. ':due', '-inf', int(a.now), 'LIMIT', 0, a.room)) do
  local letter = call('LINDEX', hook .. ':line:' .. line, 0)
  if letter then
    call('ZADD', hook .. ':due', int(a.now + a.patience), line)
    local record = nil
    if cjson.decode(letter).event == 'call.ended' then record = call('HGETALL', P .. 'a:' .. line) end
    out.letters[#out.letters + 1] = { line, letter, record }
  else
    call('ZREM', hook .. ':due', line)
  end
end
local first = call('ZRANGE', hook .. ':due', 0, 0, 'WITHSCORES')
if first[2] then out.next = tonumber(first[2]) end
return cjson.encode(out)
`,
)

/**
 * { hook, line, was, to: 'done' | 'again' | 'dead', letter, at, most } → true; false when it is not the first of its line any more.
 * `again`: the letter as it is now, to be tried at `at`; `dead`: it is kept among the dead ones, of which the newest `most` stay.
 */
export const settleScript = script(
  'outbox-settle',
  `${names}
local list = hook .. ':line:' .. a.line
if call('LINDEX', list, 0) ~= a.was then return 'false' end
if a.to == 'again' then
  call('LSET', list, 0, a.letter)
  call('ZADD', hook .. ':due', int(a.at), a.line)
  return 'true'
end
call('LPOP', list)
if call('LLEN', list) > 0 then call('ZADD', hook .. ':due', int(a.at), a.line) else call('ZREM', hook .. ':due', a.line) end
if a.to == 'dead' then
  local id = cjson.decode(a.letter).id
  call('HSET', P .. 'hooks:dead', id, a.letter)
  call('ZADD', P .. 'hooks:dead:at', int(a.at), id)
  while call('ZCARD', P .. 'hooks:dead:at') > a.most do
    call('HDEL', P .. 'hooks:dead', call('ZPOPMIN', P .. 'hooks:dead:at')[1])
  end
end
return 'true'
`,
)

/** { id, now } → 'ok', 'not_found', or 'no_receiver' when nobody sends to that one any more. The last of its line, with all its tries. */
export const replayScript = script(
  'outbox-replay',
  `${names}
local dead = call('HGET', P .. 'hooks:dead', a.id)
if not dead then return '"not_found"' end
local letter = cjson.decode(dead)
if call('HEXISTS', P .. 'hooks', letter.hook) == 0 then return '"no_receiver"' end
local hook, line = P .. 'hook:' .. letter.hook, letter.line
letter.hook, letter.line, letter.reason, letter.died_at, letter.url = nil, nil, nil, nil, nil
letter.tries, letter.first, letter.since = 0, 0, a.now
if call('RPUSH', hook .. ':line:' .. line, cjson.encode(letter)) == 1 then call('ZADD', hook .. ':due', int(a.now), line) end
call('HDEL', P .. 'hooks:dead', a.id)
call('ZREM', P .. 'hooks:dead:at', a.id)
call('PUBLISH', P .. 'hooks:bell', string.sub(hook, #P + 6))
return '"ok"'
`,
)

/** { hook, holder }: somebody else may carry now. */
export const releaseScript = script(
  'outbox-release',
  `${names}
if call('GET', hook .. ':lease') == a.holder then call('DEL', hook .. ':lease') end
return 'null'
`,
)
