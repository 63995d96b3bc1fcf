use qwetty_guard::ErrorCode;
use serde_json::json;

use crate::calls::leaks::VALUES;
use crate::openapi::answer::Answer;
use crate::openapi::body::{Body, required};
use crate::openapi::example;
use crate::openapi::operation::{Operation, Tag};

pub(super) fn report() -> Operation {
    let keys = json!({
        "type": "array",
        "minItems": VALUES.start(),
        "maxItems": VALUES.end(),
        "items": {"type": "string"},
        "description": "The key values that were found, whole.",
    });
    Operation {
        id: "reportLeakedKeys",
        tag: Tag::Leaks,
        summary: "Report leaked keys",
        description: "Revokes the key of every value that is good, an operator's and an older one in its \
            overlap included: from the answer on, nothing admits it. The answer is the same whether a value \
            was known, unknown, malformed or revoked already. Each client address may report so often.",
        parameters: Vec::new(),
        body: Some(Body::required([required("keys", keys)], json!({"keys": [example::VALUE]}))),
        answer: Answer::nothing("Whichever of the values were good are so no more."),
        refusals: &[ErrorCode::RateLimited, ErrorCode::Unavailable],
    }
}
