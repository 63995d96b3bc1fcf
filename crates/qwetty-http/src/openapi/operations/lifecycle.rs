use qwetty_guard::ErrorCode;
use qwetty_keys::Overlap;
use serde_json::json;

use crate::openapi::answer::Answer;
use crate::openapi::body::{self, Body, nullable};
use crate::openapi::operation::{Operation, Tag};
use crate::openapi::{example, parameter};

pub(super) fn regenerate() -> Operation {
    let overlap = json!({
        "type": "integer",
        "minimum": 0,
        "maximum": Overlap::MAX_SECONDS,
        "default": 0,
        "description": "For how many seconds the old value still works, never past the key's own expiry. \
        At most one older value is alive.",
    });
    Operation {
        id: "regenerateKey",
        tag: Tag::Keys,
        summary: "Give a key a new value",
        description: "Id, settings, usage and quota history stay. The old value is dead at once, or after \
            the overlap. The answer holds the new value, once. A revoked or expired key is not \
            regenerated.",
        parameters: vec![parameter::key()],
        body: Some(Body::optional(
            [nullable("overlapSeconds", overlap)],
            json!({"overlapSeconds": 
            86_400}),
        )),
        answer: Answer::one("The key, with its new value.", "IssuedKey", example::key(Some(example::VALUE))),
        refusals: &[ErrorCode::ExceedsCaller, ErrorCode::KeyRevoked, ErrorCode::KeyExpired],
    }
}

pub(super) fn revoke() -> Operation {
    let reason = body::paragraphs("Why, for people");
    Operation {
        id: "revokeKey",
        tag: Tag::Keys,
        summary: "Revoke a key",
        description: "No decision that starts after the answer admits it, on any connection; an older \
            value in its overlap dies as well. A key that is revoked already stays as it is. Only an \
            operator revokes an operator's key; a key may revoke itself.",
        parameters: vec![parameter::key()],
        body: Some(Body::optional([nullable("reason", reason)], json!({"reason": "left the project"}))),
        answer: Answer::one("The key, revoked.", "Key", example::key(None)),
        refusals: &[ErrorCode::ExceedsCaller],
    }
}

pub(super) fn reactivate() -> Operation {
    Operation {
        id: "reactivateKey",
        tag: Tag::Keys,
        summary: "Make a revoked key usable again",
        description: "A key that is not revoked stays as it is; an expired one needs a later `expiresAt` \
            first. The caller's own key must cover it.",
        parameters: vec![parameter::key()],
        body: Some(Body::optional([], json!({}))),
        answer: Answer::one("The key, active.", "Key", example::key(None)),
        refusals: &[ErrorCode::ExceedsCaller, ErrorCode::KeyExpired],
    }
}
