use http::Method;
use qwetty_tests::{Call, Github};
use serde_json::{Value, json};

use crate::case::Fault;
use crate::interface::Operation;

const FORWARDED_FOR: (&str, &str) = ("x-forwarded-for", "127.0.0.7");

/// A request that is about to be sent; each part can still be made wrong.
pub(crate) struct Request<'a> {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    pub(crate) body: Option<Value>,
    pub(crate) fault: Option<Fault>,
    /// Who signs it, if anybody does.
    pub(crate) signer: Option<&'a Github>,
}

impl Request<'_> {
    /// The example of a call on the thing with this id, or key value, of this organization.
    pub(crate) fn example(operation: &Operation, id: &str, organization: &str) -> Self {
        let named = format!("organizationId={organization}");
        let (query, body) = match operation.call().as_str() {
            "POST /api/v1/api-keys" => {
                let body =
                    json!({"name": "A", "permissions": ["api_keys:manage"], "organizationId": organization});
                (String::new(), Some(body))
            }
            "PATCH /api/v1/api-keys/{id}" => (String::new(), Some(json!({"name": "Renamed"}))),
            "POST /api/v1/api-keys/{id}/regenerate" => (String::new(), Some(json!({"overlapSeconds": 60}))),
            "POST /api/v1/api-keys/{id}/revoke" => (String::new(), Some(json!({"reason": "over"}))),
            "POST /api/v1/api-keys/{id}/reactivate" => (String::new(), Some(json!({}))),
            "PUT /api/v1/channels/{id}" => (named, Some(json!({"name": "A", "type": "whatsapp"}))),
            "POST /api/v1/organizations" => (String::new(), Some(json!({"name": "A"}))),
            "PATCH /api/v1/organizations/{id}" => (String::new(), Some(json!({"name": "Renamed"}))),
            "POST /api/v1/verify" => (String::new(), Some(json!({"key": id}))),
            "POST /api/v1/leaked-keys" => (String::new(), Some(json!({"keys": [id]}))),
            "POST /api/v1/leaked-keys/github" => {
                (String::new(), Some(json!([{"token": id, "type": "qwetty_api_key"}])))
            }
            "GET /api/v1/api-keys"
            | "GET /api/v1/channels"
            | "GET /api/v1/audit-events"
            | "DELETE /api/v1/channels/{id}" => (named, None),
            "ANY /api/v1/authorize/envoy/{target}" => ("channelId=another".to_owned(), None),
            _ => (String::new(), None),
        };
        let path = operation.path.replace("{id}", id).replace("{target}", "api/v1/chats");
        let headers = match operation.call().as_str() {
            "ANY /api/v1/authorize" => vec![
                FORWARDED_FOR,
                ("x-forwarded-method", "GET"),
                ("x-forwarded-uri", "/api/v1/chats?channelId=another"),
            ],
            "ANY /api/v1/authorize/envoy/{target}" => vec![FORWARDED_FOR],
            _ => Vec::new(),
        };
        Self { method: operation.method.clone(), path, query, headers, body, fault: None, signer: None }
    }

    pub(crate) fn call(mut self) -> Call {
        let mut query = self.query;
        match self.fault {
            Some(Fault::UnknownParameter) => query.push_str("&unknown=1"),
            Some(Fault::LongUri) => query.push_str(&format!("&{}", "x".repeat(8 * 1024))),
            Some(Fault::AnotherMethod) => self.method = Method::OPTIONS,
            Some(Fault::UnmappedRoute) => {
                self.path = self.path.replace("/chats", "/chats/");
                let uri = self.headers.iter_mut().find(|(name, _)| *name == "x-forwarded-uri");
                uri.into_iter().for_each(|(_, value)| *value = "/api/v1/chats/");
            }
            Some(Fault::UnknownField) => match self.body.as_mut().unwrap() {
                Value::Array(items) => items[0]["unknown"] = json!(1),
                body => body["unknown"] = json!(1),
            },
            Some(Fault::NoToken) => self.body = Some(json!([{"type": "qwetty_api_key"}])),
            Some(Fault::Unsigned | Fault::TooManyReports) => self.signer = None,
            _ => {}
        }
        let separator = if query.is_empty() { "" } else { "?" };
        let call = Call::new(self.method, &format!("{}{separator}{query}", self.path));
        let call = self.headers.iter().fold(call, |call, (name, value)| call.header(name, value));
        let Some(body) = self.body else { return with_headers(call, self.fault) };
        let body = match self.fault {
            Some(Fault::NoBody) => return call,
            Some(Fault::MalformedJson) => "{\"name\":".to_owned(),
            Some(Fault::LargeBody) => " ".repeat(64 * 1024) + &body.to_string(),
            _ => body.to_string(),
        };
        let call = match self.signer {
            Some(github) => github.sign(call, body.as_bytes()),
            None => call,
        };
        let is_text = matches!(self.fault, Some(Fault::AnotherMediaType));
        let media_type = if is_text { "text/plain" } else { "application/json" };
        with_headers(call.body(media_type, body), self.fault)
    }
}

fn with_headers(call: Call, fault: Option<Fault>) -> Call {
    match fault {
        Some(Fault::LargeHeaders) => call.header("x-large", &"x".repeat(16 * 1024)),
        _ => call,
    }
}
