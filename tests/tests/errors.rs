//! Every error of contract section 5 that a client can bring about by what it sends.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use http::Method;
use qwetty_tests::{Answer, Call, Launch, Server};
use serde_json::json;

const KEYS: &str = "/api/v1/api-keys";
const ME: &str = "/api/v1/me";

/// Everything of an answer that may not differ: all but the date and the request's id.
fn comparable(answer: &Answer) -> (u16, BTreeMap<String, String>, String) {
    let id = answer.header("x-request-id").unwrap();
    let headers = answer
        .headers
        .iter()
        .filter(|(name, _)| !["date", "x-request-id"].contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    (answer.status, headers, answer.text().replace(id, "ID"))
}

#[tokio::test]
async fn whoever_has_no_valid_key_learns_nothing_of_why() {
    let server = Server::start().await;
    let mut root = server.root();
    let revoked = root.create(json!({})).await;
    root.act(&revoked.path("/revoke")).await.expect(200);
    let deleted = root.create(json!({})).await;
    root.delete(&deleted.path("")).await.expect(204);
    let replaced = root.create(json!({})).await;
    root.act(&replaced.path("/regenerate")).await.expect(200);
    let expired = root.create_expired(json!({})).await;
    let unknown = {
        let elsewhere = Server::start().await;
        elsewhere.root_key().to_owned()
    };
    let values = [
        &revoked.value,
        &deleted.value,
        &replaced.value,
        &expired.value,
        &unknown,
        "qwt_malformed",
        "rubbish",
        "a b",
    ];
    for (method, path) in [(Method::GET, ME), (Method::GET, KEYS), (Method::POST, "/api/v1/verify")] {
        let mut answers = Vec::new();
        for value in values {
            let answer = server.client(value).send(Call::new(method.clone(), path)).await;
            let answer = answer.problem(401, "invalid_api_key");
            assert_eq!(
                answer.header("www-authenticate"),
                Some("Bearer realm=\"qwetty\", error=\"invalid_token\"")
            );
            assert_eq!(answer.json()["detail"], "Invalid or expired API key");
            answers.push(comparable(&answer));
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{path}: {answers:#?}");
    }
}

#[tokio::test]
async fn a_credential_is_a_bearer_token_and_nothing_else() {
    let server = Server::start().await;
    let root = server.root_key();
    let mut anyone = server.anyone();
    let mut answer = async |authorization: Option<&str>| {
        let call = Call::new(Method::GET, ME);
        let call = match authorization {
            Some(text) => call.header("authorization", text),
            None => call,
        };
        anyone.send(call).await
    };
    for text in ["Basic cm9vdDpyb290", "Bearer", "Bearer ", "", "Token x", &format!("Bearer{root}"), root] {
        let missing = answer(Some(text)).await.problem(401, "missing_authorization");
        assert_eq!(missing.header("www-authenticate"), Some("Bearer realm=\"qwetty\""), "{text}");
        assert_eq!(missing.json()["detail"], "Missing or invalid Authorization header");
    }
    answer(None).await.problem(401, "missing_authorization");
    for scheme in ["Bearer ", "bearer ", "BEARER   ", "bEaReR "] {
        answer(Some(&format!("{scheme}{root}"))).await.expect(200);
    }
}

/// The answer to a request of these lines and an empty body.
async fn raw(server: &Server, lines: &[&[u8]]) -> Answer {
    let mut raw = server.raw().await;
    let mut request = lines.join(&b"\r\n"[..]);
    request.extend(b"\r\n\r\n");
    raw.send(request).await;
    raw.answer().await
}

#[tokio::test]
async fn headers_that_are_read_stand_once_and_are_text() {
    let server = Server::start().await;
    let bearer = format!("Authorization: Bearer {}", server.root_key()).into_bytes();
    let (get, host) = (&b"GET /api/v1/me HTTP/1.1"[..], &b"Host: a"[..]);
    raw(&server, &[get, host, &bearer]).await.expect(200);
    for lines in [
        &[get, host, &bearer, &bearer][..],
        &[get, host, &bearer, b"authorization: Basic cm9vdDpyb290"],
        &[b"GET /healthz HTTP/1.1", host, &bearer, &bearer],
        &[get, &bearer],
        &[get, host, host, &bearer],
        &[get, b"Host: \xff", &bearer],
    ] {
        let answer = raw(&server, lines).await.problem(400, "malformed_request");
        assert_eq!(answer.header("www-authenticate"), None);
    }
    raw(&server, &[b"GET /api/v1/me HTTP/1.0", &bearer]).await.expect(200);
    // A credential that is no text is nobody's key.
    for credential in [&b"Authorization: Bearer \xff\xfe"[..], "Authorization: bearer qwt_ü".as_bytes()] {
        raw(&server, &[get, host, credential]).await.problem(401, "invalid_api_key");
    }
    raw(&server, &[get, host, b"Authorization: Basic \xff"]).await.problem(401, "missing_authorization");
    raw(&server, &[b"GET /healthz HTTP/1.1", host, b"Authorization: Bearer \xff"]).await.expect(200);
}

#[tokio::test]
async fn a_lacking_permission_is_named() {
    let server = Server::start().await;
    let key = server.root().create(json!({"permissions": ["chats:read"]})).await;
    let mut caller = server.client(&key.value);
    for (method, path, scope) in [
        (Method::GET, KEYS, "api_keys:read"),
        (Method::POST, KEYS, "api_keys:manage"),
        (Method::GET, "/api/v1/api-keys/unknown", "api_keys:read"),
        (Method::PATCH, "/api/v1/api-keys/unknown", "api_keys:manage"),
        (Method::DELETE, "/api/v1/api-keys/unknown", "api_keys:manage"),
        (Method::POST, "/api/v1/api-keys/unknown/revoke", "api_keys:manage"),
        (Method::POST, "/api/v1/verify", "api_keys:verify"),
        (Method::PUT, "/api/v1/channels/c", "channels:manage"),
        (Method::DELETE, "/api/v1/channels/c", "channels:manage"),
    ] {
        let answer =
            caller.send(Call::new(method.clone(), path)).await.problem(403, "insufficient_permissions");
        let challenge = format!("Bearer realm=\"qwetty\", error=\"insufficient_scope\", scope=\"{scope}\"");
        assert_eq!(answer.header("www-authenticate"), Some(challenge.as_str()), "{method} {path}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_404() {
    let server = Server::start().await;
    for path in [
        "/",
        "/api",
        "/api/v1",
        "/api/v1/",
        "/api/v2/me",
        "/api/v1/me/",
        "/API/V1/ME",
        "/api/v1/keys",
        "/metrics",
    ] {
        server.anyone().get(path).await.problem(404, "not_found");
        server.root().get(path).await.problem(404, "not_found");
    }
    let mut root = server.root();
    let own = root.get(ME).await.expect(200).data()["organizationId"].as_str().unwrap().to_owned();
    for id in ["key_01k9z3b6yqf8r9n2m4t5v6w7x8", "key_", "x", "%20", "%00", "%ff", &own] {
        root.get(&format!("{KEYS}/{id}")).await.problem(404, "not_found");
        root.delete(&format!("{KEYS}/{id}")).await.problem(404, "not_found");
        root.act(&format!("{KEYS}/{id}/revoke")).await.problem(404, "not_found");
        root.patch(&format!("{KEYS}/{id}"), json!({})).await.problem(404, "not_found");
    }
    root.delete("/api/v1/channels/unknown").await.problem(404, "not_found");
}

#[tokio::test]
async fn another_method_is_405_and_told_which_there_are() {
    let server = Server::start().await;
    for (path, wrong, allowed) in [
        (KEYS, Method::PUT, &["GET", "HEAD", "POST"][..]),
        (KEYS, Method::DELETE, &["GET", "HEAD", "POST"]),
        (KEYS, Method::OPTIONS, &["GET", "HEAD", "POST"]),
        ("/api/v1/api-keys/x", Method::POST, &["DELETE", "GET", "HEAD", "PATCH"]),
        ("/api/v1/api-keys/x/revoke", Method::GET, &["POST"]),
        (ME, Method::POST, &["GET", "HEAD"]),
        ("/api/v1/verify", Method::GET, &["POST"]),
        ("/healthz", Method::POST, &["GET", "HEAD"]),
    ] {
        let answer = server.anyone().send(Call::new(wrong, path)).await.problem(405, "method_not_allowed");
        let mut methods: Vec<&str> = answer.header("allow").unwrap().split(", ").collect();
        methods.sort_unstable();
        assert_eq!(methods, allowed, "{path}");
    }
    let head = server.root().send(Call::new(Method::HEAD, ME)).await.expect(200);
    assert!(head.body.is_empty());
}

/// The head of a create call, with more header lines.
fn head(server: &Server, more: &str) -> String {
    let root = server.root_key();
    format!(
        "POST {KEYS} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {root}\r\nContent-Type: application/json\r\n{more}\r\n\r\n"
    )
}

/// A body that is acceptable but for its size.
fn body_of(size: usize) -> String {
    let fields = json!({"name": "Large", "permissions": ["chats:read"]}).to_string();
    format!("{fields}{}", " ".repeat(size - fields.len()))
}

#[tokio::test]
async fn a_body_above_64_kib_is_413_announced_or_not() {
    let server = Server::start().await;
    let mut announced = server.raw().await;
    announced.send(head(&server, "Content-Length: 65537")).await;
    announced.answer().await.problem(413, "payload_too_large");
    let mut huge = server.raw().await;
    huge.send(head(&server, "Content-Length: 1000000000000")).await;
    huge.answer().await.problem(413, "payload_too_large");
    let mut patient = server.raw().await;
    patient.send(head(&server, "Content-Length: 65537\r\nExpect: 100-continue")).await;
    patient.answer().await.problem(413, "payload_too_large");

    let mut chunked = server.raw().await;
    chunked.send(head(&server, "Transfer-Encoding: chunked")).await;
    chunked.send(format!("{:x}\r\n{}\r\n", 65_537, body_of(65_537))).await;
    chunked.answer().await.problem(413, "payload_too_large");

    let mut fits = server.root();
    for size in [65_535, 65_536] {
        let call = Call::new(Method::POST, KEYS).body("application/json", body_of(size));
        fits.send(call).await.expect(201);
    }
    let mut chunked = server.raw().await;
    chunked.send(head(&server, "Transfer-Encoding: chunked")).await;
    chunked.send(format!("{:x}\r\n{}\r\n0\r\n\r\n", 65_536, body_of(65_536))).await;
    chunked.answer().await.expect(201);
}

#[tokio::test]
async fn a_long_uri_is_414_and_large_headers_are_431() {
    let server = Server::start().await;
    let mut root = server.root();
    let search = |length: usize| format!("{KEYS}?search={}", "x".repeat(length));
    root.get(&search(8_000)).await.expect(200);
    for length in [8_200, 20_000, 60_000] {
        root.get(&search(length)).await.problem(414, "uri_too_long");
    }
    let with_header = |length: usize| Call::new(Method::GET, ME).header("x-padding", &"x".repeat(length));
    root.send(with_header(15_000)).await.expect(200);
    for length in [16_400, 60_000] {
        root.send(with_header(length)).await.problem(431, "headers_too_large");
    }
    // Beyond what the server is ready to hold, it need not have read the request to refuse it.
    let bearer = format!("Authorization: Bearer {}", server.root_key()).into_bytes();
    let padding = format!("X-Padding: {}", "x".repeat(2_000_000)).into_bytes();
    let large = raw(&server, &[b"GET /api/v1/me HTTP/1.1", b"Host: a", &bearer, &padding]).await;
    large.problem(431, "headers_too_large");
    let long = format!("GET /{} HTTP/1.1", "x".repeat(200_000)).into_bytes();
    let status = raw(&server, &[&long, b"Host: a", &bearer]).await.status;
    assert!([414, 431].contains(&status), "{status}");
    root.get(ME).await.expect(200);
}

#[tokio::test]
async fn a_body_is_called_json() {
    let server = Server::start().await;
    let mut root = server.root();
    let body = json!({"name": "A", "permissions": ["chats:read"]}).to_string();
    for media_type in
        ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", "json", ""]
    {
        let call = Call::new(Method::POST, KEYS).body(media_type, body.clone());
        root.send(call).await.problem(415, "unsupported_media_type");
    }
    for media_type in [
        "application/json",
        "APPLICATION/JSON",
        "application/json;charset=UTF-8",
        "application/json; charset=\"utf-8\"",
    ] {
        root.send(Call::new(Method::POST, KEYS).body(media_type, body.clone())).await.expect(201);
    }
    let mut untyped = server.raw().await;
    let typed = head(&server, &format!("Content-Length: {}", body.len()));
    untyped.send(typed.replace("Content-Type: application/json\r\n", "")).await;
    untyped.send(&body).await;
    untyped.answer().await.problem(415, "unsupported_media_type");
    root.send(Call::new(Method::POST, KEYS)).await.problem(400, "malformed_request");
    root.send(Call::new(Method::POST, KEYS).body("application/json", ""))
        .await
        .problem(400, "malformed_request");
}

#[tokio::test]
async fn a_query_is_understood_whole_on_every_call() {
    let server = Server::start().await;
    let mut root = server.root();
    let key = root.create(json!({})).await;
    let (body, channel) =
        (json!({"name": "A", "permissions": ["chats:read"]}), json!({"name": "A", "type": "instagram"}));
    let calls = [
        (Method::POST, KEYS.to_owned(), Some(body.clone())),
        (Method::GET, KEYS.to_owned(), None),
        (Method::GET, key.path(""), None),
        (Method::PATCH, key.path(""), Some(json!({"name": "Changed"}))),
        (Method::POST, key.path("/regenerate"), None),
        (Method::POST, key.path("/revoke"), None),
        (Method::POST, key.path("/reactivate"), None),
        (Method::DELETE, key.path(""), None),
        (Method::GET, ME.to_owned(), None),
        (Method::GET, "/api/v1/permissions".to_owned(), None),
        (Method::PUT, "/api/v1/channels/c".to_owned(), Some(channel)),
        (Method::GET, "/api/v1/channels".to_owned(), None),
        (Method::DELETE, "/api/v1/channels/c".to_owned(), None),
        (Method::GET, key.path("/usage"), None),
        (Method::GET, "/api/v1/audit-events".to_owned(), None),
        (Method::POST, "/api/v1/organizations".to_owned(), Some(json!({"name": "A"}))),
        (Method::GET, "/api/v1/organizations".to_owned(), None),
        (Method::POST, "/api/v1/verify".to_owned(), Some(json!({"key": key.value}))),
        (Method::GET, "/healthz".to_owned(), None),
        (Method::GET, "/readyz".to_owned(), None),
    ];
    for (method, path, body) in calls {
        for query in [
            "nope=1",
            "nope",
            "=",
            "Page=1",
            "page=1&page=1",
            "page=1&p%61ge=1",
            "%zz=1",
            "page=%",
            "page=%ff",
            "%ff",
        ] {
            let call = Call::new(method.clone(), &format!("{path}?{query}"));
            let call = match &body {
                Some(body) => call.json(body),
                None => call,
            };
            root.send(call).await.problem(400, "malformed_request");
        }
    }
    let seen = root.key(&key.id).await;
    assert_eq!((&seen["name"], &seen["status"]), (&json!("A key"), &json!("active")), "nothing was done");
    assert_eq!(root.code(&key.value).await, "valid");
    assert_eq!(root.get(KEYS).await.json()["meta"]["total"], 2);
    for query in [
        "page=0",
        "page=-1",
        "page=x",
        "page=1.0",
        "page=%2B1",
        "page=",
        "page=99999999999999999999",
        "limit=0",
        "limit=101",
        "limit=x",
        "limit=",
        "sort=size",
        "sort=Name",
        "sort=",
        "order=up",
        "order=DESC",
        "status=on",
        "status=Active",
        "status=",
        "status=active&status=revoked",
    ] {
        let answer = root.get(&format!("{KEYS}?{query}")).await.problem(400, "malformed_request");
        let name = query.split('=').next().unwrap();
        assert!(answer.json()["detail"].as_str().unwrap().contains(name), "{query}: {}", answer.text());
    }
    for query in ["", "&", "page=1&limit=100", "search=", "search=a%20b+c", "page=9007199254740991"] {
        root.get(&format!("{KEYS}?{query}")).await.expect(200);
    }
}

#[tokio::test]
async fn every_answer_has_a_request_id_of_its_own() {
    let server = Launch::serve().with(["--tier-standard", "1/3600"]).start().await;
    let mut root = server.root();
    let key = root.create(json!({"ipWhitelist": ["127.0.0.1"]})).await;
    let mut limited = server.client(&key.value);
    limited.get(ME).await.expect(200);
    let mut answers = vec![
        root.get(ME).await.expect(200),
        root.post(KEYS, json!({"name": "A", "permissions": ["chats:read"]})).await.expect(201),
        root.delete(&key.path("")).await.expect(204),
        root.get("/").await.expect(404),
        root.get("/api/v1/verify").await.expect(405),
        root.get("/api/v1/me?x").await.expect(400),
        root.post(KEYS, json!({})).await.expect(422),
        server.anyone().get(ME).await.expect(401),
        server.anyone().get("/healthz").await.expect(200),
        limited.get(ME).await.expect(401),
    ];
    for _ in 0..20 {
        answers.push(server.anyone().get("/readyz").await.expect(200));
    }
    let mut ids: Vec<String> =
        answers.iter().map(|answer| answer.header("x-request-id").unwrap().to_owned()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), answers.len());
    for answer in &answers {
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    let call = Call::new(Method::GET, ME).header("x-request-id", "chosen-by-the-client");
    assert_ne!(root.send(call).await.expect(200).header("x-request-id"), Some("chosen-by-the-client"));
}

/// Sends these bytes after each other; the answer must be this problem, and the last on its connection.
async fn refused(server: &Server, bytes: &[&[u8]], status: u16, code: &str) -> Answer {
    let mut raw = server.raw().await;
    raw.send(bytes.concat()).await;
    let answer = raw.answer().await.problem(status, code);
    assert_eq!(answer.header("connection"), Some("close"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(answer.header("date").is_some());
    assert!(raw.closed().await);
    answer
}

#[tokio::test]
async fn what_cannot_be_read_as_a_request_is_a_problem_too() {
    let server = Server::start().await;
    let get: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: a\r\n";
    let fields = |count| b"X-Field: x\r\n".repeat(count);
    let (long, large) = (b"x".repeat(70_000), b"x".repeat(300_000));
    let mut most = server.raw().await;
    most.send([get, &fields(99), b"\r\n"].concat()).await;
    most.answer().await.expect(200);

    let answers = [
        refused(&server, &[get, &fields(100), b"\r\n"], 431, "headers_too_large").await,
        refused(&server, &[get, b"X-Field: ", &large, b"\r\n\r\n"], 431, "headers_too_large").await,
        refused(&server, &[b"GET /", &long, b" HTTP/1.1\r\nHost: a\r\n\r\n"], 414, "uri_too_long").await,
        refused(&server, &[b"what is this\r\n\r\n"], 400, "malformed_request").await,
        refused(&server, &[b"GET /healthz HTTP/9.9\r\nHost: a\r\n\r\n"], 400, "malformed_request").await,
        refused(&server, &[get, b"X-Field: x\r\n folded\r\n\r\n"], 400, "malformed_request").await,
        refused(&server, &[get, b"Content-Length: 99999999999999999999\r\n\r\n"], 400, "malformed_request")
            .await,
        refused(&server, &[get, b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n"], 400, "malformed_request")
            .await,
    ];
    let mut ids: Vec<_> = answers.iter().map(|answer| answer.header("x-request-id")).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), answers.len());
}

#[tokio::test]
async fn what_was_sent_before_rubbish_is_answered_before_it() {
    let server = Server::start().await;
    for version in ["1.1", "1.0"] {
        let get = format!("GET /healthz HTTP/{version}\r\nHost: a\r\nConnection: keep-alive\r\n\r\n");
        let mut raw = server.raw().await;
        raw.send([&get, &get, "what is this\r\n\r\n", &get].concat()).await;
        raw.answer().await.expect(200);
        raw.answer().await.expect(200);
        raw.answer().await.problem(400, "malformed_request");
        assert!(raw.closed().await);
    }
    server.anyone().get("/healthz").await.expect(200);
}

#[tokio::test]
async fn what_is_no_http_ends_the_connection_and_nothing_else() {
    let server = Server::start().await;
    for bytes in
        [&b"\0\0\0\0\r\n\r\n"[..], b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00"]
    {
        let mut raw = server.raw().await;
        raw.send(bytes).await;
        raw.send(b"\r\n\r\n").await;
        raw.ended().await;
    }
    server.root().get(ME).await.expect(200);
}
