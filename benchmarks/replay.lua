-- Replays whole requests from a file (length, newline, bytes), one after the other, over and over.
local requests, at = {}, 0

function init(args)
   local file = assert(io.open(args[1], "rb"))
   while true do
      local length = file:read("*n")
      if not length then break end
      file:read(1)
      requests[#requests + 1] = file:read(length)
   end
   file:close()
end

function request()
   at = at % #requests + 1
   return requests[at]
end

function done(summary, latency, _)
   local bad = summary.errors
   io.write(string.format(
      '{"requests":%d,"seconds":%.3f,"errors":%d,"p50":%.2f,"p95":%.2f,"p99":%.2f}\n',
      summary.requests, summary.duration / 1e6,
      bad.status + bad.connect + bad.read + bad.write + bad.timeout,
      latency:percentile(50) / 1000, latency:percentile(95) / 1000, latency:percentile(99) / 1000))
end
