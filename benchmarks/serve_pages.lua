-- First screens for wrk: -- FIRST MEMBERS, the homepages of m<FIRST>, m<FIRST+1>, ... one after the other.
local PATH = "/v1/members/m%07d/homepage?rows=6&cols=10"
local first, members, n = 0, 1000, -1

function init(args)
  first, members = tonumber(args[1]), tonumber(args[2])
end

function request()
  n = n + 1
  return wrk.format("GET", string.format(PATH, first + n % members))
end

function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('\n{"requests":%d,"seconds":%f,"p50_ms":%f,"p99_ms":%f,"errors":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    e.connect + e.read + e.write + e.status + e.timeout))
end
