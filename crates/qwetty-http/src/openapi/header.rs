//! The headers of answers.

use qwetty_guard::{ErrorCode, Problem};
use serde_json::{Map, Value, json};

use crate::route::Needs;

/// Those of every answer that decided a key against its quota.
const RATE_LIMIT: [&str; 5] =
    ["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "RateLimit-Policy", "RateLimit"];

/// Who may do what, for the API behind a gateway.
const IDENTITY: [&str; 4] =
    ["X-Qwetty-Key-Id", "X-Qwetty-Organization-Id", "X-Qwetty-Permissions", "X-Qwetty-Channel-Scopes"];

/// A header that stands in some answers of a kind and not in others is described a second time, as optional.
const OPTIONAL: &str = "Optional-";

/// What the headers of a call's answers tell beside the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// Nothing.
    Nothing,
    /// How a key stands against its quota.
    Quota,
    /// The same to a gateway, and what it passes on.
    Gateway,
}

impl Told {
    /// By the answers of a call with these needs.
    pub(super) fn of(needs: Needs) -> Self {
        match needs {
            Needs::Nobody | Needs::Uncharged(_) => Self::Nothing,
            Needs::Charged(_) => Self::Quota,
            Needs::Original => Self::Gateway,
        }
    }
}

/// The headers of a success.
pub(super) fn of_success(told: Told) -> Map<String, Value> {
    let mut headers = Map::from_iter(ALWAYS.map(always));
    if told != Told::Nothing {
        headers.extend(RATE_LIMIT.map(always));
    }
    if told == Told::Gateway {
        headers.extend(IDENTITY.map(always));
    }
    headers
}

/// The headers of an error with this status.
pub(super) fn of_refusal(status: u16, told: Told) -> Map<String, Value> {
    let mut headers = Map::from_iter(ALWAYS.map(always));
    if told == Told::Gateway {
        headers.extend([always("X-Qwetty-Problem")]);
    }
    match status {
        401 => headers.extend([always("WWW-Authenticate")]),
        403 => headers.extend([sometimes("WWW-Authenticate")]),
        429 => headers.extend([always("Retry-After")]),
        _ => {}
    }
    match status {
        // Nobody was decided on, or not against a quota.
        _ if told == Told::Nothing => {}
        401 | 414 | 431 => {}
        // The whole request is refused before anybody is, or after; so is a key, or what it wants to do, or an address.
        400 | 403 | 404 | 429 | 503 => headers.extend(RATE_LIMIT.map(sometimes)),
        _ => headers.extend(RATE_LIMIT.map(always)),
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

fn descriptions() -> [(&'static str, &'static str, Value, Value); 16] {
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
        ("Retry-After", "Seconds after which it may be tried again; 1 at least.", count(1), json!(34)),
        (
            "WWW-Authenticate",
            "How to authenticate (RFC 6750). `error=\"invalid_token\"` where a credential was sent, \
            `error=\"insufficient_scope\"` with the missing permission as `scope` where the key lacks it.",
            text("^Bearer realm=\"qwetty\""),
            json!("Bearer realm=\"qwetty\", error=\"invalid_token\""),
        ),
        (
            "X-Qwetty-Key-Id",
            "The key.",
            text("^key_[0-7][0-9a-hjkmnp-tv-z]{25}$"),
            json!(super::example::key_id().to_string()),
        ),
        (
            "X-Qwetty-Organization-Id",
            "The organization that owns it.",
            text("^org_[0-7][0-9a-hjkmnp-tv-z]{25}$"),
            json!(super::example::organization_id().to_string()),
        ),
        (
            "X-Qwetty-Permissions",
            "What it may do, in catalogue order, joined by commas.",
            text("^[a-z0-9_:]+(,[a-z0-9_:]+)*$|^$"),
            json!("chats:read,messages:send"),
        ),
        (
            "X-Qwetty-Channel-Scopes",
            "Its channels, joined by commas; empty is every channel.",
            text("^[A-Za-z0-9._-]+(,[A-Za-z0-9._-]+)*$|^$"),
            json!("wa-sales"),
        ),
        (
            "X-Qwetty-Problem",
            "The body once more, for gateways that drop it: the same JSON on one line.",
            text(r#"^\{"type":"/docs/errors#"#),
            json!(
                json!(Problem::new(ErrorCode::InvalidApiKey).document(super::example::REQUEST)).to_string()
            ),
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
