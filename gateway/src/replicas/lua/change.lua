-- Changes weights if each still has the epoch that the change was decided on: all of them, or none.
--
-- KEYS: the audit list, the first migration's lease, then one hash a migration.
-- ARGV: channel, entries that the audit keeps, milliseconds until a weight that nobody reads is forgotten, the fence that must
-- be the lease's newest and not over (empty where nobody leads); then for each migration: expected epoch, new epoch, weight, file weight, shape, origin, audit entry as JSON without its old weight.
-- Returns {1 if it was done, 2 if the fence is another or over, else 0; state, state, ...}; a state is {epoch, weight, file, shape, origin}, all false where there is none.

local FIELDS = 7
-- Keys and arguments before the first migration's.
local KEYS_BEFORE, ARGV_BEFORE = 2, 4

local function state(key)
  return redis.call('HMGET', key, 'epoch', 'weight', 'file', 'shape', 'origin')
end

local reply = { 1 }
for place = KEYS_BEFORE + 1, #KEYS do
  local number = place - KEYS_BEFORE
  local now = state(KEYS[place])
  if now[1] ~= ARGV[ARGV_BEFORE + (number - 1) * FIELDS + 1] then
    reply[1] = 0
  end
  reply[1 + number] = now
end
if ARGV[4] ~= '' then
  local time = redis.call('TIME')
  local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  local lease = redis.call('HMGET', KEYS[2], 'fence', 'until')
  if lease[1] ~= ARGV[4] or tonumber(lease[2] or '0') <= now then
    reply[1] = 2
    return reply
  end
end
if reply[1] == 0 then
  return reply
end

for place = KEYS_BEFORE + 1, #KEYS do
  local number = place - KEYS_BEFORE
  local base = ARGV_BEFORE + (number - 1) * FIELDS
  local key, old = KEYS[place], reply[1 + number]
  local epoch = math.max(tonumber(ARGV[base + 2]), tonumber(old[1]) + 1)
  redis.call('HSET', key, 'epoch', string.format('%.0f', epoch), 'weight', ARGV[base + 3], 'file', ARGV[base + 4],
    'shape', ARGV[base + 5], 'origin', ARGV[base + 6])
  redis.call('PEXPIRE', key, ARGV[3])
  local entry = cjson.decode(ARGV[base + 7])
  entry.from_bp = tonumber(old[2])
  entry.epoch = epoch
  redis.call('LPUSH', KEYS[1], cjson.encode(entry))
  reply[1 + number] = state(key)
end
redis.call('LTRIM', KEYS[1], 0, tonumber(ARGV[2]) - 1)
redis.call('PUBLISH', ARGV[1], 'weight')
return reply
