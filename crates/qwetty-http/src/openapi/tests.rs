use std::collections::BTreeSet;

use qwetty_guard::ErrorCode;

use super::*;
use crate::route::{Call, Methods, Needs};

fn document() -> Value {
    super::document(Facts { catalogue: &Catalogue::qwetty(), quotas: TierQuotas::default() })
}

fn row(call: Call) -> &'static Row {
    ROWS.iter().find(|row| row.call == call).unwrap()
}

/// The codes that an operation lists, with their statuses.
fn listed(document: &Value, operation: &Value) -> BTreeSet<(String, String)> {
    let responses = operation["responses"].as_object().unwrap();
    let errors = responses.iter().filter(|(status, _)| !status.starts_with('2'));
    errors
        .flat_map(|(status, response)| {
            let content = &resolve(document, response)["content"]["application/problem+json"];
            let codes =
                content["schema"]["allOf"][1]["properties"]["code"]["enum"].as_array().unwrap().clone();
            codes.into_iter().map(move |code| (status.clone(), code.as_str().unwrap().to_owned()))
        })
        .collect()
}

/// Everything in a document, itself included.
fn everything<'a>(value: &'a Value, all: &mut Vec<&'a Value>) {
    all.push(value);
    match value {
        Value::Array(items) => items.iter().for_each(|item| everything(item, all)),
        Value::Object(members) => members.values().for_each(|member| everything(member, all)),
        _ => {}
    }
}

#[test]
fn the_document_has_the_rows_and_nothing_else() {
    let document = document();
    let described: BTreeSet<(String, String)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            item.as_object().unwrap().keys().map(|method| (path.clone(), method.clone()))
        })
        .collect();
    let rows = ROWS
        .iter()
        .flat_map(|row| {
            row.methods.described().iter().map(|method| (row.template().to_owned(), key_of(method)))
        })
        .collect();
    assert_eq!(described, rows);
}

#[test]
fn every_operation_lists_the_errors_that_its_needs_imply() {
    let document = document();
    for row in ROWS {
        let operation = operation_of(&document, row).unwrap();
        let codes: BTreeSet<String> =
            listed(&document, operation).into_iter().map(|(_, code)| code).collect();
        let has = |code: &str| codes.contains(code);
        let what = format!("{} {}: {codes:?}", row.methods, row.path);
        assert!(has("malformed_request") && has("uri_too_long") && has("headers_too_large"), "{what}");
        let authenticated = row.needs != Needs::Nobody;
        for code in ["missing_authorization", "invalid_api_key", "ip_not_allowed"] {
            assert_eq!(has(code), authenticated, "{what}");
        }
        assert!(has("unavailable") || !authenticated, "{what}");
        let limited = authenticated || matches!(row.call, Call::ReportLeaked | Call::ReportGithubAlerts);
        assert_eq!(has("rate_limited"), limited, "{what}");
        let permitted = authenticated && row.needs != Needs::Charged(&[]);
        assert_eq!(has("insufficient_permissions"), permitted, "{what}");
        for code in ["untrusted_proxy", "route_not_mapped"] {
            assert_eq!(has(code), row.needs == Needs::Original, "{what}");
        }
        assert!(has("not_found") || !row.path.contains("{id}"), "{what}");
        for code in ["payload_too_large", "unsupported_media_type", "validation_failed"] {
            assert_eq!(has(code), operation.get("requestBody").is_some(), "{what}");
        }
    }
}

#[test]
fn every_listed_code_stands_under_its_status() {
    let document = document();
    let known: BTreeSet<(String, String)> =
        ErrorCode::ALL.map(|code| (code.status().as_u16().to_string(), code.as_str().to_owned())).into();
    for row in ROWS {
        let unknown: Vec<_> =
            listed(&document, operation_of(&document, row).unwrap()).difference(&known).cloned().collect();
        assert!(unknown.is_empty(), "{} {}: {unknown:?}", row.methods, row.path);
    }
}

#[test]
fn a_body_is_described_where_the_method_has_one() {
    let document = document();
    for row in ROWS {
        let has_body = operation_of(&document, row).unwrap().get("requestBody").is_some();
        let takes_body = matches!(row.methods, Methods::One(Method::POST | Method::PUT | Method::PATCH));
        assert_eq!(has_body, takes_body, "{} {}", row.methods, row.path);
    }
}

