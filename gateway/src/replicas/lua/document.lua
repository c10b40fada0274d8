-- A document that all replicas share: kept if what is there is still what somebody read.
--
-- KEYS: the document's hash. ARGV: channel, what to do, digest that is expected (nothing: there is none), digest of the
-- new text, its origin, its generation, the text.
--
--   swap   keeps the text if the digest is still the expected one; the generation grows by one
--   offer  keeps the text if there is none, or one that counts less: what somebody set counts more than what a file says,
--          among equals the later generation
--   seed   keeps the text if there is none
--
-- Returns {1 or 0, digest, generation, origin} as it is afterwards.

local function rank(origin)
  return origin == 'set' and 1 or 0
end

local now = redis.call('HMGET', KEYS[1], 'digest', 'generation', 'origin')
local there, theirs = now[1] or '', tonumber(now[2] or 0)
local generation, keeps = tonumber(ARGV[6]), false
if ARGV[2] == 'swap' then
  keeps = there == ARGV[3]
  generation = theirs + 1
elseif there == '' then
  keeps = true
elseif ARGV[2] == 'offer' then
  local mine = rank(ARGV[5])
  keeps = mine > rank(now[3]) or (mine == rank(now[3]) and generation > theirs)
  generation = math.max(generation, theirs + 1)
end
if not keeps then
  return { 0, now[1], now[2], now[3] }
end
local text = string.format('%.0f', generation)
redis.call('HSET', KEYS[1], 'digest', ARGV[4], 'generation', text, 'origin', ARGV[5], 'text', ARGV[7])
redis.call('PUBLISH', ARGV[1], 'document')
return { 1, ARGV[4], text, ARGV[5] }
