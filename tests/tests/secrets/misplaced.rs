//! Where a value may be put by mistake. What people write into
//! names, descriptions and the like is kept, and a form that has faults is shown again with what they wrote: those are left out.

use http::Method;
use qwetty_tests::Call;
use qwetty_tests::http2::{DATA, END_HEADERS, END_STREAM, GO_AWAY, HEADERS, PREFACE, SETTINGS, frame};
use serde_json::json;

const KEYS: &str = "/api/v1/api-keys";
const VERIFY: &str = "/api/v1/verify";
const LEAKED: &str = "/api/v1/leaked-keys";

/// Calls of the API.
pub(crate) fn calls(value: &str) -> Vec<Call> {
    let get = |path: String| Call::new(Method::GET, &path);
    let post = |path: &str, body| Call::new(Method::POST, path).json(&body);
    let authorize = || get("/api/v1/authorize".to_owned());
    let mut calls = vec![
        get(format!("{KEYS}?key={value}")),
        get(format!("{KEYS}?{value}=1")),
        get(format!("{KEYS}?{value}")),
        get(format!("{KEYS}?status={value}")),
        get(format!("{KEYS}?page={value}")),
        get(format!("{KEYS}?organizationId={value}")),
        get(format!("{KEYS}?search={value}")),
        get(format!("{KEYS}?search=%zz{value}")),
        get(format!("{KEYS}/{value}")),
        get(format!("{KEYS}/key_{value}/usage?from={value}")),
        get(format!("/{value}")),
        get(format!("/api/v1/{value}/{value}?{value}")),
        get(format!("/api/v1/organizations/{value}")),
        get(format!("/api/v1/audit-events?keyId={value}&action={value}")),
        get(format!("/api/v1/authorize?key={value}")),
        Call::new(Method::from_bytes(&value.as_bytes()[..20]).unwrap(), KEYS),
        post(KEYS, json!({"name": "A", "permissions": [value]})),
        post(KEYS, json!({"name": "A", "permissions": [], "key": value})),
        post(KEYS, json!({"name": "A", "permissions": ["chats:read"], value: 1})),
        post(KEYS, json!({"tier": value, "expiresAt": value, "ipWhitelist": [value, "10.0.0.1/8"]})),
        post(KEYS, json!({"channelScopes": [value], "organizationId": value})),
        post(KEYS, json!(value)),
        post(KEYS, json!({"name": {value: value}})),
        post(VERIFY, json!({"key": value, "cost": 0, "permissions": [value]})),
        post(VERIFY, json!({"key": value, "channel": value, "ip": value})),
        post(VERIFY, json!({"key": value, value: value})),
        post(VERIFY, json!({"key": [value]})),
        post(VERIFY, json!({"key": format!("{value}0")})),
        post(VERIFY, json!({"key": format!(" {value}")})),
        Call::new(Method::POST, VERIFY).body("application/json", format!("{{\"key\": \"{value}\"")),
        Call::new(Method::POST, VERIFY)
            .body("application/json", format!("{{\"key\": \"{value}\", \"key\": \"{value}\"}}")),
        Call::new(Method::POST, VERIFY).body("application/json", format!("{value}{}", "0".repeat(60_000))),
        Call::new(Method::POST, VERIFY).body("text/plain", value.to_owned()),
        Call::new(Method::PUT, &format!("/api/v1/channels/{value}?{value}")).json(&json!({"name": "A"})),
        post("/settings/sign-in", json!({"key": value})),
    ];
    // Headers that are read, and such as others read.
    for name in [
        "x-api-key",
        "cookie",
        "x-request-id",
        "forwarded",
        "x-forwarded-for",
        "referer",
        "user-agent",
        "origin",
    ] {
        calls.push(get("/api/v1/me".to_owned()).header(name, value));
    }
    for credential in [
        format!("Basic {value}"),
        format!("Token {value}"),
        format!("Bearer: {value}"),
        format!("Bearer {value} {value}"),
        format!("Bearer {value},"),
        format!("Bearer\t{value}"),
        format!("Bearer {}", value.to_lowercase()),
        value.to_owned(),
    ] {
        calls.push(get("/api/v1/me".to_owned()).header("authorization", &credential));
        calls.push(authorize().header("authorization", &credential));
    }
    for (method, uri) in [
        ("GET", format!("/{value}")),
        ("GET", format!("/api/v1/chats?key={value}&channelId={value}")),
        ("GET", format!("/api/v1/chats/../{value}")),
        ("GET", format!("http://{value}/api/v1/chats")),
        (value, format!("/api/v1/chats/{value}")),
    ] {
        for [names_method, names_uri] in
            [["x-forwarded-method", "x-forwarded-uri"], ["x-original-method", "x-original-uri"]]
        {
            calls.push(authorize().header(names_method, method).header(names_uri, &uri));
        }
        calls.push(
            authorize()
                .header("x-forwarded-method", method)
                .header("x-forwarded-uri", &uri)
                .header("x-original-method", "GET")
                .header("x-original-uri", value),
        );
    }
    calls.push(get(format!("/api/v1/authorize/envoy/{value}?{value}")));
    // Last: this one takes values, and ends them.
    calls.push(post(LEAKED, json!({"keys": [value, 7], value: [value]})));
    calls.push(post(LEAKED, json!({"keys": [value, format!("{value}0")]})));
    calls
}

