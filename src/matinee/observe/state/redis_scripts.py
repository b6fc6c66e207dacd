r"""What a `RedisStore` does in one step on the server, in Lua: all of it or none.

Keys behind the prefix, with ID a member's id:

    m:ID      hash: r the record, f the facts, n how often it was written, v:NAME what else is kept
    w:ID      list: lines of the log that wait, one element for each group
    v:OWNER   hash: values of `put`, by KIND \x1e KEY; OWNER is the key up to the first \x1f
    e:HASH    an event's id, with its expiry
    members   sorted set of ids, all with score 0, which gives their order as text
    pending   set of ids of members with lines that wait
    until     sorted set: the same fields by the time until which they are kept
    hours     hash: ids taken in by hour of the server's clock
    positions, counters, folds, marks    hashes
    rebuild   exists while the state is rebuilt
"""

from __future__ import annotations

TAKE = """
local p, px, segment, upto = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local new, order, lines, events = {}, {}, {}, 0
for i = 5, #ARGV, 3 do
  if redis.call('SET', p .. 'e:' .. ARGV[i], '', 'NX', 'PX', px) then
    local id = ARGV[i + 1]
    if not lines[id] then lines[id] = {}; order[#order + 1] = id end
    table.insert(lines[id], ARGV[i + 2])
    new[#new + 1] = 1
    events = events + 1
  else
    new[#new + 1] = 0
  end
end
local due = {}
for _, id in ipairs(order) do
  local rows = redis.call('RPUSH', p .. 'w:' .. id, table.concat(lines[id]))
  redis.call('ZADD', p .. 'members', 0, id)
  redis.call('SADD', p .. 'pending', id)
  if rows >= 16 then due[#due + 1] = id end
end
if events > 0 then
  redis.call('HINCRBY', p .. 'marks', 'waiting', events)
  redis.call('HINCRBY', p .. 'hours', math.floor(redis.call('TIME')[1] / 3600), events)
end
if segment ~= '' then
  local before = tonumber(redis.call('HGET', p .. 'positions', segment) or '-1')
  if tonumber(upto) > before then redis.call('HSET', p .. 'positions', segment, upto) end
end
return {new, due}
"""
"""prefix, milliseconds, segment, position, then hash, member and line of each event -> news, who is due."""

FOLD = """
local p, id, rows, version, erasures, folds = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6]
local m, w = p .. 'm:' .. id, p .. 'w:' .. id
if redis.call('EXISTS', p .. 'rebuild') == 1
  or (redis.call('HGET', m, 'n') or '0') ~= version
  or (redis.call('HGET', p .. 'marks', 'erasures') or '0') ~= erasures
  or (redis.call('HGET', p .. 'marks', 'folds') or '') ~= folds
  or redis.call('LLEN', w) < rows then return 0 end
for i = 8, #ARGV, 2 do redis.call('HSET', m, ARGV[i], ARGV[i + 1]) end
redis.call('HINCRBY', m, 'n', 1)
redis.call('HINCRBY', p .. 'marks', 'folded', 1)
redis.call('LTRIM', w, rows, -1)
if redis.call('EXISTS', w) == 0 then redis.call('SREM', p .. 'pending', id) end
redis.call('HINCRBY', p .. 'marks', 'waiting', 0 - tonumber(ARGV[7]))
return 1
"""
"""prefix, member, rows, version, erasures, folds, events, then field and value -> 1, or 0 if outdated."""

REGISTER = """
local p, names, wanted = ARGV[1], ARGV[2], {}
local whole = redis.call('HEXISTS', p .. 'marks', 'folded') == 1 and 0 or 1
for i = 3, #ARGV do
  wanted[ARGV[i]] = true
  redis.call('HSETNX', p .. 'folds', ARGV[i], whole)
end
for _, name in ipairs(redis.call('HKEYS', p .. 'folds')) do
  if not wanted[name] then redis.call('HDEL', p .. 'folds', name) end
end
redis.call('HSET', p .. 'marks', 'folds', names)
return 1
"""
"""prefix, names in one text, names: what is new is whole only if no event was folded before."""

