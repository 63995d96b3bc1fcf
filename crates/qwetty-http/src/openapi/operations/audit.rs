use crate::openapi::answer::Answer;
use crate::openapi::operation::{Operation, Tag};
use crate::openapi::{example, parameter};

pub(super) fn list() -> Operation {
    Operation {
        id: "listAuditEvents",
        tag: Tag::Audit,
        summary: "Read the audit log",
        description: "Newest first. Every change has its event, and so has every attempt to grant what one \
            lacks (`key.grant_refused`). Events outlive the key they are about.",
        parameters: parameter::list([parameter::about_key(), parameter::action(), parameter::whose()]),
        body: None,
        answer: Answer::page("A page of events.", "AuditEvent", example::event()),
        refusals: &[],
    }
}
