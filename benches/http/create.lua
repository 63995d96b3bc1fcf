-- wrk's request: another key. wrk -s create.lua URL -- CALLER
function init(arguments)
  local headers = { ["Authorization"] = "Bearer " .. arguments[1], ["Content-Type"] = "application/json" }
  create = wrk.format("POST", "/api/v1/api-keys", headers, '{"name":"CRM Integration","permissions":["chats:read"]}')
end

function request() return create end
