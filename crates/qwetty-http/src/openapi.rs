//! The description of the whole interface, OpenAPI 3.1: the table of calls, joined with what a reader needs to
//! know of each.

mod answer;
mod body;
mod component;
mod example;
mod header;
mod operation;
mod operations;
mod parameter;
mod refusal;

use std::collections::BTreeMap;

use http::Method;
use qwetty_authz::Catalogue;
use qwetty_ratelimit::TierQuotas;
use serde_json::{Value, json};

use crate::route::{ROWS, Row};
use component::Components;
pub(crate) use operation::Tag;

/// What the description takes from the engine that is described.
#[derive(Clone, Copy)]
pub(crate) struct Facts<'a> {
    /// The permissions that there are.
    pub(crate) catalogue: &'a Catalogue,
    /// What each tier gives.
    pub(crate) quotas: TierQuotas,
}

/// The description of every row of the table.
pub(crate) fn document(facts: Facts<'_>) -> Value {
    let mut components = Components::default();
    let mut paths = BTreeMap::<&str, BTreeMap<String, Value>>::new();
    for row in ROWS {
        for method in row.methods.described() {
            let operation = operation::operation(row, method, facts, &mut components);
            paths.entry(row.template()).or_default().insert(key_of(method), operation);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Qwetty API Keys",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Issue, verify, limit and revoke API keys.",
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "This server"}],
        "tags": Tag::ALL.map(Tag::object),
        "paths": paths,
        "components": components.finish(),
    })
}

/// The operation of a row, found in a finished document; the first, if it takes several methods.
pub(crate) fn operation_of<'a>(document: &'a Value, row: &Row) -> Option<&'a Value> {
    document.get("paths")?.get(row.template())?.get(key_of(row.methods.described().first()?))
}

/// What a `$ref` within a document points to; any other value is itself.
pub(crate) fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let target = value.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix('#'));
    target.and_then(|pointer| document.pointer(pointer)).unwrap_or(value)
}

fn key_of(method: &Method) -> String {
    method.as_str().to_ascii_lowercase()
}

const ABOUT: &str = "\
Every call under `/api/v1` takes and gives JSON. Unknown fields, unknown query parameters, duplicate \
members and a second `Authorization` header are errors, never ignored.\n\n\
Every answer carries `X-Request-Id`. Every error is a problem document (RFC 9457, \
`application/problem+json`) whose `code` never changes and whose `type` points to its explanation. HEAD is \
answered like GET, without the body. A path that exists is answered with 405 and `Allow` for any other \
method, a path that does not with 404.\n\n\
What a gateway asks, `/api/v1/authorize`, is another matter: every method, no JSON, and what the call itself \
has for a query or a body means nothing.";

#[cfg(test)]
mod tests;
