//! Whoever finds a key value can have its key revoked, and learns nothing by it.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::disallowed_methods, reason = "how long it takes is what is tested")]

use std::time::{Duration, Instant};

use http::Method;
use qwetty_tests::{Answer, Call, Client, Launch, NewKey, Server};
use serde_json::{Value, json};

const LEAKED: &str = "/api/v1/leaked-keys";
/// How many reports an address may make in a minute.
const REPORTS: usize = 60;

async fn report(server: &Server, values: &[&str]) -> Answer {
    server.anyone().post(LEAKED, json!({"keys": values})).await
}

/// Every header that may tell one answer from another, and the body.
fn told(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| !["date", "x-request-id"].contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    headers.sort();
    (answer.status, headers, answer.text())
}

async fn revocations(client: &mut Client, id: &str) -> Vec<Value> {
    let events = client.get(&format!("/api/v1/audit-events?action=key.revoked&keyId={id}")).await.expect(200);
    events.data().as_array().unwrap().clone()
}

#[tokio::test]
async fn a_reported_key_is_refused_from_the_answer_on_and_its_log_says_why() {
    let server = Server::start().await;
    let mut root = server.root();
    let key = root.create(json!({})).await;
    assert_eq!(root.code(&key.value).await, "valid");
    let before = root.key(&key.id).await;
    let answer = server.anyone().calling_from("127.0.0.5").post(LEAKED, json!({"keys": [key.value]})).await;
    let answer = answer.expect(204);
    assert!(answer.body.is_empty());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let after = root.key(&key.id).await;
    assert_eq!(after["status"], "revoked");
    assert_eq!(after["revocationReason"], "reported as leaked");
    assert_eq!(after["usage"], before["usage"], "a report is no usage");
    assert_eq!(root.code(&key.value).await, "revoked");
    server.client(&key.value).get("/api/v1/me").await.problem(401, "invalid_api_key");

    let events = revocations(&mut root, &key.id).await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["actor"], Value::Null);
    assert_eq!(events[0]["address"], "127.0.0.5");
    assert_eq!(events[0]["requestId"].as_str(), answer.header("x-request-id"));
    assert_eq!(events[0]["changes"]["revocationReason"]["to"], "reported as leaked");
    // What was answered is on disk.
    let server = server.crash().await;
    assert_eq!(server.root().code(&key.value).await, "revoked");
    report(&server, &[&key.value]).await.expect(204);
    assert_eq!(revocations(&mut server.root(), &key.id).await.len(), 1, "there was nothing left to revoke");
    let log = std::fs::read_to_string(server.launch().directory().join("log")).unwrap();
    assert!(!log.contains(&key.value[4..47]));
}

#[tokio::test]
async fn white_space_around_a_value_does_not_make_its_report_worthless() {
    let server = Server::start().await;
    let mut root = server.root();
    for (before, after) in [("", "\n"), ("", "\r\n"), (" \t", " "), ("\u{a0}", "\u{2003}")] {
        let key = root.create(json!({})).await;
        report(&server, &[&format!("{before}{}{after}", key.value)]).await.expect(204);
        assert_eq!(root.code(&key.value).await, "revoked", "{before:?} {after:?}");
    }
    let key = root.create(json!({})).await;
    report(&server, &[&format!("{} {}", &key.value[..20], &key.value[20..])]).await.expect(204);
    assert_eq!(root.code(&key.value).await, "valid");
}

#[tokio::test]
async fn one_answer_for_all() {
    let server = Server::start().await;
    let mut root = server.root();
    let (good, revoked, deleted, replaced) = (
        root.create(json!({})).await,
        root.create(json!({})).await,
        root.create(json!({})).await,
        root.create(json!({})).await,
    );
    root.act(&revoked.path("/revoke")).await.expect(200);
    root.delete(&deleted.path("")).await.expect(204);
    root.act(&replaced.path("/regenerate")).await.expect(200);
    let unknown = Server::start().await.root_key().to_owned();
    let expected = told(&report(&server, &[&good.value]).await.expect(204));
    for value in [
        &*good.value,
        &*revoked.value,
        &*deleted.value,
        &*replaced.value,
        &*unknown,
        "qwt_1",
        "",
        "\u{1f511}",
    ] {
        let began = Instant::now();
        assert_eq!(told(&report(&server, &[value]).await), expected);
        assert!(began.elapsed() >= Duration::from_millis(100), "no answer comes sooner than a write takes");
    }
    let many: Vec<&str> = std::iter::repeat_n("qwt_1", 99).chain([&*good.value]).collect();
    assert_eq!(told(&report(&server, &many).await), expected);
    // The current value of the key whose replaced value was reported is good.
    assert_eq!(root.key(&replaced.id).await["status"], "active");
}

