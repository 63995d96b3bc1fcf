-- wrk's requests: each key value of a file in turn, as the call that is named asks for it.
--   wrk -s requests.lua URL -- verify|authorize|proxied VALUES

local requests, turn = {}, 0

local function formed(kind, caller, value)
  if kind == "verify" then
    local headers = { ["Authorization"] = "Bearer " .. caller, ["Content-Type"] = "application/json" }
    local body = string.format('{"key":"%s","permissions":["chats:read"]}', value)
    return wrk.format("POST", "/api/v1/verify", headers, body)
  end
  local headers = { ["Authorization"] = "Bearer " .. value }
  if kind == "proxied" then
    return wrk.format("GET", "/api/v1/chats", headers)
  end
  headers["X-Forwarded-For"] = "203.0.113.9"
  headers["X-Forwarded-Method"] = "GET"
  headers["X-Forwarded-Uri"] = "/api/v1/chats"
  return wrk.format("GET", "/api/v1/authorize", headers)
end

function init(arguments)
  local kind, file = arguments[1], arguments[2]
  local caller
  for value in io.lines(file) do
    if caller then requests[#requests + 1] = formed(kind, caller, value) end
    caller = caller or value
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end
