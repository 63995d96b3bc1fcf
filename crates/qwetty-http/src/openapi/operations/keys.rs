use qwetty_guard::ErrorCode;
use serde_json::json;

use crate::openapi::answer::Answer;
use crate::openapi::body::{self, Body, nullable, optional, required};
use crate::openapi::operation::{Operation, Tag};
use crate::openapi::{Facts, example, parameter};

pub(super) fn create(facts: Facts<'_>) -> Operation {
    Operation {
        id: "createKey",
        tag: Tag::Keys,
        summary: "Issue a key",
        description: "The answer holds the key value, once: it is stored nowhere. Nobody grants what they \
            lack: the new key must be covered by the caller's own on every axis (permissions, channels, \
            networks, tier, expiry), an absent restriction being the widest; else 403 `exceeds_caller`.",
        parameters: Vec::new(),
        body: Some(Body::required(
            [
                nullable("organizationId", body::organization()),
                required("name", body::name()),
                nullable("description", body::paragraphs("What people say of it")),
                required("permissions", body::permissions(facts.catalogue)),
                nullable("channelScopes", body::channel_scopes()),
                nullable("ipWhitelist", body::ip_whitelist()),
                nullable("expiresAt", body::expires_at()),
                nullable("tier", body::tier()),
            ],
            json!({
                "name": "CRM Integration",
                "permissions": permissions_of(facts),
                "channelScopes": ["wa-sales"],
                "ipWhitelist": ["203.0.113.0/24"],
            }),
        )),
        answer: Answer::created("The key, with its value.", "IssuedKey", example::key(Some(example::VALUE))),
        refusals: &[ErrorCode::ExceedsCaller, ErrorCode::NotFound],
    }
}

pub(super) fn list() -> Operation {
    Operation {
        id: "listKeys",
        tag: Tag::Keys,
        summary: "List keys",
        description: "The keys of the caller's organization, or of the one that an operator names.",
        parameters: parameter::list([
            parameter::search(
                "Only keys whose name, description or start contains this, in either case, taken \
                literally.",
            ),
            parameter::status(),
            parameter::sort(),
            parameter::order(),
            parameter::whose(),
        ]),
        body: None,
        answer: Answer::page("A page of keys, without their values.", "Key", example::key(None)),
        refusals: &[],
    }
}

pub(super) fn get() -> Operation {
    Operation {
        id: "getKey",
        tag: Tag::Keys,
        summary: "Read a key",
        description: "Everything about a key but its value.",
        parameters: vec![parameter::key()],
        body: None,
        answer: Answer::one("The key.", "Key", example::key(None)),
        refusals: &[],
    }
}

pub(super) fn update(facts: Facts<'_>) -> Operation {
    Operation {
        id: "updateKey",
        tag: Tag::Keys,
        summary: "Change a key",
        description: "What is absent stays as it is; null takes a restriction, the description or the \
            expiry away. A narrowing holds from the moment the answer is sent. A later `expiresAt` makes \
            an expired key usable again. The key as it will be must be covered by the caller's own, and no \
            key changes itself.",
        parameters: vec![parameter::key()],
        body: Some(Body::required(
            [
                optional("name", body::name()),
                nullable("description", body::paragraphs("What people say of it")),
                optional("permissions", body::permissions(facts.catalogue)),
                nullable("channelScopes", body::channel_scopes()),
                nullable("ipWhitelist", body::ip_whitelist()),
                nullable("expiresAt", body::expires_at()),
                optional("tier", body::other_tier()),
            ],
            json!({"name": "CRM Integration", "ipWhitelist": null}),
        )),
        answer: Answer::one("The key as it is now.", "Key", example::key(None)),
        refusals: &[ErrorCode::ExceedsCaller],
    }
}

pub(super) fn delete() -> Operation {
    Operation {
        id: "deleteKey",
        tag: Tag::Keys,
        summary: "Delete a key",
        description: "For good: nothing brings it back. Its audit events stay. Only an operator deletes an \
            operator's key, and no key itself.",
        parameters: vec![parameter::key()],
        body: None,
        answer: Answer::nothing("The key is gone."),
        refusals: &[ErrorCode::ExceedsCaller],
    }
}

pub(super) fn usage() -> Operation {
    Operation {
        id: "getKeyUsage",
        tag: Tag::Keys,
        summary: "Read what a key was used for",
        description: "Totals, denials by code, and a point for every hour, those without a request \
            included. Hours are kept for 90 days, and a range is 90 days at most; without one it is the \
            last 24 hours.",
        parameters: vec![
            parameter::key(),
            parameter::time(
                "from",
                "The start of the range, rounded down to the hour. Without it: 24 hours before `to`.",
            ),
            parameter::time(
                "to",
                "The end of the range, rounded up to the hour. Without it: the end of the running hour.",
            ),
        ],
        body: None,
        answer: Answer::one("The usage.", "UsageReport", example::usage()),
        refusals: &[],
    }
}

pub(super) fn me() -> Operation {
    Operation {
        id: "getOwnKey",
        tag: Tag::Keys,
        summary: "Read the caller's own key",
        description: "What the key that makes the call is and may do.",
        parameters: Vec::new(),
        body: None,
        answer: Answer::one("The key.", "Key", example::key(None)),
        // It can be deleted between its own admission and the look-up.
        refusals: &[ErrorCode::NotFound],
    }
}

pub(super) fn permissions() -> Operation {
    Operation {
        id: "listPermissions",
        tag: Tag::Keys,
        summary: "List the permission catalogue",
        description: "Every permission that a key can hold, with what people call it: the service's own, \
            then those that administer this system.",
        parameters: Vec::new(),
        body: None,
        answer: Answer::all("The catalogue, in its order.", "Permission", example::permission()),
        refusals: &[],
    }
}

/// Two permissions that this server's catalogue has.
fn permissions_of(facts: Facts<'_>) -> Vec<&str> {
    facts.catalogue.entries().take(2).map(|entry| entry.permission().as_str()).collect()
}
