-- Sends exports of OpenTelemetry, or batches of the same. Each line of the file is the path, the type and, in hex, the body of one turn,
-- with tabs between them. The first turn of as many exports as GROUP is sent before the second one of any, and so on, so that the turns of
-- a conversation come one after the other on whatever connection.
local GROUP, PLACEHOLDER = 64, "@@@@@@@@@@@@@@@@"
local turns, group, turn, at = {}, 0, 1, 0
local started

function init()
  started = os.time()
  for line in io.lines(os.getenv("CHATLOGGER_REQUESTS")) do
    local path, type, body = line:match("^([^\t]+)\t([^\t]+)\t(.*)$")
    body = body:gsub("%x%x", function(byte) return string.char(tonumber(byte, 16)) end)
    local headers = { ["Content-Type"] = type, ["x-organization-api-key"] = os.getenv("CHATLOGGER_KEY") }
    turns[#turns + 1] = wrk.format("POST", path, headers, body)
  end
end

function request()
  at = at + 1
  if at > GROUP then
    at, turn = 1, turn + 1
    if turn > #turns then
      turn, group = 1, group + 1
    end
  end
  return (turns[turn]:gsub(PLACEHOLDER, string.format("%08x%08x", started, group * GROUP + at)))
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"microseconds":%d,"refused":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d,"p50":%d,"p99":%d}\n',
    summary.requests, summary.duration, e.status, e.connect, e.read, e.write, e.timeout, latency:percentile(50), latency:percentile(99)))
end
