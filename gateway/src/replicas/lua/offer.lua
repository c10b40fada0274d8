-- Offers a replica's weight to a Redis that has none, or a lesser one: it was started without its data, or from an old copy.
-- What somebody set counts more than what a file says; among equals the later epoch counts more.
--
-- KEYS: the audit list, the migration's hash.
-- ARGV: channel, entries that the audit keeps, milliseconds until a weight that nobody reads is forgotten, 1 if only an
-- absent weight may be written, then epoch, weight, file weight, shape, origin, audit entry as JSON.
-- Returns the state afterwards: {epoch, weight, file, shape, origin}.

local function state()
  return redis.call('HMGET', KEYS[2], 'epoch', 'weight', 'file', 'shape', 'origin')
end

local function rank(origin)
  return origin == 'set' and 1 or 0
end

local old = state()
local epoch = tonumber(ARGV[5])
if old[1] then
  local theirs = tonumber(old[1])
  local mine_counts_more = rank(ARGV[9]) > rank(old[5]) or (rank(ARGV[9]) == rank(old[5]) and epoch > theirs)
  if ARGV[4] == '1' or not mine_counts_more then
    return old
  end
  epoch = math.max(epoch, theirs + 1)
end
redis.call('HSET', KEYS[2], 'epoch', string.format('%.0f', epoch), 'weight', ARGV[6], 'file', ARGV[7],
  'shape', ARGV[8], 'origin', ARGV[9])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
local entry = cjson.decode(ARGV[10])
entry.from_bp = tonumber(old[2] or ARGV[6])
entry.epoch = epoch
redis.call('LPUSH', KEYS[1], cjson.encode(entry))
redis.call('LTRIM', KEYS[1], 0, tonumber(ARGV[2]) - 1)
redis.call('PUBLISH', ARGV[1], 'weight')
return state()
