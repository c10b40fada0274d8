-- Who leads a migration: takes the lease, makes it longer, lets it go, or only looks. Time is Redis' own.
--
-- KEYS: the lease's hash.
-- ARGV: `take`, `release` or `look`; holder, milliseconds that a lease lasts, fence to release, milliseconds until a lease that
-- nobody asked about is forgotten.
-- Returns {1 if the holder has it, holder, fence, milliseconds left}. Each time that somebody begins to lead the fence grows; it is at
-- least the time, so that it grows even if Redis has lost the last one.

local key = KEYS[1]
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local old = redis.call('HMGET', key, 'holder', 'fence', 'until')
local holder, fence, ends = old[1] or '', tonumber(old[2] or '0'), tonumber(old[3] or '0')

if ARGV[1] == 'release' and holder == ARGV[2] and string.format('%.0f', fence) == ARGV[4] then
  redis.call('HSET', key, 'until', '0')
  ends = 0
elseif ARGV[1] == 'take' and (ends <= now or holder == ARGV[2]) then
  if ends <= now then
    fence = math.max(fence + 1, now)
  end
  holder, ends = ARGV[2], now + tonumber(ARGV[3])
  redis.call('HSET', key, 'holder', holder, 'fence', string.format('%.0f', fence), 'until', string.format('%.0f', ends))
  redis.call('PEXPIRE', key, math.max(tonumber(ARGV[5]), tonumber(ARGV[3])))
end
local held = 0
if ends > now and holder == ARGV[2] then
  held = 1
end
return { held, holder, string.format('%.0f', fence), string.format('%.0f', math.max(0, ends - now)) }
