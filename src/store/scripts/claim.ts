/**
 * The right to take over: the calls of a process that is gone become another's, all in one step, so that of two who
 * want them one gets them and the other finds none. The epoch of the dead one grows: should it only have slept, it sees
 * that it has lost its calls.
 */
import { script } from '../db.ts'
import { prelude } from './prelude.ts'

/** { from, to, owner, holder, nodes } → ids. Without a lease of its own nobody takes; who has a lease is not taken from. */
export const claimScript = script(
  'claim',
  `${prelude}
if not none(a.holder) and call('GET', P .. 'i:' .. a.to .. ':lease') ~= a.holder then return '[]' end
if a.from ~= a.to and call('EXISTS', P .. 'i:' .. a.from .. ':lease') == 1 then return '[]' end
local wanted = not none(a.nodes) and {}
if wanted then for _, node in ipairs(a.nodes) do wanted[node] = true end end
local ids = {}
for _, id in ipairs(call('SMEMBERS', P .. 'i:' .. a.from .. ':live')) do
  local key = P .. 'a:' .. id
  local f = call('HMGET', key, '_state', 'node', '_owner')
  local node = f[2] and cjson.decode(f[2])
  if f[1] and f[3] ~= a.owner and (not wanted or wanted[node]) then
    call('HSET', key, '_instance', a.to, '_owner', a.owner)
    if a.from ~= a.to then
      call('SREM', P .. 'i:' .. a.from .. ':live', id)
      call('SADD', P .. 'i:' .. a.to .. ':live', id)
    end
    ids[#ids + 1] = id
  end
end
if #ids == 0 then return '[]' end
if a.from ~= a.to then call('INCR', P .. 'i:' .. a.from .. ':epoch') end
return cjson.encode(ids)
`,
)
