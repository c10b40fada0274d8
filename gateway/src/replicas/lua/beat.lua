-- Notes that a replica lives, by the clock of Redis.
-- KEYS: the sorted set of replicas. ARGV: name, milliseconds after which a silent replica is forgotten.
-- Returns {name, milliseconds since it was heard from, ...}, all as text.

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[2]))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
local all = redis.call('ZRANGE', KEYS[1], 0, 999, 'WITHSCORES')
local reply = {}
for place = 1, #all, 2 do
  reply[place] = all[place]
  reply[place + 1] = string.format('%.0f', now - tonumber(all[place + 1]))
end
return reply
