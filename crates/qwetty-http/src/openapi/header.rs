//! The headers of answers.

use serde_json::{Map, Value, json};

/// Those of every answer that decided a key against its quota.
const RATE_LIMIT: [&str; 5] =
    ["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "RateLimit-Policy", "RateLimit"];

/// A header that stands in some answers of a kind and not in others is described a second time, as optional.
const OPTIONAL: &str = "Optional-";

/// The headers of a success.
pub(super) fn of_success(charged: bool) -> Map<String, Value> {
    let mut headers = Map::from_iter(ALWAYS.map(always));
    if charged {
        headers.extend(RATE_LIMIT.map(always));
    }
    headers
}

/// The headers of an error with this status.
pub(super) fn of_refusal(status: u16, charged: bool) -> Map<String, Value> {
    let mut headers = Map::from_iter(ALWAYS.map(always));
    match status {
        401 => headers.extend([always("WWW-Authenticate")]),
        403 => headers.extend([sometimes("WWW-Authenticate")]),
        429 => headers.extend([always("Retry-After")]),
        _ => {}
    }
    match status {
        // Nobody was decided on, or not against a quota.
        401 | 414 | 431 => {}
        // The whole request is refused before anybody is, or after; so is a key, or what it wants to do.
        400 | 403 | 404 | 503 if charged => headers.extend(RATE_LIMIT.map(sometimes)),
        _ if charged => headers.extend(RATE_LIMIT.map(always)),
        _ => {}
    }
    headers
}

/// A reference to the description of a header.
pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/headers/{name}")})
}

/// Every description.
pub(super) fn components() -> Map<String, Value> {
    let mut components = Map::new();
    for (name, description, schema, example) in descriptions() {
        let header = |required: bool| {
            json!({"description": description, "required": required, "schema": 
            schema, "example": example})
        };
        if RATE_LIMIT.contains(&name) || name == "WWW-Authenticate" {
            components.insert(format!("{OPTIONAL}{name}"), header(false));
        }
        components.insert(name.to_owned(), header(true));
    }
    components
}

const ALWAYS: [&str; 2] = ["X-Request-Id", "Cache-Control"];

fn always(name: &str) -> (String, Value) {
    (name.to_owned(), reference(name))
}

fn sometimes(name: &str) -> (String, Value) {
    (name.to_owned(), reference(&format!("{OPTIONAL}{name}")))
}

fn descriptions() -> [(&'static str, &'static str, Value, Value); 11] {
    let count = |minimum: u32| json!({"type": "integer", "minimum": minimum});
    let text = |pattern: &str| json!({"type": "string", "pattern": pattern});
    [
        (
            "X-Request-Id",
            "The request, always the server's own id of it. Name it when you report a fault; it stands in \
            the log and in audit events.",
            text("^req_[0-7][0-9a-hjkmnp-tv-z]{25}$"),
            json!(super::example::REQUEST),
        ),
        ("Cache-Control", "No answer is for a cache.", json!({"const": "no-store"}), json!("no-store")),
        ("X-RateLimit-Limit", "Units in any one window.", count(1), json!(1000)),
        ("X-RateLimit-Remaining", "Units that are free now.", count(0), json!(12)),
        (
            "X-RateLimit-Reset",
            "The first whole Unix second at which more units are free than now; now, if none is taken.",
            count(0),
            json!(1_767_225_634),
        ),
        (
            "RateLimit-Policy",
            "The quota, named after the tier (draft-ietf-httpapi-ratelimit-headers-11): units `q` in `w` \
            seconds.",
            text(r#"^"(standard|admin)";q=[0-9]+;w=[0-9]+$"#),
            json!("\"standard\";q=1000;w=3600"),
        ),
        (
            "RateLimit",
            "What is left of it: units `r`, and seconds `t` until there are more.",
            text(r#"^"(standard|admin)";r=[0-9]+;t=[0-9]+$"#),
            json!("\"standard\";r=12;t=34"),
        ),
        ("Retry-After", "Seconds after which there are free units again; 1 at least.", count(1), json!(34)),
        (
            "WWW-Authenticate",
            "How to authenticate (RFC 6750). `error=\"invalid_token\"` where a credential was sent, \
            `error=\"insufficient_scope\"` with the missing permission as `scope` where the key lacks it.",
            text("^Bearer realm=\"qwetty\""),
            json!("Bearer realm=\"qwetty\", error=\"invalid_token\""),
        ),
        (
            "Location",
            "Where the object is that was made.",
            text("^/api/v1/"),
            json!(format!("/api/v1/api-keys/{}", super::example::key_id())),
        ),
        (
            "Allow",
            "The methods that the path takes.",
            text("^[A-Z]+(, [A-Z]+)*$"),
            json!(
                "POST, GET, \
            HEAD"
            ),
        ),
    ]
}
