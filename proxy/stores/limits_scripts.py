"""What Redis, or Valkey, runs for shared limits: a script for each intention.

All times are microseconds of the server's clock, which is the one that all sidecars have in common;
a test gives its own as the first argument. A bucket is one number, as in `proxy.limit.decide`: when
it will be full again (TAT). A bucket that is full is no key at all.

`since` is when somebody last let calls go without asking, as far as that is known: the store was
made, lost its memory, or a sidecar could not reach it. Whatever went before counts as used: each
bucket is reckoned as if all but one of its burst had been taken then. So no outage gives a second
burst, and the first call after one need not wait.
"""

from typing import Final

_NOW: Final = """
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
-- What is joined to a text with `..` has 14 digits, which is a tenth of a millisecond here.
local function keep(key, tat)
  redis.call('SET', key, string.format('%.2f', tat), 'PX', math.ceil((tat - now) / 1000) + 1000)
end
"""

# A clock that was set back leaves what lies ahead of it: that is read as now.
_SINCE: Final = """
local since = tonumber(redis.call('GET', KEYS[1]))
if not since or since > now then
  since = now
  redis.call('SET', KEYS[1], string.format('%.2f', since))
end
"""

# Keys: `since`, and a bucket each. Arguments: the time, and of each bucket interval and burst.
# Gives 1 and in how many microseconds each will be full; or 0 and how long each has no token.
TAKE: Final = (
    _NOW
    + _SINCE
    + """
local kept = redis.call('MGET', unpack(KEYS, 2))
local tats, waits, is_out = {}, {0}, true
for i = 1, #kept do
  local interval = tonumber(ARGV[2 * i])
  local full = interval * tonumber(ARGV[2 * i + 1])
  local tat = math.max(tonumber(kept[i]) or 0, since + full - interval, now)
  if tat > now + full then
    tat = now + full
    keep(KEYS[i + 1], tat)
  end
  local wait = tat - full + interval - now
  if wait > 1 then is_out = false else wait = 0 end
  waits[i + 1] = math.ceil(wait)
  tats[i] = tat + interval
end
if not is_out then return waits end
local full_in = {1}
for i = 1, #tats do
  keep(KEYS[i + 1], tats[i])
  full_in[i + 1] = math.ceil(tats[i] - now)
end
return full_in
"""
)

# Keys: a bucket each. Arguments: the time, and the interval of each.
GIVE_BACK: Final = (
    _NOW
    + """
for i = 1, #KEYS do
  local tat = (tonumber(redis.call('GET', KEYS[i])) or 0) - tonumber(ARGV[i + 1])
  if tat > now then keep(KEYS[i], tat) else redis.call('DEL', KEYS[i]) end
end
return 0
"""
)

# Key: when all who went without asking ask again. Arguments: the time, and how long one waits for
# the others. Gives in how many microseconds that is.
RETURN: Final = (
    _NOW
    + """
local again = tonumber(redis.call('GET', KEYS[1])) or 0
local longest = now + tonumber(ARGV[2])
if again <= now or again > longest then
  again = longest
  keep(KEYS[1], again)
end
return math.ceil(again - now)
"""
)

# Keys: `since`, and the sidecars by when they were last seen. Arguments: the time, the sidecar, for
# how long one counts that is not seen, whether this one went without asking. Gives their number.
BEAT: Final = (
    _NOW
    + """
if ARGV[4] == '1' then redis.call('DEL', KEYS[1]) end
"""
    + _SINCE
    + """
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[2], string.format('(%.0f', now), '+inf')
redis.call('ZADD', KEYS[2], now, ARGV[2])
redis.call('PEXPIRE', KEYS[2], math.ceil(ARGV[3] / 1000))
return redis.call('ZCARD', KEYS[2])
"""
)
