/**
 * What the rules of the gate look up of a number, for the script that reserves and for the survey of a forecast: the same
 * question has one answer.
 */
export const facts = /* lua */ `
local WEEK, PAUSE = 604800000, 259200000

-- Is the number, or a prefix of it, on the do-not-call list of all or of this campaign?
local function listed(number, c)
  local fields = nil
  for _, key in ipairs({ P .. 'dnc', c and (P .. 'dnc:' .. c) or nil }) do
    if call('EXISTS', key) == 1 then
      if not fields then
        fields = { number }
        for i = 2, #number do fields[#fields + 1] = string.sub(number, 1, i) .. '*' end
      end
      for _, v in ipairs(call('HMGET', key, unpack(fields))) do
        if v then return true end
      end
    end
  end
  return false
end

-- The times of the attempts after that one that count, newest first; and until when somebody who was abandoned or opted out
-- is left alone by everything that calls by itself. Inbound ids are Asterisk's and tell no time; they count for nothing.
local function history(number, since)
  local times, alone = {}, nil
  for _, id in ipairs(call('LRANGE', P .. 'n:' .. number, 0, 999)) do
    local at = idtime(id)
    if at and at <= since then break end
    if at then
      local f = call('HMGET', P .. 'a:' .. id, '_counts', 'disposition', 'ended_at')
      if f[1] == '1' then times[#times + 1] = at end
      if f[2] == '"abandoned"' or f[2] == '"opted_out"' then
        alone = math.max(alone or 0, (tonumber(f[3] or '') or at) + PAUSE)
      end
    end
  end
  return times, alone
end
`
