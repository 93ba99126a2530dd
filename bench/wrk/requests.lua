-- Sends the requests of a file in turn, and says what came of them in one line of JSON. Each line of the file is a path, a tab and a body,
-- and perhaps another tab and the key to use for it.
-- They are formatted once: wrk shares the machine with what it measures, and a request must cost no more than a look into a table.
local requests, count, at = {}, 0, 0

function init()
  local headers = { ["Content-Type"] = "application/json" }
  for line in io.lines(os.getenv("CHATLOGGER_REQUESTS")) do
    local path, body, key = line:match("^([^\t]+)\t([^\t]*)\t?(.*)$")
    headers["x-organization-api-key"] = key ~= "" and key or os.getenv("CHATLOGGER_KEY")
    count = count + 1
    requests[count] = wrk.format("POST", path, headers, body)
  end
end

function request()
  at = at % count + 1
  return requests[at]
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"microseconds":%d,"refused":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d,"p50":%d,"p99":%d}\n',
    summary.requests, summary.duration, e.status, e.connect, e.read, e.write, e.timeout, latency:percentile(50), latency:percentile(99)))
end
