-- The ledger of quotas, as `lease::quota::Ledger` keeps it in memory: the same words, the same answers. Each call of this
-- script is one step that nobody else's can come between.
--
-- KEYS[1]: what all keys of the ledger begin with; also the hash of the ledger's own numbers.
-- ARGV[1]: what to do; ARGV[2]: the instant in microseconds since the Unix epoch, or nothing for the clock of Redis.
--
--   reserve  lease in microseconds, id, then for each claim: account, limit's amount, amount asked for
--   settle   id, amounts in the order of the claims
--   release  id
--   charge   account, amount
--   left     account, limit's amount
--   top_for  account, limit's amount, what is to be left
--   top_by   account, what is to be added
--   names    how many accounts to pass over, how many to name
--   tell     for each account: account, limit's amount
--
-- Accounts and calls are kept under keys that begin with KEYS[1] and are not named beforehand: a leased call alone knows
-- which accounts it touches. So this does not run on a Redis cluster.

local BASE, OP = KEYS[1], ARGV[1]
local AMOUNT_MAX = 9007199254740992
local OPEN_MAX = 1048576
-- Leases that one step ends; the next steps end more.
local ENDED_MAX = 200
-- How much longer than they count keys are kept, so that no clock has to be exact.
local MARGIN_US = 60000000
local SLOTS = 60
local DAY_US = 86400000000
local LENGTHS_US = { second = 1000000, minute = 60000000, hour = 3600000000, day = DAY_US }

-- Windows. An account names its own: limit/unit/window/subject.

-- Months since January of year 0; the year begins in March, so that leap days are last.
local function month_of(at_us)
  local days = math.floor(at_us / DAY_US) + 719468
  local era = math.floor(days / 146097)
  local day = days - era * 146097
  local year = math.floor((day - math.floor(day / 1460) + math.floor(day / 36524) - math.floor(day / 146096)) / 365)
  local of_year = day - (365 * year + math.floor(year / 4) - math.floor(year / 100))
  local march = math.floor((5 * of_year + 2) / 153)
  return (year + era * 400) * 12 + march + 2
end

local function month_start_us(index)
  local march = index - 2
  local year, month = math.floor(march / 12), march % 12
  local era = math.floor(year / 400)
  local of_era = year - era * 400
  local day = of_era * 365 + math.floor(of_era / 4) - math.floor(of_era / 100) + math.floor((153 * month + 2) / 5)
  return (era * 146097 + day - 719468) * DAY_US
end

local function window_of(account)
  local name = account:match('^[^/]*/[^/]*/([^/]*)/')
  local span = tonumber(name:match('^(%d+)us$'))
  return { span = span, width = span and math.max(1, math.ceil(span / SLOTS)), length = LENGTHS_US[name],
    month = name == 'month' }
end

local function slot_of(window, at_us)
  if window.span then return math.floor(at_us / window.width) end
  if window.length then return math.floor(at_us / window.length) end
  if window.month then return month_of(at_us) end
  return 0
end

local function oldest_of(window, at_us)
  if window.span then return math.floor((at_us - window.span) / window.width) end
  return slot_of(window, at_us)
end

-- When a slot no longer counts; nil: it always does.
local function free_at(window, slot)
  if window.span then return (slot + 1) * window.width + window.span end
  if window.length then return (slot + 1) * window.length end
  if window.month then return month_start_us(slot + 1) end
  return nil
end

-- Accounts, read once a step and written at its end.

local now_us
local accounts, order = {}, {}

