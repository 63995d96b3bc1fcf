//! The bodies of requests, described with the words that [`fields`](crate::fields) reads them by.

use qwetty_authz::Catalogue;
use qwetty_storage::ChannelKind;
use serde_json::{Map, Value, json};
use utoipa::PartialSchema;

use crate::wire::OrganizationIdText;

/// The body of a request, and whether it must be there.
pub(super) struct Body {
    schema: Value,
    example: Value,
    required: bool,
}

/// A field: whether it must be there, and what it is.
pub(super) struct Field {
    name: &'static str,
    required: bool,
    schema: Value,
}

impl Body {
    /// A body that must be there.
    pub(super) fn required<const N: usize>(fields: [Field; N], example: Value) -> Self {
        Self { schema: closed(fields), example, required: true }
    }

    /// An array of these objects, which may have more than these fields.
    pub(super) fn array<const N: usize>(fields: [Field; N], example: Value) -> Self {
        let mut item = closed(fields);
        if let Some(item) = item.as_object_mut() {
            item.remove("additionalProperties");
        }
        Self { schema: json!({"type": "array", "items": item}), example: json!([example]), required: true }
    }

    /// A body that may be absent.
    pub(super) fn optional<const N: usize>(fields: [Field; N], example: Value) -> Self {
        Self { schema: closed(fields), example, required: false }
    }

    /// The request body object.
    pub(super) fn object(self) -> Value {
        let content = json!({"application/json": {"schema": self.schema, "example": self.example}});
        json!({"required": self.required, "content": content})
    }
}

fn closed<const N: usize>(fields: [Field; N]) -> Value {
    let required: Vec<&str> = fields.iter().filter(|field| field.required).map(|field| field.name).collect();
    let properties: Map<String, Value> =
        fields.into_iter().map(|field| (field.name.to_owned(), field.schema)).collect();
    json!({"type": "object", "required": required, "properties": properties, "additionalProperties": false})
}

/// A field that must be there.
pub(super) fn required(name: &'static str, schema: Value) -> Field {
    Field { name, required: true, schema }
}

/// A field that may be absent, but not null.
pub(super) fn optional(name: &'static str, schema: Value) -> Field {
    Field { name, required: false, schema }
}

/// A field that may be absent or null.
pub(super) fn nullable(name: &'static str, mut schema: Value) -> Field {
    if let Some(schema) = schema.as_object_mut() {
        let kind = schema.remove("type");
        schema.insert("type".to_owned(), json!([kind, "null"]));
        if let Some(Value::Array(words)) = schema.get_mut("enum") {
            words.push(Value::Null);
        }
    }
    Field { name, required: false, schema }
}

/// The id of a channel.
pub(super) const CHANNEL_ID: &str = "^[A-Za-z0-9._-]{1,64}$";

/// White space as Unicode has it, which is taken off the ends of a name.
const SPACE: &str = r"\u0009-\u000D\u0020\u0085\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000";
/// Control characters but line breaks, bidi controls and zero-width characters.
const DECEPTIVE: &str =
    r"\u0000-\u0009\u000B\u000C\u000E-\u001F\u007F-\u009F\u200B-\u200D\u202A-\u202E\u2060\u2066-\u2069\uFEFF";
const LINE_BREAKS: &str = r"\u000A\u000D";

/// The name of a key, an organization or a channel.
pub(super) fn name() -> Value {
    let inner = format!("[^{DECEPTIVE}{LINE_BREAKS}]");
    let edge = format!("[^{SPACE}{DECEPTIVE}{LINE_BREAKS}]");
    json!({
        "type": "string",
        "minLength": 1,
        "pattern": format!("^[{SPACE}]*{edge}(?:{inner}{{0,98}}{edge})?[{SPACE}]*$"),
        "description": "What people call it: 1 to 100 characters once the white space around it is taken \
        off; no control, bidi control or zero-width characters.",
    })
}

/// A text of several lines.
pub(super) fn paragraphs(what: &str) -> Value {
    json!({
        "type": "string",
        "maxLength": 500,
        "pattern": format!("^[^{DECEPTIVE}]*$"),
        "description": format!(
            "{what}: up to 500 characters; no control characters but line breaks, no bidi control or \
            zero-width characters."
        ),
    })
}

/// What a key may do.
pub(super) fn permissions(catalogue: &Catalogue) -> Value {
    let names: Vec<&str> = catalogue.entries().map(|entry| entry.permission().as_str()).collect();
    json!({
        "type": "array",
        "minItems": 1,
        "items": {"type": "string", "enum": names},
        "description": "What the key may do: permissions of the catalogue. Duplicates collapse.",
    })
}

/// The channels that a key may use.
pub(super) fn channel_scopes() -> Value {
    json!({
        "type": "array",
        "minItems": 1,
        "maxItems": 100,
        "items": {"type": "string", "pattern": CHANNEL_ID, "examples": ["wa-sales"]},
        "description": "The channels that the key may use: ids of the organization's channels. Absent or \
        null is every channel.",
    })
}

/// Where a key may be used from.
pub(super) fn ip_whitelist() -> Value {
    const OCTET: &str = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
    let v4 = format!(r"^{OCTET}(?:\.{OCTET}){{3}}(?:/(?:3[0-2]|[12]?[0-9]))?$");
    let v6 = r"^[0-9A-Fa-f:.]{2,45}(?:/(?:12[0-8]|1[01][0-9]|[1-9]?[0-9]))?$";
    json!({
        "type": "array",
        "minItems": 1,
        "maxItems": 100,
        "items": {"type": "string", "anyOf": [{"pattern": v4}, {"pattern": v6}]},
        "description": "Where the key may be used from: IPv4 and IPv6 addresses and networks in CIDR \
        notation, without host bits, leading zeros, zone ids, ports or brackets. Absent or null is \
        everywhere.",
    })
}

/// When a key expires.
pub(super) fn expires_at() -> Value {
    json!({
        "type": "string",
        "format": "date-time",
        "examples": ["2099-12-31T23:59:59Z"],
        "description": "When the key expires: RFC 3339 with an offset, later than now, in the year 9999 at \
        most. Absent or null is never.",
    })
}

/// The tier of a key.
pub(super) fn tier() -> Value {
    let mut schema = json!(crate::wire::schema::tier());
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("default".to_owned(), json!("standard"));
    }
    schema
}

/// A tier that stays as it is if it is absent.
pub(super) fn other_tier() -> Value {
    json!(crate::wire::schema::tier())
}

/// The kind of a channel.
pub(super) fn channel_kind() -> Value {
    json!({
        "type": "string",
        "enum": ChannelKind::ALL.map(ChannelKind::as_str),
        "description": "What the channel speaks.",
    })
}

/// The organization that something is made for.
pub(super) fn organization() -> Value {
    let mut schema = json!(OrganizationIdText::schema());
    if let Some(schema) = schema.as_object_mut() {
        let description =
            "For operators: whose key it is to be. Absent or null is the caller's own organization.";
        schema.insert("description".to_owned(), json!(description));
    }
    schema
}
