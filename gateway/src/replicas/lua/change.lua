-- Changes weights if each still has the epoch that the change was decided on: all of them, or none.
--
-- KEYS: the audit list, then one hash a migration.
-- ARGV: channel, entries that the audit keeps, milliseconds until a weight that nobody reads is forgotten; then for each
-- migration: expected epoch, new epoch, weight, file weight, shape, origin, audit entry as JSON without its old weight.
-- Returns {1 or 0, state, state, ...}; a state is {epoch, weight, file, shape, origin}, all false where there is none.

local FIELDS = 7

local function state(key)
  return redis.call('HMGET', key, 'epoch', 'weight', 'file', 'shape', 'origin')
end

local reply = { 1 }
for place = 2, #KEYS do
  local now = state(KEYS[place])
  if now[1] ~= ARGV[3 + (place - 2) * FIELDS + 1] then
    reply[1] = 0
  end
  reply[place] = now
end
if reply[1] == 0 then
  return reply
end

for place = 2, #KEYS do
  local base = 3 + (place - 2) * FIELDS
  local key, old = KEYS[place], reply[place]
  local epoch = math.max(tonumber(ARGV[base + 2]), tonumber(old[1]) + 1)
  redis.call('HSET', key, 'epoch', string.format('%.0f', epoch), 'weight', ARGV[base + 3], 'file', ARGV[base + 4],
    'shape', ARGV[base + 5], 'origin', ARGV[base + 6])
  redis.call('PEXPIRE', key, ARGV[3])
  local entry = cjson.decode(ARGV[base + 7])
  entry.from_bp = tonumber(old[2])
  entry.epoch = epoch
  redis.call('LPUSH', KEYS[1], cjson.encode(entry))
  reply[place] = state(key)
end
redis.call('LTRIM', KEYS[1], 0, tonumber(ARGV[2]) - 1)
redis.call('PUBLISH', ARGV[1], 'weight')
return reply
