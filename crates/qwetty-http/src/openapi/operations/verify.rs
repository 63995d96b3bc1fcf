use serde_json::json;

use crate::calls::verify::largest_limit;
use crate::openapi::answer::Answer;
use crate::openapi::body::{Body, CHANNEL_ID, nullable, required};
use crate::openapi::operation::{Operation, Tag};
use crate::openapi::{Facts, example};

pub(super) fn verify(facts: Facts<'_>) -> Operation {
    let key = json!({"type": "string", "description": "The presented key value, as the client sent it."});
    let permissions = json!({
        "type": "array",
        "maxItems": 1000,
        "items": {"type": "string"},
        "description": "What the request needs, all of it. Absent, null or empty asks for nothing.",
    });
    let channel = json!({
        "type": "string",
        "pattern": CHANNEL_ID,
        "description": "The channel that the request is for. Absent or null: none; then filter by the \
        answer's `channelScopes`.",
    });
    let ip = json!({
        "type": "string",
        "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}],
        "description": "The client's address. Absent or null: unknown, which no whitelist admits.",
    });
    let cost = json!({
        "type": "integer",
        "minimum": 1,
        "maximum": largest_limit(facts.quotas),
        "default": 1,
        "description": "How many units of the presented key's quota the request takes; the key's own limit \
        at most.",
    });
    Operation {
        id: "verifyKey",
        tag: Tag::Verification,
        summary: "Verify a key",
        description: "Decides in this order, and the first that fails is the `code`: `not_found`, \
            `revoked`, `expired`, `ip_not_allowed`, `insufficient_permissions`, `channel_not_allowed`, \
            `rate_limited`; else `valid`. A decision is always 200: mind `valid`. Any other status means \
            that nothing was decided, so refuse the request. A caller that is no operator finds the keys \
            of its own organization alone.",
        parameters: Vec::new(),
        body: Some(Body::required(
            [
                required("key", key),
                nullable("permissions", permissions),
                nullable("channel", channel),
                nullable("ip", ip),
                nullable("cost", cost),
            ],
            json!({
                "key": example::VALUE,
                "permissions": ["messages:send"],
                "channel": "wa-sales",
                "ip": "203.0.113.7",
                "cost": 1,
            }),
        )),
        answer: Answer::one("The verdict.", "Verdict", example::verdict()),
        refusals: &[],
    }
}
