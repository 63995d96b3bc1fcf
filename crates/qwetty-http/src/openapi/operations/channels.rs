use qwetty_guard::ErrorCode;
use serde_json::json;

use crate::openapi::answer::Answer;
use crate::openapi::body::{self, Body, required};
use crate::openapi::operation::{Operation, Tag};
use crate::openapi::{example, parameter};

pub(super) fn save() -> Operation {
    Operation {
        id: "saveChannel",
        tag: Tag::Channels,
        summary: "Make or change a channel",
        description: "Saving what is there already changes nothing.",
        parameters: vec![parameter::channel(), parameter::whose()],
        body: Some(Body::required(
            [required("name", body::name()), required("type", body::channel_kind())],
            json!({"name": "Sales", "type": "whatsapp"}),
        )),
        answer: Answer::one("The channel as it is now.", "Channel", example::channel()),
        refusals: &[],
    }
}

pub(super) fn list() -> Operation {
    Operation {
        id: "listChannels",
        tag: Tag::Channels,
        summary: "List channels",
        description: "The channels of the caller's organization, or of the one that an operator names, by \
            the time they were first saved.",
        parameters: parameter::list([
            parameter::search(
                "Only channels whose id or name contains this, in either case, taken literally.",
            ),
            parameter::order(),
            parameter::whose(),
        ]),
        body: None,
        answer: Answer::page("A page of channels.", "Channel", example::channel()),
        refusals: &[],
    }
}

pub(super) fn delete() -> Operation {
    Operation {
        id: "deleteChannel",
        tag: Tag::Channels,
        summary: "Delete a channel",
        description: "Keys that are scoped to it stay just as restricted.",
        parameters: vec![parameter::channel(), parameter::whose()],
        body: None,
        answer: Answer::nothing("The channel is gone."),
        refusals: &[ErrorCode::NotFound],
    }
}
