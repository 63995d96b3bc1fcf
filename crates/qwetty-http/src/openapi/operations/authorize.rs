use crate::openapi::answer::Answer;
use crate::openapi::operation::{Operation, Tag};
use crate::openapi::parameter;

pub(super) fn authorize() -> Operation {
    let method = "The original method. With `X-Forwarded-Uri`, or the other pair, or both if they are equal.";
    let uri = "The original path and query, as the client sent them.";
    Operation {
        id: "authorize",
        tag: Tag::Verification,
        summary: "Decide a request for a gateway",
        description: "For nginx `auth_request`, Caddy `forward_auth`, Traefik `forwardAuth` and HAProxy: may the \
            request that the gateway is about to pass on? It is told in headers, together with the client's own \
            `Authorization`; the route table says which permissions and which channel it needs. Only a peer in \
            `trusted_proxies` is answered. Whichever method the gateway asks by, what its own query says and what \
            body it announces mean nothing.",
        parameters: vec![
            parameter::header("X-Forwarded-Method", method, "GET"),
            parameter::header("X-Forwarded-Uri", uri, "/api/v1/chats"),
            parameter::header("X-Original-Method", "The same as `X-Forwarded-Method`.", "GET"),
            parameter::header("X-Original-URI", "The same as `X-Forwarded-Uri`.", "/api/v1/chats"),
            client(),
        ],
        body: None,
        answer: Answer::headers("Pass it on, with these headers in place of the client's own."),
        refusals: &[],
    }
}

pub(super) fn authorize_envoy() -> Operation {
    Operation {
        id: "authorizeForEnvoy",
        summary: "Decide a request for Envoy",
        description: "The same for Envoy's `ext_authz`, whose request line is the original one behind its \
            `path_prefix`, `/api/v1/authorize/envoy`. The headers that tell other gateways' original requests are \
            not read here.",
        parameters: vec![parameter::target(), client()],
        ..authorize()
    }
}

fn client() -> serde_json::Value {
    let description = "Who the client is: the rightmost address that is no trusted proxy's. Without it the address \
        is unknown, which no whitelist admits.";
    parameter::header("X-Forwarded-For", description, "203.0.113.7")
}
