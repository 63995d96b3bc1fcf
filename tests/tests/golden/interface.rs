use std::collections::BTreeSet;

use http::Method;
use qwetty_tests::Server;
use serde_json::{Map, Value};

/// The calls in the order of the table; `request.rs` has an example of each.
const ORDER: [&str; 31] = [
    "POST /api/v1/api-keys",
    "GET /api/v1/api-keys",
    "GET /api/v1/api-keys/{id}",
    "PATCH /api/v1/api-keys/{id}",
    "POST /api/v1/api-keys/{id}/regenerate",
    "POST /api/v1/api-keys/{id}/revoke",
    "POST /api/v1/api-keys/{id}/reactivate",
    "DELETE /api/v1/api-keys/{id}",
    "GET /api/v1/api-keys/{id}/usage",
    "GET /api/v1/me",
    "GET /api/v1/permissions",
    "PUT /api/v1/channels/{id}",
    "GET /api/v1/channels",
    "DELETE /api/v1/channels/{id}",
    "GET /api/v1/audit-events",
    "POST /api/v1/organizations",
    "GET /api/v1/organizations",
    "GET /api/v1/organizations/{id}",
    "PATCH /api/v1/organizations/{id}",
    "DELETE /api/v1/organizations/{id}",
    "POST /api/v1/verify",
    "POST /api/v1/leaked-keys",
    "POST /api/v1/leaked-keys/github",
    "ANY /api/v1/authorize",
    "ANY /api/v1/authorize/envoy/{target}",
    "GET /healthz",
    "GET /readyz",
    "GET /openapi.json",
    "GET /docs",
    "GET /docs/errors",
    "GET /docs/style.css",
];

/// How many methods a description can name.
const METHODS: usize = 8;

/// What the server says of itself: `/openapi.json`.
pub(crate) struct Interface(Vec<Operation>);

/// One call, as it is described.
pub(crate) struct Operation {
    /// The first of them, if it takes every method.
    pub(crate) method: Method,
    pub(crate) takes_any: bool,
    pub(crate) path: String,
    /// The permissions of which the caller's key needs one, or its example does; `None` if no key is needed.
    pub(crate) needs: Option<Vec<String>>,
    pub(crate) body: Body,
    /// The codes of its errors, and of its decisions.
    pub(crate) codes: BTreeSet<String>,
}

/// Whether a call takes a body.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Body {
    None,
    Optional,
    Required,
}

impl Interface {
    pub(crate) async fn of(server: &Server) -> Self {
        let document = server.anyone().get("/openapi.json").await.expect(200).json();
        let mut operations = Vec::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            let methods = methods.as_object().unwrap();
            if methods.len() == METHODS {
                operations.push(Operation::by_any(&document, path, methods));
                continue;
            }
            for (method, object) in methods {
                operations.push(Operation::new(&document, method, path, object));
            }
        }
        let served: BTreeSet<String> = operations.iter().map(Operation::call).collect();
        let ordered: BTreeSet<String> = ORDER.into_iter().map(str::to_owned).collect();
        let differing: Vec<&String> = served.symmetric_difference(&ordered).collect();
        assert!(differing.is_empty(), "calls that only the server has, or only ORDER has: {differing:?}");
        operations.sort_by_key(|operation| ORDER.iter().position(|call| *call == operation.call()));
        Self(operations)
    }

    pub(crate) fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.0.iter()
    }
}

impl Operation {
    fn new(document: &Value, method: &str, path: &str, object: &Value) -> Self {
        let security = object["security"].as_array().unwrap();
        let permissions = security.iter().flat_map(|scheme| scheme.as_object().unwrap().values());
        let permissions = permissions.flat_map(|names| names.as_array().unwrap());
        let needs = permissions.map(|name| name.as_str().unwrap().to_owned()).collect();
        let mut codes = BTreeSet::new();
        collect_codes(document, &object["responses"], &mut codes);
        Self {
            method: method.to_uppercase().parse().unwrap(),
            takes_any: false,
            path: path.to_owned(),
            needs: (!security.is_empty()).then_some(needs),
            body: match &object["requestBody"] {
                Value::Null => Body::None,
                body if body["required"] == true => Body::Required,
                _ => Body::Optional,
            },
            codes,
        }
    }

    /// A gateway's call, the same by every method. What it needs is the original request's matter, so its example's.
    fn by_any(document: &Value, path: &str, methods: &Map<String, Value>) -> Self {
        let needs = Some(vec!["chats:read".to_owned()]);
        let operation = Self { takes_any: true, needs, ..Self::new(document, "get", path, &methods["get"]) };
        for (method, object) in methods {
            let same = Self::new(document, method, path, object);
            assert_eq!(
                (same.codes, same.path),
                (operation.codes.clone(), operation.path.clone()),
                "{method}"
            );
        }
        operation
    }

    /// As the table has it.
    pub(crate) fn call(&self) -> String {
        if self.takes_any { format!("ANY {}", self.path) } else { format!("{} {}", self.method, self.path) }
    }
}

/// Every value that the member `code` can have somewhere in these responses.
fn collect_codes(document: &Value, value: &Value, codes: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(reference) = value["$ref"].as_str() {
                let target = document.pointer(reference.strip_prefix('#').unwrap()).unwrap();
                collect_codes(document, target, codes);
            }
            for code in value["properties"]["code"]["enum"].as_array().into_iter().flatten() {
                codes.insert(code.as_str().unwrap().to_owned());
            }
            members.values().for_each(|member| collect_codes(document, member, codes));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_codes(document, item, codes)),
        _ => {}
    }
}