/// What is no request that can be read.
pub(crate) fn bytes(value: &str) -> Vec<String> {
    vec![
        format!(
            "GET /api/v1/me?{value} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {value}\r\nAuthorization: Bearer {value}\r\n\r\n"
        ),
        format!("{value} {value}\r\n{value}\r\n\r\n"),
        format!("GET /{value} HTTP/1.1\r\nHost: {value}\r\n{value}\r\n\r\n"),
        format!("GET /api/v1/me HTTP/1.1\r\nHost: a\r\nAuthorization : Bearer {value}\r\n\r\n"),
        format!("GET /api/v1/me HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \u{1}{value}\r\n\r\n"),
        format!("POST {VERIFY} HTTP/1.1\r\nHost: a\r\nContent-Length: {value}\r\n\r\n"),
        format!("POST {VERIFY} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: {value}\r\n\r\n"),
    ]
}

/// What HTTP/2 can carry and no client sends: a path and a TE that are none, a farewell that says more than it has to, and
/// data for nobody, at which the server closes.
pub(crate) fn frames(value: &str) -> Vec<u8> {
    let length = [u8::try_from(value.len()).unwrap()];
    // `GET`, `http`, then a path; the authority `a`.
    let get = |path: &[u8]| [&b"\x82\x86\x04"[..], path, b"\x01\x01a"].concat();
    let pathless = get(&[&length[..], value.as_bytes()].concat());
    let with_te = [&*get(b"\x01/"), b"\0\x02te", &length, value.as_bytes()].concat();
    let farewell = [&[0; 8][..], value.as_bytes()].concat();
    [
        PREFACE.to_vec(),
        frame(SETTINGS, 0, 0, &[]),
        frame(HEADERS, END_STREAM | END_HEADERS, 1, &pathless),
        frame(HEADERS, END_STREAM | END_HEADERS, 3, &with_te),
        frame(GO_AWAY, 0, 0, &farewell),
        frame(DATA, 0, 0, value.as_bytes()),
    ]
    .concat()
}

type Form = (&'static str, Vec<(&'static str, String)>);

/// Forms of the console; the browser adds its token where none is given.
pub(crate) fn forms(value: &str) -> impl Iterator<Item = Form> {
    let value = || value.to_owned();
    [
        ("/settings/sign-in", vec![("key", value()), ("csrf", value()), ("next", value())]),
        ("/settings/sign-in", vec![("key", value()), ("key", value())]),
        ("/settings/api-keys/new", vec![("csrf", value())]),
        ("/settings/api-keys/new", vec![("key", value())]),
        (
            "/settings/api-keys/new",
            [("name", "A"), ("description", ""), ("reach", "ticked"), ("whitelist", ""), ("expiry", "date")]
                .into_iter()
                .chain([("tier", "standard"), ("step", "create")])
                .map(|(name, text)| (name, text.to_owned()))
                .chain(["permissions", "channels", "date"].map(|name| (name, value())))
                .collect(),
        ),
        ("/settings/channels/new", vec![("type", value()), ("kind", value())]),
        ("/settings/organizations/switch", vec![("organization", value())]),
    ]
    .into_iter()
}

/// Pages of the console with a value in their address.
pub(crate) fn pages(value: &str) -> impl Iterator<Item = String> {
    let list = "/settings/api-keys";
    let mut pages = vec![
        list.to_owned(),
        format!("{list}/new"),
        "/settings/audit-log".to_owned(),
        "/settings/channels".to_owned(),
        "/settings/organizations".to_owned(),
    ];
    for query in ["status", "page", "sort", "key", "reason", "search"] {
        pages.push(format!("{list}?{query}={value}"));
    }
    pages.extend([
        format!("{list}/{value}"),
        format!("/settings/{value}"),
        format!("/settings/audit-log?key={value}"),
        format!("/settings/audit-log?keyId={value}"),
        format!("/settings/sign-in?reason={value}"),
        format!("/settings/sign-in?next={value}"),
        format!("/settings/sign-in?next=%2Fsettings%2F{value}"),
        format!("/settings/sign-in?next=%2Fsettings%2Fapi-keys%3Fsearch%3D{value}"),
    ]);
    pages.into_iter()
}
