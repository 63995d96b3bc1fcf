//! Which errors a call can have: most follow from what the table and its description say already.

use std::collections::{BTreeMap, BTreeSet};

use qwetty_guard::{ErrorCode, Faults, Problem};
use serde_json::{Map, Value, json};

use super::header::Told;
use super::operation::Operation;
use super::{example, header};
use crate::route::{Needs, Row};

/// Every error that a call can have.
pub(super) fn codes(row: &Row, operation: &Operation) -> BTreeSet<ErrorCode> {
    use ErrorCode::*;
    let mut codes = BTreeSet::from([MalformedRequest, UriTooLong, HeadersTooLarge]);
    codes.extend(operation.refusals);
    if row.needs != Needs::Nobody {
        codes.extend([MissingAuthorization, InvalidApiKey, IpNotAllowed, RateLimited, Unavailable]);
    }
    match row.needs {
        Needs::Nobody | Needs::Charged([]) => {}
        Needs::Charged(_) | Needs::Uncharged(_) => codes.extend([InsufficientPermissions]),
        Needs::Original => {
            codes.extend([InsufficientPermissions, ChannelNotAllowed, UntrustedProxy, RouteNotMapped])
        }
    }
    if row.channel(Some("")).is_some() {
        codes.extend([ChannelNotAllowed]);
    }
    let names_something = |parameter: &Value| {
        parameter.get("name") == Some(&json!("id")) || parameter.get("name") == Some(&json!("organizationId"))
    };
    if operation.parameters.iter().any(names_something) {
        codes.extend([NotFound]);
    }
    if operation.body.is_some() {
        codes.extend([PayloadTooLarge, UnsupportedMediaType, ValidationFailed]);
    }
    codes
}

/// The same by status.
pub(super) fn by_status(codes: BTreeSet<ErrorCode>) -> BTreeMap<u16, Vec<ErrorCode>> {
    let mut by_status = BTreeMap::<u16, Vec<ErrorCode>>::new();
    for code in codes {
        by_status.entry(code.status().as_u16()).or_default().push(code);
    }
    by_status
}

/// The response object of errors that share a status.
pub(super) fn response(status: u16, codes: &[ErrorCode], told: Told) -> Value {
    let names: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
    let explained: Vec<String> =
        codes.iter().map(|code| format!("`{}`: {}.", code.as_str(), code.detail())).collect();
    let examples: Map<String, Value> =
        codes.iter().map(|code| (code.as_str().to_owned(), json!({"value": problem(*code)}))).collect();
    let required: &[&str] = if status == 422 { &["errors"] } else { &[] };
    json!({
        "description": explained.join(" "),
        "headers": header::of_refusal(status, told),
        "content": {"application/problem+json": {
            "schema": {"allOf": [
                {"$ref": "#/components/schemas/Problem"},
                {"type": "object", "properties": {"status": {"const": status}, "code": {"enum": names}},
                    "required": required},
            ]},
            "examples": examples,
        }},
    })
}

fn problem(code: ErrorCode) -> Value {
    let problem = match code {
        ErrorCode::ValidationFailed => {
            let mut faults = Faults::default();
            faults.add("name", "must not be empty");
            faults.add("permissions[1]", "is not in the catalogue; GET /permissions lists what is");
            Problem::validation_failed(faults)
        }
        code => Problem::new(code),
    };
    json!(problem.document(example::REQUEST))
}
