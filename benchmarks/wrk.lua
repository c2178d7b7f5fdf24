-- Sends the requests of a file in turn, for benchmarks/load.py, and prints one line of JSON.
-- A line of the file has four fields between tabs: method, path, API key, body.

local requests, position = {}, 0

function init(arguments)
    for line in io.lines(arguments[1]) do
        local method, path, key, body = line:match("^([^\t]*)\t([^\t]*)\t([^\t]*)\t(.*)$")
        local headers = {}
        if key ~= "" then headers["X-API-KEY"] = key end
        if body == "" then
            body = nil
        else
            headers["Content-Type"] = "application/json"
        end
        requests[#requests + 1] = wrk.format(method, path, headers, body)
    end
end

function request()
    position = position % #requests + 1
    return requests[position]
end

function done(summary, latency, _)
    local errors = summary.errors
    io.write(string.format(
        '\n{"requests": %d, "failed": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f}\n',
        summary.requests,
        errors.status + errors.connect + errors.read + errors.write + errors.timeout,
        summary.duration / 1e6,
        latency:percentile(50) / 1e3,
        latency:percentile(99) / 1e3
    ))
end