local function open_account(name)
  local account = accounts[name]
  if account then return account end
  local window = window_of(name)
  account = { window = window, slots = {}, amounts = {}, taken = 0, reserved = 0, topped = 0, lease = 0 }
  local packed = redis.call('GET', BASE .. ':account:' .. name)
  if packed then
    local row = cmsgpack.unpack(packed)
    account.known, account.reserved, account.topped, account.lease = true, row[1], row[2], row[3]
    local oldest = oldest_of(window, now_us)
    for place = 4, #row, 2 do
      if row[place] >= oldest then
        account.slots[#account.slots + 1] = row[place]
        account.amounts[#account.amounts + 1] = row[place + 1]
        account.taken = account.taken + row[place + 1]
      end
    end
  end
  accounts[name] = account
  order[#order + 1] = name
  return account
end

local function write_accounts()
  for _, name in ipairs(order) do
    local account = accounts[name]
    if account.changed then
      local row = { account.reserved, account.topped, account.lease }
      for place, slot in ipairs(account.slots) do
        row[#row + 1] = slot
        row[#row + 1] = account.amounts[place]
      end
      local key, packed = BASE .. ':account:' .. name, cmsgpack.pack(row)
      local last = account.slots[#account.slots]
      local ends = last and free_at(account.window, last) or now_us
      -- A balance and what was topped up are kept until somebody takes them away.
      if account.topped ~= 0 or (last and not free_at(account.window, last)) then
        redis.call('SET', key, packed)
        redis.call('ZADD', BASE .. ':accounts', '+inf', name)
      else
        local keep_us = math.max(ends, account.lease) - now_us + MARGIN_US
        redis.call('SET', key, packed, 'PX', string.format('%.0f', math.ceil(keep_us / 1000)))
        redis.call('ZADD', BASE .. ':accounts', string.format('%.0f', now_us + keep_us), name)
      end
    end
  end
end

local function take(account, amount)
  local slot, last = slot_of(account.window, now_us), #account.slots
  if last > 0 and account.slots[last] >= slot then
    account.amounts[last] = account.amounts[last] + amount
    slot = account.slots[last]
  else
    account.slots[last + 1], account.amounts[last + 1] = slot, amount
  end
  account.taken = account.taken + amount
  account.known, account.changed = true, true
  return slot
end

local function replace(account, slot, before, after)
  for place, one in ipairs(account.slots) do
    if one == slot then
      account.amounts[place] = math.max(0, account.amounts[place] - before) + after
      account.taken = math.max(0, account.taken - before) + after
      account.changed = true
    end
  end
end

local function amount_of(account, amount)
  return math.max(0, amount + account.topped)
end

local function left_of(account, amount)
  return math.max(0, amount + account.topped - account.taken)
end

-- Amount, what is left, and microseconds until all is free again.
local function tell_left(reply, account, amount)
  reply[#reply + 1] = amount_of(account, amount)
  reply[#reply + 1] = left_of(account, amount)
  local last = account.slots[#account.slots]
  local ends = last and free_at(account.window, last)
  if not last then
    reply[#reply + 1] = 0
  else
    reply[#reply + 1] = ends and math.max(0, ends - now_us) or false
  end
end

local function retry_after(account, amount, asked)
  local room, taken = amount - asked, account.taken
  if room < 0 then return false end
  for place, slot in ipairs(account.slots) do
    taken = math.max(0, taken - account.amounts[place])
    if taken <= room then
      local ends = free_at(account.window, slot)
      return ends and math.max(1, ends - now_us) or false
    end
  end
  return false
end

-- Calls under way.

-- A call is no longer under way; what it took stays taken. Returns its parts: account, slot, amount, and so on.
local function close(id)
  redis.call('ZREM', BASE .. ':leases', id)
  local key = BASE .. ':call:' .. id
  local packed = redis.call('GET', key)
  if not packed then return nil end
  redis.call('DEL', key)
  local parts = cmsgpack.unpack(packed)
  for place = 1, #parts, 3 do
    local account = open_account(parts[place])
    if account.known then
      account.reserved = math.max(0, account.reserved - parts[place + 2])
      account.changed = true
    end
  end
  return parts
end

-- Time goes on: a clock that is set back stands still until it has caught up, and leases that have run out end.
local function advance()
  if ARGV[2] ~= '' then
    now_us = tonumber(ARGV[2])
  else
    local time = redis.call('TIME')
    now_us = tonumber(time[1]) * 1000000 + tonumber(time[2])
  end
  local latest = tonumber(redis.call('HGET', BASE, 'latest_us') or 0)
  if now_us > latest then
    redis.call('HSET', BASE, 'latest_us', string.format('%.0f', now_us))
  else
    now_us = latest
  end
  local until_us = string.format('%.0f', now_us)
  local ended = redis.call('ZRANGEBYSCORE', BASE .. ':leases', '-inf', until_us, 'LIMIT', 0, ENDED_MAX)
  for _, id in ipairs(ended) do
    close(id)
  end
  if #ended > 0 then
    redis.call('HINCRBY', BASE, 'expired', #ended)
  end
end

local function settle(id, amount_at)
  local parts = close(id)
  if not parts then return 0 end
  for place = 1, #parts, 3 do
    local actual = amount_at((place + 2) / 3)
    if actual then
      replace(open_account(parts[place]), parts[place + 1], parts[place + 2], math.min(actual, AMOUNT_MAX))
    end
  end
  return 1
end

-- The refusal that takes longest to go, or nil.
local function check()
  local asked_before, worst = {}, nil
  for place = 5, #ARGV, 3 do
    local name, limit, amount = ARGV[place], tonumber(ARGV[place + 1]), tonumber(ARGV[place + 2])
    local account = open_account(name)
    local asked = (asked_before[name] or 0) + amount
    asked_before[name] = asked
    if amount > 0 and asked > left_of(account, limit) then
      local whole = amount_of(account, limit)
      local wait = retry_after(account, whole, asked)
      if not worst or (worst[6] and (not wait or wait > worst[6])) then
        worst = { 'over', (place - 5) / 3, whole, account.taken, asked, wait }
      end
    end
  end
  return worst
end

local function reserve()
  local lease_us, id = tonumber(ARGV[3]), ARGV[4]
  local key = BASE .. ':call:' .. id
  -- Asked again, it takes nothing more.
  if redis.call('EXISTS', key) == 0 then
    if redis.call('ZCARD', BASE .. ':leases') >= OPEN_MAX then return { 'full' } end
    local refused = check()
    if refused then return refused end
    local parts, until_us = {}, now_us + lease_us
    for place = 5, #ARGV, 3 do
      local amount = tonumber(ARGV[place + 2])
      local account = open_account(ARGV[place])
      parts[#parts + 1] = ARGV[place]
      parts[#parts + 1] = take(account, amount)
      parts[#parts + 1] = amount
      account.reserved = account.reserved + amount
      account.lease = math.max(account.lease, until_us)
    end
    local keep_ms = math.ceil((lease_us + MARGIN_US) / 1000)
    redis.call('SET', key, cmsgpack.pack(parts), 'PX', string.format('%.0f', keep_ms))
    redis.call('ZADD', BASE .. ':leases', string.format('%.0f', until_us), id)
  end
  local reply = { 'ok' }
  for place = 5, #ARGV, 3 do
    tell_left(reply, open_account(ARGV[place]), tonumber(ARGV[place + 1]))
  end
  return reply
end

local function top(account, topped)
  account.topped = math.max(-AMOUNT_MAX, math.min(AMOUNT_MAX, topped))
  account.known, account.changed = true, true
  return account.topped
end

local steps = {
  reserve = reserve,
  settle = function() return settle(ARGV[3], function(place) return tonumber(ARGV[3 + place]) end) end,
  release = function() return settle(ARGV[3], function() return 0 end) end,
  charge = function()
    take(open_account(ARGV[3]), math.min(tonumber(ARGV[4]), AMOUNT_MAX))
    return 1
  end,
  left = function()
    local reply = {}
    tell_left(reply, open_account(ARGV[3]), tonumber(ARGV[4]))
    return reply
  end,
  top_for = function()
    local account = open_account(ARGV[3])
    return top(account, tonumber(ARGV[5]) + account.taken - account.reserved - tonumber(ARGV[4]))
  end,
  names = function()
    redis.call('ZREMRANGEBYSCORE', BASE .. ':accounts', '-inf', string.format('%.0f', now_us))
    return redis.call('ZRANGE', BASE .. ':accounts', ARGV[3], tonumber(ARGV[3]) + tonumber(ARGV[4]) - 1)
  end,
  tell = function()
    local reply = {}
    for place = 3, #ARGV, 2 do
      local account = open_account(ARGV[place])
      tell_left(reply, account, tonumber(ARGV[place + 1]))
      reply[#reply + 1] = account.taken
      reply[#reply + 1] = account.reserved
    end
    return reply
  end,
  top_by = function()
    local account = open_account(ARGV[3])
    return top(account, account.topped + tonumber(ARGV[4]))
  end,
}

advance()
local reply = steps[OP]()
write_accounts()
return reply
