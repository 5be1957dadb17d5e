"""What happens at Redis in one step, as Lua: only commands of Redis 6.2, and one run's names in each call.

Names of a run R: gss:{R}:offer, gss:{R}:held (hash: item -> entry), gss:{R}:reports (stream), gss:{R}:jobs:KEY (stream
with the group `workers`), gss:{R}:streams (set of the latter, of earlier sessions too).
Names of all: gss:runs (set), gss:bell (stream that wakes idle workers).
"""

from __future__ import annotations

from typing import Final

GROUP: Final = "workers"

# KEYS: offer, reports, held, runs, bell, names of streams, then one stream for each model wanted.
# ARGV: the offer, epoch, coordinator, run, milliseconds until all of it expires.
# Gives the name of another coordinator that has the run; else an empty text.
ANNOUNCE: Final = """
local before = redis.call('GET', KEYS[1])
if before then
  local ok, doc = pcall(cjson.decode, before)
  if ok and type(doc) == 'table' and type(doc.epoch) == 'number' and doc.coordinator ~= ARGV[3]
     and doc.epoch >= tonumber(ARGV[2]) then
    return tostring(doc.coordinator)
  end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[5])
redis.call('SADD', KEYS[4], ARGV[4])
for i = 7, #KEYS do
  redis.call('SADD', KEYS[6], KEYS[i])
  redis.pcall('XGROUP', 'CREATE', KEYS[i], 'workers', '0', 'MKSTREAM')
  redis.call('PEXPIRE', KEYS[i], ARGV[5])
end
redis.pcall('XGROUP', 'CREATE', KEYS[2], 'coordinator', '0', 'MKSTREAM')
redis.call('PEXPIRE', KEYS[2], ARGV[5])
redis.call('PEXPIRE', KEYS[3], ARGV[5])
redis.call('PEXPIRE', KEYS[6], ARGV[5])
if before ~= ARGV[1] then
  redis.call('XADD', KEYS[5], 'MAXLEN', '16', '*', 'run', ARGV[4])
  redis.call('PEXPIRE', KEYS[5], ARGV[5])
end
return ''
"""

# KEYS: offer, held, reports, names of streams, runs. ARGV: the run.
CLEAR: Final = """
for _, stream in ipairs(redis.call('SMEMBERS', KEYS[4])) do redis.call('DEL', stream) end
redis.call('SREM', KEYS[5], ARGV[1])
return redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4])
"""

# KEYS: held, reports, streams. ARGV: the last report read (empty: they are sent for the first time), then for each item
# its stream's number among the keys, its name and its message.
# Gives the numbers, from 1, of those that were not handed out: the broker still has them, or reports wait to be read.
SEND: Final = """
local busy, kept = false, {}
if ARGV[1] ~= '' then
  local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
  busy = last[1] and last[1][1] ~= ARGV[1]
end
for at = 2, #ARGV, 3 do
  local stream = KEYS[tonumber(ARGV[at])]
  local id = redis.call('HGET', KEYS[1], ARGV[at + 1])
  if busy or (id and #redis.call('XRANGE', stream, id, id) == 1) then
    kept[#kept + 1] = (at + 1) / 3
  else
    redis.call('HSET', KEYS[1], ARGV[at + 1], redis.call('XADD', stream, '*', 'm', ARGV[at + 2]))
  end
end
return kept
"""

# KEYS: streams. ARGV: worker, 1 to look for lost items too, then for each stream its lease in ms and how many.
# Gives for each item four values in a row: its stream's number among the keys, entry, message, deliveries.
TAKE: Final = """
local taken = {}
local function take(stream, entry, message, times)
  local last = #taken
  taken[last + 1], taken[last + 2], taken[last + 3], taken[last + 4] = stream, entry, message, times
end
for i, key in ipairs(KEYS) do
  local lease, most = ARGV[2 * i + 1], tonumber(ARGV[2 * i + 2])
  if ARGV[2] == '1' then
    local lost = redis.pcall('XPENDING', key, 'workers', 'IDLE', lease, '-', '+', most)
    if not lost.err then
      for _, entry in ipairs(lost) do
        local got = redis.call('XCLAIM', key, 'workers', ARGV[1], lease, entry[1])
        if got[1] and got[1][2] then
          take(i, got[1][1], got[1][2][2], entry[4] + 1)
          most = most - 1
        else
          redis.call('XACK', key, 'workers', entry[1])
        end
      end
    end
  end
  if most > 0 then
    local new = redis.pcall('XREADGROUP', 'GROUP', 'workers', ARGV[1], 'COUNT', most, 'STREAMS', key, '>')
    if new and not new.err then
      for _, entry in ipairs(new[1][2]) do take(i, entry[1], entry[2][2], 1) end
    end
  end
end
return taken
"""

# KEYS: stream. ARGV: worker, entry. The time since it was taken begins anew; how often it was taken stays as it is.
RENEW: Final = """
local held = redis.pcall('XPENDING', KEYS[1], 'workers', ARGV[2], ARGV[2], 1)
if held.err or not held[1] or held[1][2] ~= ARGV[1] then return 0 end
redis.call('XCLAIM', KEYS[1], 'workers', ARGV[1], 0, ARGV[2], 'JUSTID')
return 1
"""

# KEYS: reports, held, streams. ARGV: the reports as one message, then for each result that is among them its stream's
# number among the keys, its entry and the item's name. Gives 1 if they were taken, 0 if the run is not there.
REPORT: Final = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('XADD', KEYS[1], '*', 'm', ARGV[1])
for at = 2, #ARGV, 3 do
  local stream, entry, name = KEYS[tonumber(ARGV[at])], ARGV[at + 1], ARGV[at + 2]
  redis.pcall('XACK', stream, 'workers', entry)
  redis.call('XDEL', stream, entry)
  if redis.call('HGET', KEYS[2], name) == entry then redis.call('HDEL', KEYS[2], name) end
end
return 1
"""
