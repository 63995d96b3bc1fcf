//! `/authorize`, contract section 5: what a gateway asks, and what it is answered.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Method, Request};
use hyper::body::{Body, Frame};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use qwetty_tests::{Answer, Call, Client, Launch, Organization, Server, in_time};
use serde_json::{Value, json};
use tokio::net::TcpStream;

const AUTHORIZE: &str = "/api/v1/authorize";
const ENVOY: &str = "/api/v1/authorize/envoy";
const FORWARDED: [&str; 2] = ["x-forwarded-method", "x-forwarded-uri"];
const ORIGINAL: [&str; 2] = ["x-original-method", "x-original-uri"];

/// A server whose trusted proxy is this machine's usual address.
async fn server(more: &[&str]) -> Server {
    Launch::serve().with(["--trusted-proxy", "127.0.0.1"]).with(more.iter().copied()).start().await
}

fn call() -> Call {
    Call::new(Method::GET, AUTHORIZE)
}

/// A gateway's question about a request.
fn about(method: &str, uri: &str) -> Call {
    call().header(FORWARDED[0], method).header(FORWARDED[1], uri)
}

fn chats() -> Call {
    about("GET", "/api/v1/chats")
}

async fn ask(server: &Server, value: &str, call: Call) -> Answer {
    server.client(value).send(call).await
}

/// A refusal that was counted to nobody, and that a gateway can pass on without its body.
fn unmapped(answer: Answer) -> Answer {
    let answer = told_twice(answer.problem(403, "route_not_mapped"));
    assert!(answer.headers.keys().all(|name| !name.as_str().contains("ratelimit")), "{answer:?}");
    answer
}

/// The header has the very body.
fn told_twice(answer: Answer) -> Answer {
    assert_eq!(answer.header("x-qwetty-problem").unwrap().as_bytes(), answer.body, "{answer:?}");
    answer
}

async fn usage(root: &mut Client, id: &str) -> (i64, i64) {
    let usage = root.key(id).await["usage"].clone();
    (usage["requestCount"].as_i64().unwrap(), usage["deniedCount"].as_i64().unwrap())
}