ERASE = """
local p, id, events = ARGV[1], ARGV[2], 0
local m, w, v = p .. 'm:' .. id, p .. 'w:' .. id, p .. 'v:' .. string.match(id, '^[^\\31]*')
local rows = redis.call('LRANGE', w, 0, -1)
for _, row in ipairs(rows) do
  local _, n = string.gsub(row, '\\n', '')
  events = events + n
end
local values, features = 0, 0
for _, field in ipairs(redis.call('HKEYS', m)) do
  if string.sub(field, 1, 2) == 'v:' then features = features + 1 end
end
for _, field in ipairs(redis.call('HKEYS', v)) do
  local key = string.sub(field, string.find(field, '\\30', 1, true) + 1)
  if key == id or string.sub(key, 1, #id + 1) == id .. '\\31' then
    redis.call('HDEL', v, field)
    redis.call('ZREM', p .. 'until', field)
    values = values + 1
  end
end
local out = {redis.call('HEXISTS', m, 'r'), #rows, features, redis.call('HEXISTS', m, 'f'), values}
redis.call('DEL', m, w)
redis.call('ZREM', p .. 'members', id)
redis.call('SREM', p .. 'pending', id)
redis.call('HINCRBY', p .. 'marks', 'waiting', 0 - events)
redis.call('HINCRBY', p .. 'marks', 'erasures', 1)
return out
"""
"""prefix, member -> records, waiting, features, facts and values that were removed."""

EXPIRE = """
local p, now, most = ARGV[1], ARGV[2], ARGV[3]
local fields = redis.call('ZRANGEBYSCORE', p .. 'until', '-inf', '(' .. now, 'LIMIT', 0, most)
for _, field in ipairs(fields) do
  local key = string.sub(field, string.find(field, '\\30', 1, true) + 1)
  redis.call('HDEL', p .. 'v:' .. string.match(key, '^[^\\31]*'), field)
  redis.call('ZREM', p .. 'until', field)
end
return #fields
"""
"""prefix, microseconds, most -> how many values were kept no longer than until then, and are removed."""

TOKEN = """
local function token(p)
  return (tonumber(redis.call('HGET', p .. 'marks', 'rebuilds') or '0'))
    + (tonumber(redis.call('HGET', p .. 'marks', 'erasures') or '0'))
end
local function alone(p, expected, lease)
  if token(p) ~= tonumber(expected) or redis.call('EXISTS', p .. 'rebuild') == 0 then return false end
  redis.call('PEXPIRE', p .. 'rebuild', lease)
  return true
end
"""

BEGIN = (
    TOKEN
    + """
local p, lease = ARGV[1], ARGV[2]
redis.call('HINCRBY', p .. 'marks', 'rebuilds', 1)
redis.call('HDEL', p .. 'marks', 'failed')
redis.call('SET', p .. 'rebuild', '1', 'PX', lease)
return token(p)
"""
)
"""prefix, lease in milliseconds -> token."""

RENEW = (
    TOKEN
    + """
return alone(ARGV[1], ARGV[3], ARGV[2]) and 1 or -1
"""
)
"""prefix, lease in milliseconds, token -> 1, or -1 if the rebuild is not alone."""

REBUILT = (
    TOKEN
    + """
local p, lease, expected, id, rows, px = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]
local record, facts, n = ARGV[7], ARGV[8], tonumber(ARGV[9])
local m = p .. 'm:' .. id
if not alone(p, expected, lease) then return -1 end
if redis.call('LLEN', p .. 'w:' .. id) ~= rows then return 0 end
redis.call('HDEL', m, 'r', 'f')
if record ~= '' then redis.call('HSET', m, 'r', record) end
if facts ~= '' then redis.call('HSET', m, 'f', facts) end
for i = 10, 9 + 2 * n, 2 do
  redis.call('HDEL', m, ARGV[i])
  if ARGV[i + 1] ~= '' then redis.call('HSET', m, ARGV[i], ARGV[i + 1]) end
end
redis.call('HINCRBY', m, 'n', 1)
redis.call('HINCRBY', p .. 'marks', 'folded', 1)
if record == '' and facts == '' and rows == 0 then
  redis.call('DEL', m)
  redis.call('ZREM', p .. 'members', id)
else
  redis.call('ZADD', p .. 'members', 0, id)
end
for i = 10 + 2 * n, #ARGV do redis.call('SET', p .. 'e:' .. ARGV[i], '', 'NX', 'PX', px) end
return 1
"""
)
"""prefix, lease, token, member, rows that wait, milliseconds, record, facts, how many values, then field and
value of each, then hashes of ids -> 1; 0 if other lines wait by now; -1 if the rebuild is not alone."""

END = (
    TOKEN
    + """
local p = ARGV[1]
if not alone(p, ARGV[3], ARGV[2]) then return -1 end
local n = tonumber(ARGV[4])
for i = 5, 3 + 2 * n, 2 do
  local before = tonumber(redis.call('HGET', p .. 'positions', ARGV[i]) or '-1')
  if tonumber(ARGV[i + 1]) > before then redis.call('HSET', p .. 'positions', ARGV[i], ARGV[i + 1]) end
end
for i = 5 + 2 * n, #ARGV do redis.call('HSET', p .. 'folds', ARGV[i], 1) end
redis.call('DEL', p .. 'rebuild')
return 1
"""
)
"""prefix, lease, token, number of positions, segment and end of each, then names of folds -> 1, or -1."""
