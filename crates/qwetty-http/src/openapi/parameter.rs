//! Path and query parameters.

use qwetty_keys::Status;
use qwetty_storage::{Action, KeySort};
use serde_json::{Value, json};
use utoipa::PartialSchema;

use super::body::CHANNEL_ID;
use crate::calls::keys::STATUSES;
use crate::query::{MAX_LIMIT, MAX_PAGE};
use crate::wire::{KeyIdText, OrganizationIdText};

/// The key in a path.
pub(super) fn key() -> Value {
    in_path("The key's id.", json!(KeyIdText::schema()))
}

/// The organization in a path.
pub(super) fn organization() -> Value {
    in_path("The organization's id.", json!(OrganizationIdText::schema()))
}

/// The channel in a path.
pub(super) fn channel() -> Value {
    in_path("The channel's id: yours to choose.", json!({"type": "string", "pattern": CHANNEL_ID}))
}

/// The original path, and query, behind Envoy's.
pub(super) fn target() -> Value {
    json!({
        "name": "target",
        "in": "path",
        "required": true,
        "description": "The original path and query as they stand in the client's request line, without the first slash; \
            slashes are slashes here, not `%2F`.",
        "schema": {"type": "string"},
        "example": "api/v1/chats",
    })
}

/// A header of a gateway, or of GitHub.
pub(super) fn header(name: &'static str, description: &'static str, example: &'static str) -> Value {
    json!({
        "name": name,
        "in": "header",
        "required": false,
        "description": description,
        "schema": {"type": "string"},
        "example": example,
    })
}

/// Whose things an operator means.
pub(super) fn whose() -> Value {
    let description =
        "For operators: whose. Everybody else's own organization is the only one that there is.";
    in_query("organizationId", description, json!(OrganizationIdText::schema()))
}

/// The parameters of every list, then those of this one.
pub(super) fn list<const N: usize>(more: [Value; N]) -> Vec<Value> {
    let page = json!({"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": 1});
    let limit = json!({"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": 10});
    [
        in_query("page", "Which page, from 1. A page past the end is empty.", page),
        in_query("limit", "How many items a page holds.", limit),
    ]
    .into_iter()
    .chain(more)
    .collect()
}

/// What a list is searched for.
pub(super) fn search(description: &'static str) -> Value {
    in_query("search", description, json!({"type": "string"}))
}

/// Which way a list runs.
pub(super) fn order() -> Value {
    in_query("order", "Which way; nulls come last either way.", words(&["asc", "desc"], Some("desc")))
}

/// What keys are sorted by.
pub(super) fn sort() -> Value {
    let sorts = KeySort::ALL.map(KeySort::as_str);
    in_query("sort", "What to sort by; ties go by id.", words(&sorts, Some(KeySort::default().as_str())))
}

/// Only keys with a status.
pub(super) fn status() -> Value {
    in_query("status", "Only keys with this status.", words(&STATUSES.map(Status::as_str), None))
}

/// Only events about a key.
pub(super) fn about_key() -> Value {
    let description = "Only events about this key, which may be deleted since.";
    in_query("keyId", description, json!(KeyIdText::schema()))
}

/// Only events of a kind.
pub(super) fn action() -> Value {
    in_query("action", "Only events of this kind.", words(&Action::ALL.map(Action::as_str), None))
}

/// An end of a range of time.
pub(super) fn time(name: &'static str, description: &'static str) -> Value {
    in_query(name, description, json!({"type": "string", "format": "date-time"}))
}

fn words(words: &[&str], default: Option<&str>) -> Value {
    match default {
        None => json!({"type": "string", "enum": words}),
        Some(default) => json!({"type": "string", "enum": words, "default": default}),
    }
}

fn in_path(description: &'static str, schema: Value) -> Value {
    json!({"name": "id", "in": "path", "required": true, "description": description, "schema": schema})
}

fn in_query(name: &'static str, description: &'static str, schema: Value) -> Value {
    json!({"name": name, "in": "query", "required": false, "description": description, "schema": schema})
}