#[tokio::test]
async fn an_admission_says_who_it_is_in_headers_that_are_always_there() {
    let server = server(&[]).await;
    let mut acme = Organization::new(&server, "Acme").await;
    acme.channel("wa-2").await;
    acme.channel("wa-1").await;
    let fields = json!({"permissions": ["messages:send", "chats:read"], "channelScopes": ["wa-2", "wa-1"]});
    let scoped = acme.admin.create(fields).await;
    let answer = ask(&server, &scoped.value, chats()).await.expect(200);
    assert!(answer.body.is_empty());
    for (name, value) in [
        ("x-qwetty-key-id", scoped.id.as_str()),
        ("x-qwetty-organization-id", &acme.id),
        ("x-qwetty-permissions", "chats:read,messages:send"),
        ("x-qwetty-channel-scopes", "wa-2,wa-1"),
        ("x-ratelimit-limit", "1000"),
        ("x-ratelimit-remaining", "999"),
        ("ratelimit-policy", "\"standard\";q=1000;w=3600"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    for name in ["x-request-id", "x-ratelimit-reset", "ratelimit"] {
        assert!(answer.header(name).is_some(), "{name}");
    }
    assert_eq!(answer.header("x-qwetty-problem"), None);
    let open = acme.admin.create(json!({})).await;
    let answer = ask(&server, &open.value, chats()).await.expect(200);
    assert_eq!(answer.header("x-qwetty-channel-scopes"), Some(""), "empty is every channel");
}

#[tokio::test]
async fn every_row_of_the_default_table_needs_its_permission() {
    let server = server(&[]).await;
    let mut root = server.root();
    let rows = [
        ("chats:read", "GET", "/api/v1/chats"),
        ("chats:read", "GET", "/api/v1/chats/7"),
        ("chats:read", "GET", "/api/v1/chats/7/messages"),
        ("messages:send", "POST", "/api/v1/chats/7/messages"),
        ("contacts:manage", "GET", "/api/v1/contacts"),
        ("contacts:manage", "POST", "/api/v1/contacts"),
        ("contacts:manage", "GET", "/api/v1/contacts/7"),
        ("contacts:manage", "PUT", "/api/v1/contacts/7"),
        ("contacts:manage", "PATCH", "/api/v1/contacts/7"),
        ("contacts:manage", "DELETE", "/api/v1/contacts/7"),
        ("templates:read", "GET", "/api/v1/templates"),
        ("templates:read", "GET", "/api/v1/templates/7"),
        ("templates:send", "POST", "/api/v1/templates/7/send"),
    ];
    for permission in ["chats:read", "messages:send", "contacts:manage", "templates:read", "templates:send"] {
        let key = root.create(json!({"permissions": [permission]})).await;
        for (needed, method, path) in rows {
            let answer = ask(&server, &key.value, about(method, path)).await;
            if needed == permission {
                answer.expect(200);
                continue;
            }
            let answer = told_twice(answer.problem(403, "insufficient_permissions"));
            let challenge =
                format!("Bearer realm=\"qwetty\", error=\"insufficient_scope\", scope=\"{needed}\"");
            assert_eq!(answer.header("www-authenticate"), Some(challenge.as_str()), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn the_calls_own_method_query_and_body_mean_nothing() {
    let server = server(&[]).await;
    let mut root = server.root();
    let key = root.create(json!({})).await;
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"] {
        for path in [AUTHORIZE, "/api/v1/authorize?uri=/api/v1/contacts&a=1&a=2&%zz"] {
            let call = Call::new(method.parse().unwrap(), path);
            let call = call.header(FORWARDED[0], "GET").header(FORWARDED[1], "/api/v1/chats");
            ask(&server, &key.value, call.clone()).await.expect(200);
            let answer = server.anyone().send(call.body("text/plain", "{")).await.expect(401);
            assert_eq!(answer.header("allow"), None);
        }
    }
    let large = chats().body("application/json", vec![b'x'; 100 * 1024]);
    ask(&server, &key.value, large).await.expect(200);
}

#[tokio::test]
async fn a_body_is_not_waited_for() {
    let server = server(&[]).await;
    let mut root = server.root();
    let key = root.create(json!({})).await;
    for announced in [
        "Content-Length: 10\r\n\r\n{",
        "Content-Length: 1000000000000\r\n\r\n",
        "Content-Length: 70000\r\nExpect: 100-continue\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nab",
    ] {
        let mut raw = server.raw().await;
        let head = format!(
            "POST {AUTHORIZE} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nX-Original-Method: GET\r\n\
             X-Original-URI: /api/v1/chats\r\n",
            key.value
        );
        raw.send(head + announced).await;
        assert_eq!(raw.answer().await.status, 200, "{announced:?}");
    }
}

/// A body that never comes.
struct Unsent;

impl Body for Unsent {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

#[tokio::test]
async fn it_answers_over_http_2_before_the_body_is_there() {
    let server = server(&[]).await;
    let mut root = server.root();
    let key = root.create(json!({})).await;
    let stream = TcpStream::connect(server.address()).await.unwrap();
    let (mut sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    for (uri, status) in [("/api/v1/chats", 200), ("/api/v1/contacts", 403)] {
        let request = Request::post(format!("http://{}{AUTHORIZE}", server.address()))
            .header("authorization", format!("Bearer {}", key.value))
            .header(FORWARDED[0], "GET")
            .header(FORWARDED[1], uri)
            .body(Unsent)
            .unwrap();
        let answer = in_time("an answer", sender.send_request(request)).await.unwrap();
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers().contains_key("x-qwetty-problem"), status == 403);
    }
    let request = Request::builder()
        .method("BREW")
        .uri(format!("http://{}{ENVOY}/api/v1/chats?a=b", server.address()))
        .header("authorization", format!("Bearer {}", key.value));
    let request = request.body(Unsent).unwrap();
    let answer = in_time("an answer", sender.send_request(request)).await.unwrap();
    assert_eq!(answer.status(), 403, "BREW is mapped nowhere");
}

#[tokio::test]
async fn only_a_trusted_proxy_is_answered() {
    let server = server(&[]).await;
    let mut root = server.root();
    let key = root.create(json!({})).await;
    for call in
        [chats(), call(), chats().header("x-forwarded-for", "127.0.0.1"), envoy("GET", "/api/v1/chats")]
    {
        let mut stranger = server.client(&key.value).calling_from("127.0.0.9");
        let answer = told_twice(stranger.send(call).await.problem(403, "untrusted_proxy"));
        assert!(answer.headers.keys().all(|name| !name.as_str().contains("ratelimit")), "{answer:?}");
    }
    assert_eq!(usage(&mut root, &key.id).await, (0, 0));
    let nobody = Server::start().await;
    nobody.root().send(chats()).await.problem(403, "untrusted_proxy");
}

#[tokio::test]
async fn the_original_request_is_told_once_and_without_a_doubt() {
    let server = server(&[]).await;
    let mut root = server.root();
    let key = root.create(json!({})).await;
    let pair = |[method, uri]: [&'static str; 2], call: Call| {
        call.header(method, "GET").header(uri, "/api/v1/chats")
    };
    for call in [pair(FORWARDED, call()), pair(ORIGINAL, call()), pair(ORIGINAL, pair(FORWARDED, call()))] {
        ask(&server, &key.value, call).await.expect(200);
    }
    for (what, call) in [
        ("nothing", call()),
        ("no URI", call().header(FORWARDED[0], "GET")),
        ("no method", call().header(ORIGINAL[1], "/api/v1/chats")),
        ("half a second pair", chats().header(ORIGINAL[0], "GET")),
        ("one of each pair", call().header(FORWARDED[0], "GET").header(ORIGINAL[1], "/api/v1/chats")),
        ("two methods", chats().header(FORWARDED[0], "GET")),
        ("two URIs", chats().header(FORWARDED[1], "/api/v1/chats")),
        ("another URI", chats().header(ORIGINAL[0], "GET").header(ORIGINAL[1], "/api/v1/chats?")),
        ("another method", chats().header(ORIGINAL[0], "POST").header(ORIGINAL[1], "/api/v1/chats")),
        ("no token", about("GET,GET", "/api/v1/chats")),
        ("a method with a space", about("GET /", "/api/v1/chats")),
        ("an empty method", about("", "/api/v1/chats")),
        ("an empty URI", about("GET", "")),
    ] {
        let answer = ask(&server, &key.value, call).await;
        assert_eq!(answer.status, 403, "{what}");
        unmapped(answer);
    }
    assert_eq!(usage(&mut root, &key.id).await, (3, 0));
}

const UNMAPPED: [&str; 33] = [
    "/",
    "/api/v1/chats/",
    "/api/v1/CHATS",
    "/api/v1/chats/7/messages/8",
    "/api/v1/unknown",
    "//api/v1/chats",
    "/api//v1/chats",
    "/api/v1/chats//messages",
    "/api/v1/./chats",
    "/api/v1/contacts/../chats",
    "/api/v1/contacts/%2e%2e/chats",
    "/api/v1/chats/%2E",
    "/api/v1/chats/..;x",
    "/api/v1/chats/;x",
    "/api/v1/chats/a%2fb",
    "/api/v1/chats/a%2Fb",
    "/api/v1/chats/a%5cb",
    "/api/v1/chats/a\\b",
    "/api/v1/chats/a%00",
    "/api/v1/chats/a%0a",
    "/api/v1/chats/a%7f",
    "/api/v1/chats/a b",
    "/api/v1/chats#a",
    "/api/v1/chats?a#b",
    "/api/v1/chats/%",
    "/api/v1/chats/%4",
    "/api/v1/chats/%zz",
    "/api/v1/chats/%ff",
    "/api/v1/chats/%c0%ae",
    "api/v1/chats",
    "http://api.example/api/v1/chats",
    "*",
    "?/api/v1/chats",
];

#[tokio::test]
async fn a_path_is_mapped_in_normal_form_alone() {
    let server = server(&[]).await;
    let mut root = server.root();
    let key = root.create(json!({})).await;
    for uri in UNMAPPED {
        let answer = ask(&server, &key.value, about("GET", uri)).await;
        assert_eq!(answer.status, 403, "{uri}");
        unmapped(answer);
    }
    for method in ["HEAD", "OPTIONS", "get", "DELETE"] {
        unmapped(ask(&server, &key.value, about(method, "/api/v1/chats")).await);
    }
    assert_eq!(usage(&mut root, &key.id).await, (0, 0));
    for uri in [
        "/api/v1/ch%61ts",
        "/api/v1/chats/user%40example.com",
        "/api/v1/chats/a;b=c",
        "/api/v1/chats/%C3%BC%20",
        "/api/v1/chats/%252e%252e",
        "/api/v1/chats?",
        "/api/v1/chats?next=/a//b/../c%2f%5c%00&x=%zz&y=a b\\",
    ] {
        let answer = ask(&server, &key.value, about("GET", uri)).await;
        assert_eq!(answer.status, 200, "{uri}");
    }
}

#[tokio::test]
async fn the_channel_is_the_query_parameters() {
    let server = server(&[]).await;
    let mut root = server.root();
    root.put("/api/v1/channels/wa-1", json!({"name": "A", "type": "whatsapp"})).await.expect(200);
    let scoped = root.create(json!({"channelScopes": ["wa-1"]})).await;
    let open = root.create(json!({})).await;
    for (query, allowed) in [
        ("", true),
        ("?limit=5", true),
        ("?xchannelId=wa-2&channelIds=wa-2", true),
        ("?channelId=wa-1", true),
        ("?limit=5&channel%49d=wa%2d1", true),
        ("?channelId=wa-1&channelId=wa-1", true),
        ("?channelId=wa-2", false),
        ("?channelId=WA-1", false),
        ("?channelId=", false),
        ("?channelId", false),
        ("?channelId=wa-1&channelId=wa-2", false),
        ("?channelId=wa-2&channelId=wa-1", false),
        ("?channelId=%ff", false),
        ("?channelId=wa-1,wa-2", false),
        ("?channelId=+wa-1", false),
        ("?channelid=wa-1", false),
        ("?channelId=wa-1&channelId[]=wa-2", false),
        ("?limit=5;channelId=wa-2", false),
    ] {
        let uri = format!("/api/v1/chats{query}");
        let answer = ask(&server, &scoped.value, about("GET", &uri)).await;
        if allowed {
            answer.expect(200);
        } else {
            told_twice(answer.problem(403, "channel_not_allowed"));
        }
        ask(&server, &open.value, about("GET", &uri)).await.expect(200);
    }
}

#[tokio::test]
async fn the_client_is_whom_the_gateway_names_or_unknown() {
    let server = server(&["--trusted-proxy", "10.0.0.0/8"]).await;
    let mut root = server.root();
    let there = root.create(json!({"ipWhitelist": ["203.0.113.0/24"]})).await;
    let peer = root.create(json!({"ipWhitelist": ["127.0.0.1"]})).await;
    let open = root.create(json!({})).await;
    for (forwarded, allowed) in [
        (Some("203.0.113.7"), true),
        (Some("198.51.100.1, 203.0.113.7:4711, 10.0.0.1"), true),
        (Some("203.0.113.7, 198.51.100.1"), false),
        (Some("203.0.113.7, rubbish"), false),
        (Some(""), false),
        (None, false),
    ] {
        let call = forwarded.iter().fold(chats(), |call, value| call.header("x-forwarded-for", value));
        let call = call.header("x-real-ip", "203.0.113.7").header("forwarded", "for=203.0.113.7");
        let answer = ask(&server, &there.value, call.clone()).await;
        if allowed {
            answer.expect(200);
        } else {
            told_twice(answer.problem(403, "ip_not_allowed"));
        }
        ask(&server, &peer.value, call.clone()).await.problem(403, "ip_not_allowed");
        ask(&server, &open.value, call).await.expect(200);
    }
}

#[tokio::test]
async fn every_refusal_is_told_in_a_header_too() {
    let server = server(&["--tier-standard", "1/3600"]).await;
    let mut root = server.root();
    let key = root.create(json!({})).await;
    let anyone = async |call: Call| server.anyone().send(call).await;
    let bearer = format!("Bearer {}", key.value);
    let twice = chats().header("authorization", &bearer).header("authorization", &bearer);
    told_twice(anyone(twice).await.problem(400, "malformed_request"));
    let missing = told_twice(anyone(chats()).await.problem(401, "missing_authorization"));
    assert_eq!(missing.header("www-authenticate"), Some("Bearer realm=\"qwetty\""));
    let basic = chats().header("authorization", "Basic YTpi");
    told_twice(anyone(basic).await.problem(401, "missing_authorization"));
    let unknown = told_twice(ask(&server, "qwt_unknown", chats()).await.problem(401, "invalid_api_key"));
    assert_eq!(unknown.header("www-authenticate"), Some("Bearer realm=\"qwetty\", error=\"invalid_token\""));
    let long = Call::new(Method::GET, &format!("{AUTHORIZE}?{}", "x".repeat(8 * 1024)));
    told_twice(anyone(long).await.problem(414, "uri_too_long"));
    let large = chats().header("x-large", &"x".repeat(16 * 1024));
    told_twice(anyone(large).await.problem(431, "headers_too_large"));

    ask(&server, &key.value, chats()).await.expect(200);
    let limited = told_twice(ask(&server, &key.value, chats()).await.problem(429, "rate_limited"));
    assert!(limited.number("retry-after") >= 1 && limited.number("x-ratelimit-remaining") == 0);
    for status in [401, 400, 414, 431] {
        let answer = match status {
            401 => ask(&server, "qwt_unknown", chats()).await,
            400 => unreadable(&server, "GET /a b c HTTP/1.1\r\n\r\n".to_owned()).await,
            414 => unreadable(&server, format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(70_000))).await,
            _ => unreadable(&server, format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(101))).await,
        };
        assert_eq!(told_twice(answer).status, status);
    }
}

/// The answer to what is no request, so that nobody knows whether a gateway sent it.
async fn unreadable(server: &Server, request: String) -> Answer {
    let mut raw = server.raw().await;
    raw.send(request).await;
    raw.answer().await
}

#[tokio::test]
async fn what_gateways_ask_takes_the_keys_quota_and_counts_as_its_usage() {
    let server = server(&["--tier-standard", "3/3600"]).await;
    let mut root = server.root();
    let key = root.create(json!({})).await;
    let first = ask(&server, &key.value, chats()).await.expect(200);
    assert_eq!(first.number("x-ratelimit-remaining"), 2);
    let verified = root.verify(&key.value, json!({})).await;
    assert_eq!(verified["rateLimit"]["remaining"], 1, "verify and authorize share one quota");
    told_twice(ask(&server, &key.value, about("GET", "/api/v1/contacts")).await.expect(403));
    unmapped(ask(&server, &key.value, about("GET", "/nowhere")).await);
    let third = ask(&server, &key.value, envoy("GET", "/api/v1/chats")).await.expect(200);
    assert_eq!(third.number("x-ratelimit-remaining"), 0);
    ask(&server, &key.value, chats()).await.problem(429, "rate_limited");
    assert_eq!(root.code(&key.value).await, "rate_limited");
    assert_eq!(usage(&mut root, &key.id).await, (3, 3));
    root.act(&key.path("/revoke")).await.expect(200);
    let revoked = ask(&server, &key.value, chats()).await.problem(401, "invalid_api_key");
    assert!(revoked.headers.keys().all(|name| !name.as_str().contains("ratelimit")), "{revoked:?}");
    assert_eq!(usage(&mut root, &key.id).await, (3, 4));
}

/// Envoy's question about a request: its own request line is the original one, behind a path.
fn envoy(method: &str, target: &str) -> Call {
    Call::new(method.parse().unwrap(), &format!("{ENVOY}{target}"))
}

#[tokio::test]
async fn envoys_request_line_is_the_original_one() {
    let server = server(&[]).await;
    let mut root = server.root();
    root.put("/api/v1/channels/wa-1", json!({"name": "A", "type": "whatsapp"})).await.expect(200);
    let key = root.create(json!({"channelScopes": ["wa-1"]})).await;
    for target in ["/api/v1/chats", "/api/v1/ch%61ts?channelId=wa-1", "/api/v1/chats/%40?x=//../%zz"] {
        ask(&server, &key.value, envoy("GET", target)).await.expect(200);
    }
    let other = envoy("GET", "/api/v1/chats?channelId=wa-2");
    ask(&server, &key.value, other).await.problem(403, "channel_not_allowed");
    let misled =
        envoy("GET", "/api/v1/contacts").header(FORWARDED[0], "GET").header(FORWARDED[1], "/api/v1/chats");
    ask(&server, &key.value, misled).await.problem(403, "insufficient_permissions");
    let unread = envoy("GET", "/api/v1/chats").header(ORIGINAL[0], "POST").header(FORWARDED[0], "PUT");
    ask(&server, &key.value, unread).await.expect(200);
    let (admitted, denied) = usage(&mut root, &key.id).await;
    for (method, target) in
        [("GET", ""), ("GET", "/"), ("GET", "?a=/api/v1/chats"), ("POST", "/api/v1/chats")]
    {
        unmapped(ask(&server, &key.value, envoy(method, target)).await);
    }
    // Those that a request line can have.
    for target in UNMAPPED.iter().filter(|uri| uri.starts_with('/') && !uri.contains([' ', '#', '\\'])) {
        let mut raw = server.raw().await;
        let bearer = &key.value;
        raw.send(format!(
            "GET {ENVOY}{target} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {bearer}\r\n\r\n"
        ))
        .await;
        unmapped(raw.answer().await);
    }
    assert_eq!(usage(&mut root, &key.id).await, (admitted, denied));
    ask(&server, &key.value, Call::new(Method::GET, "/api/v1/authorize/")).await.problem(404, "not_found");
    ask(&server, &key.value, Call::new(Method::GET, "/api/v1/authorize/envoys"))
        .await
        .problem(404, "not_found");
}

/// A server with this configuration file.
fn configured(file: &str) -> Launch {
    let launch = Launch::serve().with(["--trusted-proxy", "127.0.0.1", "--config", "qwetty.toml"]);
    std::fs::write(launch.directory().join("qwetty.toml"), file).unwrap();
    launch
}

#[tokio::test]
async fn a_table_in_the_file_takes_the_place_of_the_default_one() {
    let server = configured(
        r#"
        [[routes]]
        route = "GET /orders/{channel}/{orderId}"
        permissions = ["orders:read", "chats:read"]
        channel = { path = "channel" }

        [[routes]]
        route = "POST /orders"
        permissions = ["orders:write"]
        channel = { header = "X-Channel-Id" }

        [[routes]]
        route = "GET /public/{*rest}"
        permissions = []

        [[permissions]]
        name = "orders:write"
        label = "Write orders"
        [[permissions]]
        name = "orders:read"
        label = "Read orders"
        [[permissions]]
        name = "chats:read"
        label = "Read chats"
        "#,
    )
    .start()
    .await;
    let mut root = server.root();
    root.put("/api/v1/channels/wa-1", json!({"name": "A", "type": "whatsapp"})).await.expect(200);
    let both =
        root.create(json!({"permissions": ["chats:read", "orders:read"], "channelScopes": ["wa-1"]})).await;
    let writer = root.create(json!({"permissions": ["orders:write"], "channelScopes": ["wa-1"]})).await;
    let orders = |channel: &str| about("GET", &format!("/orders/{channel}/7"));
    let allowed = ask(&server, &both.value, orders("wa%2d1")).await.expect(200);
    assert_eq!(allowed.header("x-qwetty-permissions"), Some("orders:read,chats:read"), "catalogue order");
    ask(&server, &both.value, orders("wa-2")).await.problem(403, "channel_not_allowed");
    let refused = ask(&server, &writer.value, orders("wa-1")).await.problem(403, "insufficient_permissions");
    assert!(refused.header("www-authenticate").unwrap().contains("scope=\"orders:read chats:read\""));
    let write = || about("POST", "/orders");
    ask(&server, &writer.value, write()).await.expect(200);
    ask(&server, &writer.value, write().header("x-channel-id", "wa-1")).await.expect(200);
    for channels in [&["wa-2"][..], &["wa-1", "wa-2"], &[""]] {
        let call = channels.iter().fold(write(), |call, channel| call.header("x-channel-id", channel));
        ask(&server, &writer.value, call).await.problem(403, "channel_not_allowed");
    }
    ask(&server, &writer.value, about("GET", "/public/a/b")).await.expect(200);
    unmapped(ask(&server, &writer.value, about("GET", "/public")).await);
    unmapped(ask(&server, server.root_key(), chats()).await);
}

#[tokio::test]
async fn an_empty_table_maps_nothing_and_another_catalogue_what_it_can_grant() {
    let server = configured("routes = []").start().await;
    unmapped(server.root().send(chats()).await);
    let server = configured("[[permissions]]\nname = \"chats:read\"\nlabel = \"Read\"").start().await;
    server.root().send(chats()).await.expect(200);
    unmapped(server.root().send(about("GET", "/api/v1/contacts")).await);
}

#[tokio::test]
async fn a_table_that_cannot_be_ends_the_start() {
    let good = "[[routes]]\nroute = \"GET /a/{id}\"\npermissions = []\n";
    for (row, named) in [
        (
            "route = \"GET /a/b\"\npermissions = []",
            "qwetty.toml:4: setting routes: row 2: row 1 takes every request",
        ),
        (
            "route = \"GET /b/\"\npermissions = []",
            "qwetty.toml:4: setting routes: row 2: the path has an empty segment",
        ),
        (
            "route = \"GET /b\"\npermissions = [\"no:such\"]",
            "row 2: the permission \"no:such\" is not in the catalogue",
        ),
        (
            "route = \"GET /b\"",
            "qwetty.toml:4: setting routes: row 2: needs both a route and its permissions",
        ),
    ] {
        let ended = configured(&format!("{good}[[routes]]\n{row}\n")).run().await;
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.log.contains(named), "{named} is missing: {}", ended.log);
    }
}

#[tokio::test]
async fn the_description_has_it_by_every_method() {
    let document = Server::start().await.anyone().get("/openapi.json").await.expect(200).json();
    for path in [AUTHORIZE, "/api/v1/authorize/envoy/{target}"] {
        let methods = document["paths"][path].as_object().unwrap();
        assert_eq!(methods.len(), 8, "{path}");
        assert!(methods.values().all(|operation| operation["responses"]["200"] != Value::Null));
    }
}
