-- The action `lua.qwetty_authorize` of haproxy.cfg: asks Qwetty whether the request may pass. If so, it sets the variables
-- txn.qwetty_…; if Qwetty refuses, it answers with Qwetty's own words; else it does nothing, and haproxy.cfg refuses.

-- The bind of haproxy.cfg that leads to Qwetty.
local QUESTIONS = "abns@qwetty-questions"
-- Milliseconds; longer than the timeouts there, which are those that count.
local TIMEOUT = 10000

-- Variables of a request that passes, and the headers that they come from. The key is last: it is what haproxy.cfg looks for,
-- and a failure halfway must not look like a key without restrictions.
local VARIABLES = {
    { "txn.qwetty_request_id", "x-request-id" },
    { "txn.qwetty_limit", "x-ratelimit-limit" },
    { "txn.qwetty_remaining", "x-ratelimit-remaining" },
    { "txn.qwetty_reset", "x-ratelimit-reset" },
    { "txn.qwetty_policy", "ratelimit-policy" },
    { "txn.qwetty_ratelimit", "ratelimit" },
    { "txn.qwetty_organization_id", "x-qwetty-organization-id" },
    { "txn.qwetty_permissions", "x-qwetty-permissions" },
    { "txn.qwetty_channel_scopes", "x-qwetty-channel-scopes" },
    { "txn.qwetty_key_id", "x-qwetty-key-id" },
}

-- Who calls; the key first.
local IDENTITY = { "x-qwetty-key-id", "x-qwetty-organization-id", "x-qwetty-permissions", "x-qwetty-channel-scopes" }

-- The statuses with which Qwetty refuses. Any other is no decision, of Qwetty's or of anything else that listens there.
local REFUSALS = { [400] = true, [401] = true, [403] = true, [414] = true, [429] = true, [431] = true, [503] = true }

-- Headers of a refusal that the client gets. X-Qwetty-Problem is for gateways that lose the body.
local REFUSAL_HEADERS = {
    "content-type", "cache-control", "www-authenticate", "retry-after", "x-request-id",
    "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "ratelimit-policy", "ratelimit",
}

-- All values of a header in the order they came in; HAProxy counts them from 0.
local function values(headers, name)
    local found = {}
    local lines = headers[name] or {}
    local index = 0
    while lines[index] do
        found[#found + 1] = lines[index]
        index = index + 1
    end
    return found
end

local function question(txn)
    local headers = txn.http:req_get_headers()
    -- The client's own claim first, the peer that HAProxy saw last.
    local addresses = values(headers, "x-forwarded-for")
    addresses[#addresses + 1] = txn.sf:src()
    return {
        ["host"] = { "qwetty" },
        -- All of them: that two are one too many is Qwetty's to say.
        ["authorization"] = values(headers, "authorization"),
        ["x-original-method"] = { txn.sf:method() },
        ["x-original-uri"] = { txn.sf:url() },
        ["x-forwarded-for"] = { table.concat(addresses, ", ") },
        -- A route that takes its channel from a header needs that header here:
        -- ["x-channel-id"] = values(headers, "x-channel-id"),
    }
end

-- Whether it is Qwetty that allows: it names a key and sets each header, if need be to nothing. A 200 of anything else that
-- listens there does not, and one that lost a header on the way must not look like a key without restrictions.
local function is_admission(answer)
    for _, header in ipairs(IDENTITY) do
        if values(answer.headers, header)[1] == nil then
            return false
        end
    end
    return answer.status == 200 and values(answer.headers, IDENTITY[1])[1] ~= ""
end

local function admit(txn, answer)
    for _, row in ipairs(VARIABLES) do
        local variable, header = row[1], row[2]
        txn:set_var(variable, values(answer.headers, header)[1] or "")
    end
end

local function is_refusal(answer)
    return REFUSALS[answer.status] and values(answer.headers, "content-type")[1] == "application/problem+json"
end

local function refuse(txn, answer)
    local reply = txn:reply({ status = answer.status, reason = answer.reason })
    for _, name in ipairs(REFUSAL_HEADERS) do
        for _, value in ipairs(values(answer.headers, name)) do
            reply:add_header(name, value)
        end
    end
    reply:set_body(answer.body)
    txn:done(reply)
end

core.register_action("qwetty_authorize", { "http-req" }, function(txn)
    local answer = core.httpclient():get({
        url = "http://qwetty/api/v1/authorize",
        dst = QUESTIONS,
        headers = question(txn),
        timeout = TIMEOUT,
    })
    if answer == nil or answer.headers == nil then
        return
    elseif is_admission(answer) then
        admit(txn, answer)
    elseif is_refusal(answer) then
        refuse(txn, answer)
    end
end)
