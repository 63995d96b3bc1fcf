use qwetty_guard::ErrorCode;
use serde_json::json;

use crate::openapi::answer::Answer;
use crate::openapi::operation::{Operation, Tag};

pub(super) fn health() -> Operation {
    let answer = Answer::one("It does.", "State", json!({"status": "ok"}));
    open("getHealth", "Does the process answer?", "For a supervisor that restarts what does not.", answer)
}

pub(super) fn ready() -> Operation {
    let answer = Answer::one("It does.", "State", json!({"status": "ready"}));
    Operation {
        refusals: &[ErrorCode::Unavailable],
        ..open(
            "getReadiness",
            "Does the store answer, too?",
            "For a balancer: send requests here only if it does. It does not while changes cannot be written, as on a full disk.",
            answer,
        )
    }
}

pub(super) fn description() -> Operation {
    let answer = Answer::bare("OpenAPI 3.1.");
    open("getDescription", "This description", "Made of the table that serves.", answer)
}

pub(super) fn reference() -> Operation {
    let answer = Answer::text("A page.", "text/html");
    open(
        "getReference",
        "This description, for people",
        "Without scripts, and without a request to anywhere else.",
        answer,
    )
}

pub(super) fn error_reference() -> Operation {
    let answer = Answer::text("A page.", "text/html");
    open(
        "getErrorReference",
        "Every error code, for people",
        "Its meaning, its cause and its remedy; the `type` of a problem points here.",
        answer,
    )
}

pub(super) fn reference_style() -> Operation {
    open("getReferenceStyle", "How the pages look", "Their style sheet.", Answer::text("CSS.", "text/css"))
}

/// A call without parameters and without a body.
fn open(id: &'static str, summary: &'static str, description: &'static str, answer: Answer) -> Operation {
    Operation {
        id,
        tag: Tag::Server,
        summary,
        description,
        parameters: Vec::new(),
        body: None,
        answer,
        refusals: &[],
    }
}
