-- Sets whether a migration's mirror is paused, or gives it back to a Redis that has lost it.
--
-- KEYS: the audit list, the migration's hash.
-- ARGV: channel, entries that the audit keeps, milliseconds until a pause that nobody reads is forgotten, 1 if it is given
-- back (then only an older or absent state is written over, and the audit says nothing), generation, 1 if paused, since
-- when, why, audit entry as JSON.
-- Returns the state afterwards: {generation, paused, at_us, reason}.

local function state()
  return redis.call('HMGET', KEYS[2], 'generation', 'paused', 'at_us', 'reason')
end

local old = state()
local generation = tonumber(ARGV[5])
if old[1] then
  local theirs = tonumber(old[1])
  if ARGV[4] == '1' and theirs >= generation then
    return old
  end
  generation = math.max(generation, theirs + 1)
end
redis.call('HSET', KEYS[2], 'generation', string.format('%.0f', generation), 'paused', ARGV[6], 'at_us', ARGV[7],
  'reason', ARGV[8])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
if ARGV[4] ~= '1' then
  redis.call('LPUSH', KEYS[1], ARGV[9])
  redis.call('LTRIM', KEYS[1], 0, tonumber(ARGV[2]) - 1)
end
redis.call('PUBLISH', ARGV[1], 'pause')
return state()
