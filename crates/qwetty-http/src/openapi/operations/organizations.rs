use qwetty_guard::ErrorCode;
use serde_json::json;

use crate::openapi::answer::Answer;
use crate::openapi::body::{self, Body, optional, required};
use crate::openapi::operation::{Operation, Tag};
use crate::openapi::{example, parameter};

pub(super) fn create() -> Operation {
    Operation {
        id: "createOrganization",
        tag: Tag::Organizations,
        summary: "Make an organization",
        description: "It starts without keys and channels. Make its first key with its id as \
            `organizationId`.",
        parameters: Vec::new(),
        body: Some(Body::required([required("name", body::name())], json!({"name": "Acme"}))),
        answer: Answer::created("The organization.", "Organization", example::organization()),
        refusals: &[],
    }
}

pub(super) fn list() -> Operation {
    Operation {
        id: "listOrganizations",
        tag: Tag::Organizations,
        summary: "List organizations",
        description: "Every organization, by the time it was made.",
        parameters: parameter::list([
            parameter::search(
                "Only organizations whose name contains this, in either case, taken literally.",
            ),
            parameter::order(),
        ]),
        body: None,
        answer: Answer::page("A page of organizations.", "Organization", example::organization()),
        refusals: &[],
    }
}

pub(super) fn get() -> Operation {
    Operation {
        id: "getOrganization",
        tag: Tag::Organizations,
        summary: "Read an organization",
        description: "Its name and times.",
        parameters: vec![parameter::organization()],
        body: None,
        answer: Answer::one("The organization.", "Organization", example::organization()),
        refusals: &[],
    }
}

pub(super) fn update() -> Operation {
    Operation {
        id: "updateOrganization",
        tag: Tag::Organizations,
        summary: "Rename an organization",
        description: "What is absent stays as it is.",
        parameters: vec![parameter::organization()],
        body: Some(Body::required([optional("name", body::name())], json!({"name": "Acme"}))),
        answer: Answer::one("The organization as it is now.", "Organization", example::organization()),
        refusals: &[],
    }
}

pub(super) fn delete() -> Operation {
    Operation {
        id: "deleteOrganization",
        tag: Tag::Organizations,
        summary: "Delete an organization",
        description: "One that has keys, revoked and expired ones included, is not deleted: 409 \
            `conflict`.",
        parameters: vec![parameter::organization()],
        body: None,
        answer: Answer::nothing("The organization is gone."),
        refusals: &[ErrorCode::Conflict],
    }
}
