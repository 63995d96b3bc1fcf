//! What several operations share.

use qwetty_guard::{ErrorCode, ProblemObject};
use serde_json::{Map, Value, json};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

use super::header::Told;
use super::{header, refusal};
use crate::wire::{
    ChannelObject, EventObject, KeyObject, Meta, OrganizationObject, PermissionObject, UsageReportObject,
    VerifyGrants, VerifySubject,
};

/// The name of the one security scheme.
pub(super) const SCHEME: &str = "apiKey";

/// The components of a document; error responses are collected while it is made.
#[derive(Default)]
pub(super) struct Components {
    responses: Map<String, Value>,
}

impl Components {
    /// A reference to the response for errors that share a status: most calls share it, too.
    pub(super) fn refusal(&mut self, status: u16, codes: &[ErrorCode], told: Told) -> Value {
        let codes_of = codes.iter().map(|code| code.as_str()).collect::<Vec<_>>().join("-or-");
        let name = match told {
            Told::Nothing => format!("{codes_of}-uncharged"),
            Told::Quota => codes_of,
            Told::Gateway => format!("{codes_of}-gateway"),
        };
        let reference = json!({"$ref": format!("#/components/responses/{name}")});
        self.responses.entry(name).or_insert_with(|| refusal::response(status, codes, told));
        reference
    }

    pub(super) fn finish(mut self) -> Value {
        let mut not_allowed = refusal::response(405, &[ErrorCode::MethodNotAllowed], Told::Nothing);
        if let Some(headers) = not_allowed.get_mut("headers").and_then(Value::as_object_mut) {
            headers.insert("Allow".to_owned(), header::reference("Allow"));
        }
        self.responses.insert("method_not_allowed".to_owned(), not_allowed);
        json!({
            "schemas": schemas(),
            "headers": header::components(),
            "responses": self.responses,
            "securitySchemes": {SCHEME: {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "qwt_ and 49 characters of 0-9, A-Z, a-z",
                "description": "`Authorization: Bearer <key value>`. What a call needs of the key stands \
                with the call.",
            }},
        })
    }
}

fn schemas() -> Map<String, Value> {
    let mut schemas = Vec::new();
    add::<KeyObject<'_>>(&mut schemas);
    add::<UsageReportObject>(&mut schemas);
    add::<PermissionObject<'_>>(&mut schemas);
    add::<ChannelObject<'_>>(&mut schemas);
    add::<EventObject<'_>>(&mut schemas);
    add::<OrganizationObject<'_>>(&mut schemas);
    add::<VerifySubject<'_>>(&mut schemas);
    add::<VerifyGrants<'_>>(&mut schemas);
    add::<Meta>(&mut schemas);
    add::<ProblemObject<'_>>(&mut schemas);
    let mut schemas: Map<String, Value> =
        schemas.into_iter().map(|(name, schema)| (name, json!(schema))).collect();
    schemas.insert("IssuedKey".to_owned(), issued_key());
    schemas.insert("Verdict".to_owned(), verdict());
    schemas.insert("State".to_owned(), state());
    schemas
}

fn add<T: ToSchema>(schemas: &mut Vec<(String, RefOr<Schema>)>) {
    T::schemas(schemas);
    schemas.push((T::name().into_owned(), <T as PartialSchema>::schema()));
}

fn issued_key() -> Value {
    json!({
        "description": "A key with its value, which is in this answer and nowhere else.",
        "allOf": [{"$ref": "#/components/schemas/Key"}, {"type": "object", "required": ["key"]}],
    })
}

/// The four shapes of a verdict.
fn verdict() -> Value {
    let decided = |valid: bool, codes: &[&str]| {
        json!({"type": "object", "required": ["valid", "code"], "properties": {
            "valid": {"type": "boolean", "const": valid},
            "code": {"type": "string", "enum": codes},
        }})
    };
    let subject = json!({"$ref": "#/components/schemas/VerifiedSubject"});
    let grants = json!({"$ref": "#/components/schemas/VerifiedGrants"});
    let checks = ["revoked", "expired", "ip_not_allowed", "insufficient_permissions", "channel_not_allowed"];
    let retry = json!({"type": "object", "required": ["retryAfter"], "properties": {
        "retryAfter": {"type": "integer", "minimum": 1, "description": "Seconds until there is more room."},
    }});
    json!({
        "description": "What was decided on the presented key; `code` names the check that decided.",
        "oneOf": [
            {"title": "Admitted", "allOf": [decided(true, &["valid"]), subject, grants]},
            {"title": "Refused by a check", "allOf": [decided(false, &checks), subject]},
            {"title": "Refused by the quota", "allOf": [decided(false, &["rate_limited"]), subject, retry]},
            {"title": "Nobody's key", "allOf": [decided(false, &["not_found"])]},
        ],
    })
}

fn state() -> Value {
    json!({
        "type": "object",
        "required": ["status"],
        "properties": {"status": {"type": "string", "description": "A word for people; the HTTP status is \
        what counts."}},
    })
}
