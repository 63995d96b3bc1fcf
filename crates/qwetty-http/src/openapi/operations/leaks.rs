use qwetty_guard::ErrorCode;
use serde_json::json;

use crate::calls::leaks::VALUES;
use crate::openapi::answer::Answer;
use crate::openapi::body::{Body, optional, required};
use crate::openapi::operation::{Operation, Tag};
use crate::openapi::{example, parameter};

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

pub(super) fn github_alerts() -> Operation {
    let text = |description: &str| json!({"type": "string", "description": description});
    let identifier = "Which of GitHub's keys signed the body.";
    let signature = "Its signature over the body, byte for byte: ECDSA on P-256 with SHA-256, in base64.";
    let feedback = json!({
        "type": "object",
        "required": ["token_hash", "token_type", "label"],
        "properties": {
            "token_hash": text("SHA-256 of the token, in base64."),
            "token_type": text("As GitHub sent it."),
            "label": {"type": "string", "enum": ["true_positive", "false_positive"]},
        },
    });
    Operation {
        id: "reportGithubAlerts",
        tag: Tag::Leaks,
        summary: "Report what GitHub found",
        description: "For GitHub's secret scanning, as it calls its partners: revokes the key of every token that \
            GitHub found and signed for, and tells it which of them were keys. There only if the server was given \
            GitHub's public keys; else 404.",
        parameters: vec![
            parameter::header("Github-Public-Key-Identifier", identifier, "f9525bf080f75b3506ca1ead061add62"),
            parameter::header(
                "Github-Public-Key-Signature",
                signature,
                "MEUCIFLZzeK++IhS+y276SRk2Pe5LfDrfvTX",
            ),
        ],
        body: Some(Body::array(
            [
                required("token", text("The key value that was found.")),
                required("type", text("What GitHub calls the kind of secret.")),
                optional("url", text("Where it was found; may be empty.")),
                optional("source", text("In what it was found.")),
            ],
            json!({
                "token": example::VALUE,
                "type": "qwetty_api_key",
                "url": "",
                "source": "content",
            }),
        )),
        answer: Answer::array(
            "What each of them was, in their order.",
            feedback,
            json!({
                "token_hash": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
                "token_type": "qwetty_api_key",
                "label": "true_positive",
            }),
        ),
        refusals: &[
            ErrorCode::InvalidSignature,
            ErrorCode::NotFound,
            ErrorCode::RateLimited,
            ErrorCode::Unavailable,
        ],
    }
}