#[test]
fn security_names_the_permission_or_any_of_several() {
    let document = document();
    let security = |call| operation_of(&document, row(call)).unwrap()["security"].clone();
    assert_eq!(security(Call::Health), json!([]));
    assert_eq!(security(Call::Me), json!([{"apiKey": []}]));
    assert_eq!(security(Call::CreateKey), json!([{"apiKey": ["api_keys:manage"]}]));
    assert_eq!(security(Call::Verify), json!([{"apiKey": ["api_keys:verify"]}]));
    assert_eq!(
        security(Call::ListChannels),
        json!([{"apiKey": ["channels:manage"]}, {"apiKey": ["api_keys:read"]}])
    );
    assert_eq!(document["components"]["securitySchemes"]["apiKey"]["scheme"], "bearer");
}

#[test]
fn an_id_in_the_path_is_a_parameter() {
    let document = document();
    for row in ROWS {
        let parameters = operation_of(&document, row).unwrap()["parameters"].as_array().unwrap().clone();
        let in_path = parameters.iter().filter(|parameter| parameter["in"] == "path").count();
        assert_eq!(in_path, row.template().matches('{').count(), "{} {}", row.methods, row.path);
    }
}

#[test]
fn operations_have_names_of_their_own() {
    let document = document();
    let operations =
        document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values());
    let names: Vec<&str> = operations.map(|operation| operation["operationId"].as_str().unwrap()).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    let mut all = Vec::new();
    everything(&document, &mut all);
    let references: Vec<&str> = all.iter().filter_map(|value| value.get("$ref")?.as_str()).collect();
    assert!(references.len() > 100);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[test]
fn the_answers_tell_their_headers() {
    let document = document();
    let headers = |call, status: &str| -> BTreeSet<String> {
        let response = &operation_of(&document, row(call)).unwrap()["responses"][status];
        resolve(&document, response)["headers"].as_object().unwrap().keys().cloned().collect()
    };
    for (call, status, wanted) in [
        (Call::CreateKey, "201", ["X-Request-Id", "Location", "RateLimit"]),
        (Call::CreateKey, "429", ["X-Request-Id", "Retry-After", "X-RateLimit-Reset"]),
        (Call::Verify, "401", ["X-Request-Id", "Cache-Control", "WWW-Authenticate"]),
        (Call::Authorize, "200", ["X-Qwetty-Key-Id", "X-Qwetty-Channel-Scopes", "RateLimit"]),
        (Call::AuthorizeEnvoy, "429", ["X-Qwetty-Problem", "Retry-After", "RateLimit"]),
        (Call::GetKey, "403", ["X-Request-Id", "WWW-Authenticate", "RateLimit-Policy"]),
    ] {
        assert!(headers(call, status).is_superset(&wanted.map(str::to_owned).into()), "{call:?} {status}");
    }
    assert!(!headers(Call::Verify, "200").contains("RateLimit"));
    assert!(!headers(Call::GetKey, "401").contains("RateLimit"));
    let not_allowed = &document["components"]["responses"]["method_not_allowed"];
    assert!(not_allowed["headers"].as_object().unwrap().contains_key("Allow"));
}

#[test]
fn bodies_are_closed_and_tell_the_rules_of_this_server() {
    let catalogue = Catalogue::new([("orders:read", "Read orders")]).unwrap();
    let document = super::document(Facts { catalogue: &catalogue, quotas: TierQuotas::default() });
    let schema = |call| {
        operation_of(&document, row(call)).unwrap()["requestBody"]["content"]["application/json"]["schema"]
            .clone()
    };
    let key = schema(Call::CreateKey);
    assert_eq!(key["additionalProperties"], false);
    assert_eq!(key["required"], json!(["name", "permissions"]));
    assert_eq!(key["properties"]["permissions"]["items"]["enum"][0], "orders:read");
    assert_eq!(key["properties"]["tier"]["enum"], json!(["standard", "admin", null]));
    let change = schema(Call::UpdateKey);
    assert_eq!(change["required"], json!([]));
    assert_eq!(change["properties"]["tier"]["type"], "string");
    assert_eq!(change["properties"]["expiresAt"]["type"], json!(["string", "null"]));
    assert_eq!(schema(Call::Verify)["properties"]["cost"]["maximum"], 5_000);
}

#[test]
fn an_issued_key_has_its_value_and_a_listed_one_need_not() {
    let schemas = &document()["components"]["schemas"];
    let required = schemas["Key"]["required"].as_array().unwrap().clone();
    assert!(required.contains(&json!("channelScopes")), "null is told, not left out");
    assert!(!required.contains(&json!("key")));
    assert_eq!(schemas["IssuedKey"]["allOf"][1]["required"], json!(["key"]));
}
