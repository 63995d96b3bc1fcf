//! One row of the table as an operation of the document.

use http::Method;
use qwetty_guard::ErrorCode;
use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::body::Body;
use super::component::{Components, SCHEME};
use super::header::Told;
use super::{Facts, header, operations, refusal};
use crate::route::{Methods, Needs, Row};

/// What the table does not say of a call.
pub(crate) struct Operation {
    /// The name that generated clients give it.
    pub(super) id: &'static str,
    pub(super) tag: Tag,
    pub(super) summary: &'static str,
    pub(super) description: &'static str,
    /// Path and query parameters.
    pub(super) parameters: Vec<Value>,
    pub(super) body: Option<Body>,
    pub(super) answer: Answer,
    /// The errors that only this call has; those that follow from the row, the parameters and the body are
    /// added.
    pub(super) refusals: &'static [ErrorCode],
}

/// What calls are grouped by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tag {
    Verification,
    Keys,
    Leaks,
    Channels,
    Organizations,
    Audit,
    Server,
}

impl Tag {
    /// Every group, in the order in which people read.
    pub(crate) const ALL: [Self; 7] = [
        Self::Verification,
        Self::Keys,
        Self::Leaks,
        Self::Channels,
        Self::Organizations,
        Self::Audit,
        Self::Server,
    ];

    /// What the group is called.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Verification => "Verification",
            Self::Keys => "API keys",
            Self::Leaks => "Leaked keys",
            Self::Channels => "Channels",
            Self::Organizations => "Organizations",
            Self::Audit => "Audit log",
            Self::Server => "The server",
        }
    }

    pub(super) fn object(self) -> Value {
        let description = match self {
            Self::Verification => {
                "Is this key good for that? The question that a service asks for each request it gets."
            }
            Self::Keys => "Issue, read, change, regenerate, revoke, reactivate and delete keys.",
            Self::Leaks => "For whoever finds a key value where it should not be.",
            Self::Channels => "The channels of an organization, which keys can be scoped to.",
            Self::Organizations => "For operators: who owns keys and channels.",
            Self::Audit => "Who did what to which key, when and from where.",
            Self::Server => "Health, and this description.",
        };
        json!({"name": self.name(), "description": description})
    }
}

/// The operation object of a row, by one of its methods.
pub(super) fn operation(row: &Row, method: &Method, facts: Facts<'_>, components: &mut Components) -> Value {
    let operation = operations::describe(row.call, facts);
    let told = Told::of(row.needs);
    let mut responses = Map::new();
    for (status, codes) in refusal::by_status(refusal::codes(row, &operation)) {
        responses.insert(status.to_string(), components.refusal(status, &codes, told));
    }
    let answer = operation.answer;
    responses.insert(answer.status.to_string(), answer.response(header::of_success(told)));
    let mut object = json!({
        "operationId": id(row, method, operation.id),
        "tags": [operation.tag.name()],
        "summary": operation.summary,
        "description": format!("{}\n\n{}", operation.description, needs(row.needs)),
        "security": security(row.needs),
        "parameters": operation.parameters,
        "responses": responses,
    });
    if let (Some(body), Some(object)) = (operation.body, object.as_object_mut()) {
        object.insert("requestBody".to_owned(), body.object());
    }
    object
}

/// Every operation has a name of its own.
fn id(row: &Row, method: &Method, id: &str) -> String {
    match row.methods {
        Methods::One(_) => id.to_owned(),
        Methods::Every => format!("{id}By{}", method.as_str()),
    }
}

fn needs(needs: Needs) -> String {
    match needs {
        Needs::Nobody => "Needs no key.".to_owned(),
        Needs::Charged([]) => "Needs any usable key, and takes one unit of its quota.".to_owned(),
        Needs::Charged(permissions) => format!(
            "Needs a key with the permission {}, and takes one unit of its quota.",
            any_of(permissions)
        ),
        Needs::Uncharged(permissions) => format!(
            "Needs a key with the permission {}. The caller's own quota and usage are not touched; those of the \
            presented key are.",
            any_of(permissions)
        ),
        Needs::Original => {
            "Needs a key that is good for the original request, and takes one unit of its quota.".to_owned()
        }
    }
}

fn any_of(permissions: &[&str]) -> String {
    permissions.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ")
}

/// Alternatives, each naming the permission that makes it one (OpenAPI 3.1, Security Requirement Object).
fn security(needs: Needs) -> Vec<Value> {
    match needs {
        Needs::Nobody => Vec::new(),
        Needs::Charged([]) | Needs::Original => vec![json!({SCHEME: []})],
        Needs::Charged(permissions) | Needs::Uncharged(permissions) => {
            permissions.iter().map(|name| json!({SCHEME: [name]})).collect()
        }
    }
}
