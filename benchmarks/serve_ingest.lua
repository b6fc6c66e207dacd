-- Requests of 20 events for wrk: -- SHAPE PREFIX AT, where SHAPE is "device" or "gateway".
local EVENTS, MEMBERS, TITLES = 20, 100000, 10000
local EVENT = '{"type":"play","event_id":"%s-%d-%d","member_id":"member-%d","title_id":"title-%d","at":%d,' ..
  '"watch_s":%d,"position_s":%d,"territory":"AT","device":"tv"}'
local shape, prefix, at, n = "device", "x", 0, 0

function init(args)
  shape, prefix, at = args[1], args[2], tonumber(args[3])
  math.randomseed(#prefix * 7919)
end

function request()
  n = n + 1
  local parts, member = {}, math.random(MEMBERS)
  for k = 1, EVENTS do
    if shape == "gateway" then member = math.random(MEMBERS) end
    parts[k] = string.format(EVENT, prefix, n, k, member, math.random(TITLES), at + k, math.random(6000), math.random(6000))
  end
  return wrk.format("POST", "/v1/events", {["content-type"] = "application/json"}, "[" .. table.concat(parts, ",") .. "]")
end

function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('\n{"requests":%d,"seconds":%f,"p50_ms":%f,"p99_ms":%f,"errors":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    e.connect + e.read + e.write + e.status + e.timeout))
end