#[tokio::test]
async fn a_report_of_many_revokes_every_good_one_at_once() {
    let server = Server::start().await;
    let mut root = server.root();
    let mut keys = Vec::new();
    for _ in 0..50 {
        keys.push(root.create(json!({})).await);
    }
    let older = root.create(json!({})).await;
    let newer = NewKey::from(root.post(&older.path("/regenerate"), json!({"overlapSeconds": 600})).await);
    let mut values: Vec<&str> = keys.iter().map(|key| &*key.value).collect();
    // The same twice, one of another form, an older one that is alive, and the root key among them.
    let root_key = server.root_key().to_owned();
    values.extend([values[0], "no key", &older.value, &root_key]);
    report(&server, &values).await.expect(204);
    let (server, another) = restart_with_another_root_key(server).await;
    let mut root = server.client(&another);
    for key in keys.iter().chain([&newer]) {
        assert_eq!(root.code(&key.value).await, "revoked");
    }
    assert_eq!(root.code(&older.value).await, "not_found", "revoking ends an overlap");
    assert_eq!(root.code(&root_key).await, "revoked");
}

/// The root key was reported, too: the way back in is the owner's of the machine.
async fn restart_with_another_root_key(server: Server) -> (Server, String) {
    let launch = server.launch().clone();
    server.client(server.root_key()).get("/api/v1/me").await.problem(401, "invalid_api_key");
    server.stop().await;
    let issued = launch.root_key().run().await;
    let value = issued.root_keys().pop().expect("a root key").to_owned();
    (launch.start().await, value)
}

#[tokio::test]
async fn a_body_that_is_none_is_refused_as_everywhere_and_revokes_nothing() {
    let server = Server::start().await;
    let mut root = server.root();
    let key = root.create(json!({})).await;
    let value = &key.value;
    let mut anyone = server.anyone();
    let too_many: Vec<&str> = std::iter::repeat_n(value.as_str(), 101).collect();
    for (body, fault) in [
        (json!({}), "keys"),
        (json!({"keys": null}), "keys"),
        (json!({"keys": []}), "keys"),
        (json!({"keys": value}), "keys"),
        (json!({"keys": [value, 7]}), "keys[1]"),
        (json!({"keys": [value, null]}), "keys[1]"),
        (json!({"keys": too_many}), "keys"),
        (json!({"keys": [value], "reason": "x"}), "reason"),
        (json!([value]), "body"),
    ] {
        let answer = anyone.post(LEAKED, body).await;
        assert_eq!(answer.faulty(), [fault]);
        assert!(!answer.text().contains(&value[4..47]));
    }
    let post = |body: String| Call::new(Method::POST, LEAKED).body("application/json", body);
    anyone.send(post(format!("{{\"keys\": [\"{value}\""))).await.problem(400, "malformed_request");
    let twice = format!("{{\"keys\": [\"{value}\"], \"keys\": [\"{value}\"]}}");
    anyone.send(post(twice)).await.problem(400, "malformed_request");
    // Answered before the body was read, so each on a connection of its own.
    anyone.act(LEAKED).await.problem(400, "malformed_request");
    let named = Call::new(Method::POST, &format!("{LEAKED}?dry=1")).json(&json!({"keys": [value]}));
    server.anyone().send(named).await.problem(400, "malformed_request");
    let text = Call::new(Method::POST, LEAKED).body("text/plain", value.clone());
    server.anyone().send(text).await.problem(415, "unsupported_media_type");
    server.anyone().send(post(" ".repeat(65_537))).await.problem(413, "payload_too_large");
    anyone.get(LEAKED).await.problem(405, "method_not_allowed");
    assert_eq!(root.code(value).await, "valid");
}

#[tokio::test]
async fn an_address_may_report_so_often_and_others_all_the_same() {
    let server = Server::start().await;
    let mut root = server.root();
    let key = root.create(json!({})).await;
    let mut reporter = server.anyone().calling_from("127.0.0.6");
    for _ in 0..REPORTS {
        reporter.act(LEAKED).await.problem(400, "malformed_request");
    }
    let body = json!({"keys": [key.value]});
    let refused = reporter.post(LEAKED, body.clone()).await.problem(429, "rate_limited");
    assert!((1..=60).contains(&refused.number("retry-after")));
    assert_eq!(refused.header("x-ratelimit-limit"), None, "it is no key's quota");
    assert_eq!(root.code(&key.value).await, "valid");
    server.anyone().calling_from("127.0.0.7").post(LEAKED, body).await.expect(204);
    assert_eq!(root.code(&key.value).await, "revoked");
    // Everything else that comes from there goes on.
    server.root().calling_from("127.0.0.6").get("/api/v1/me").await.expect(200);
}

#[tokio::test]
async fn the_address_is_told_by_trusted_proxies_alone() {
    let server = Launch::serve().with(["--trusted-proxy", "127.0.0.1"]).start().await;
    let from = |peer: &'static str, client: &'static str| {
        let mut sender = server.anyone().calling_from(peer);
        async move {
            let call = Call::new(Method::POST, LEAKED).header("x-forwarded-for", client);
            sender.send(call).await.status
        }
    };
    for host in 0..REPORTS {
        let client = format!("2001:db8::{host}").leak();
        assert_eq!(from("127.0.0.1", client).await, 400);
    }
    assert_eq!(from("127.0.0.1", "2001:db8::ffff").await, 429, "one network of 64 bits is one address");
    assert_eq!(from("127.0.0.1", "198.51.100.1").await, 400);
    for _ in 0..REPORTS {
        assert_eq!(from("127.0.0.9", "198.51.100.2").await, 400);
    }
    assert_eq!(from("127.0.0.9", "198.51.100.3").await, 429, "whoever is not trusted speaks for itself");
    assert_eq!(from("127.0.0.1", "198.51.100.3").await, 400);
}
