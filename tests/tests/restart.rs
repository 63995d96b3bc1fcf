//! Graceful ends: what was, is found again; what is in flight is finished. Contract sections 4 and 6.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use http::Method;
use qwetty_tests::{Call, Client, Launch, NewKey, Raw, Server, from_now, in_time};
use serde_json::{Value, json};
use tokio::task::JoinSet;

const KEYS: &str = "/api/v1/api-keys";

/// Every key but the root key, whose usage grows by looking.
async fn everything(root: &mut Client) -> Value {
    let keys = root.get(&format!("{KEYS}?limit=100&sort=createdAt&order=asc")).await.expect(200).data();
    let channels = root.get("/api/v1/channels?limit=100").await.expect(200).data();
    json!({"keys": keys.as_array().unwrap()[1..], "channels": channels})
}

#[tokio::test]
async fn a_restart_finds_everything_as_it_was() {
    let server = Server::start().await;
    let mut root = server.root();
    root.put("/api/v1/channels/wa-1", json!({"name": "WhatsApp", "type": "whatsapp"})).await.expect(200);
    let restricted = root
        .create(json!({
            "name": "Ünïcode ✓", "description": "a\nb", "permissions": ["chats:read", "api_keys:verify"],
            "channelScopes": ["wa-1"], "ipWhitelist": ["10.0.0.0/8", "2001:db8::/32"], "tier": "admin",
            "expiresAt": from_now(86_400.0),
        }))
        .await;
    let revoked = root.create(json!({})).await;
    root.post(&revoked.path("/revoke"), json!({"reason": "left"})).await.expect(200);
    let old = root.create(json!({})).await;
    let overlapping =
        NewKey::from(root.post(&old.path("/regenerate"), json!({"overlapSeconds": 3600})).await.expect(200));
    assert_eq!(root.code(&old.value).await, "valid", "used under its older value");
    let replaced = root.create(json!({})).await;
    let renewed = NewKey::from(root.act(&replaced.path("/regenerate")).await.expect(200));
    let deleted = root.create(json!({})).await;
    root.delete(&deleted.path("")).await.expect(204);
    let used = root.create(json!({})).await;
    for _ in 0..5 {
        assert_eq!(root.code(&used.value).await, "valid");
    }
    assert_eq!(root.verify(&used.value, json!({"permissions": ["audit:read"]})).await["valid"], false);
    let before = everything(&mut root).await;

    let server = server.restart().await;
    let mut root = server.root();
    assert_eq!(everything(&mut root).await, before);
    for (value, code) in [
        (&restricted.value, "ip_not_allowed"),
        (&revoked.value, "revoked"),
        (&old.value, "valid"),
        (&overlapping.value, "valid"),
        (&replaced.value, "not_found"),
        (&renewed.value, "valid"),
        (&deleted.value, "not_found"),
        (&used.value, "valid"),
    ] {
        assert_eq!(root.code(value).await, code);
    }
    let allowed = json!({"ip": "10.1.1.1", "channel": "wa-1"});
    assert_eq!(root.verify(&restricted.value, allowed).await["code"], "valid");
}

#[tokio::test]
async fn usage_is_exact_after_a_stop_under_load() {
    let server = Launch::serve().with(["--tier-standard", "1000000/3600"]).start().await;
    let mut root = server.root();
    let key = root.create(json!({})).await;
    let call = Call::new(Method::POST, "/api/v1/verify").json(&json!({"key": key.value}));
    let mut hammering = JoinSet::new();
    for _ in 0..8 {
        let (mut client, call) = (server.root(), call.clone());
        hammering.spawn(async move {
            let mut admitted = 0_u64;
            while let Ok(answer) = client.try_send(call.clone()).await {
                assert_eq!(answer.expect(200).data()["code"], "valid");
                admitted += 1;
            }
            admitted
        });
    }
    in_time("some load", async {
        while root.key(&key.id).await["usage"]["requestCount"].as_u64() < Some(500) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let server = server.restart().await;
    let admitted: u64 = in_time("the end of the load", hammering.join_all()).await.into_iter().sum();
    assert!(admitted >= 500);
    assert_eq!(server.root().key(&key.id).await["usage"]["requestCount"], admitted);
}

/// A call whose head has arrived and whose body has not.
async fn begun(server: &Server, body: &str) -> Raw {
    let mut raw = server.raw().await;
    let (root, length) = (server.root_key(), body.len());
    raw.send(format!(
        "POST {KEYS} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {root}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\nExpect: 100-continue\r\n\r\n"
    ))
    .await;
    raw.answer().await.expect(100);
    raw
}

#[tokio::test]
async fn what_is_in_flight_at_sigterm_is_answered_and_kept() {
    let server = Server::start().await;
    let launch = server.launch().clone();
    let root = server.root_key().to_owned();
    let body = json!({"name": "In flight", "permissions": ["chats:read"]}).to_string();
    let mut in_flight = Vec::new();
    for _ in 0..4 {
        in_flight.push(begun(&server, &body).await);
    }
    let mut idle = server.raw().await;
    idle.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").await;
    idle.answer().await.expect(200);
    server.terminate();
    assert!(idle.closed().await, "what is idle is closed at once");
    let mut keys = Vec::new();
    for mut raw in in_flight {
        raw.send(&body).await;
        keys.push(NewKey::from(raw.answer().await.expect(201)));
        assert!(raw.closed().await);
    }
    assert_eq!(server.ended().await.code, Some(0));
    let server = launch.start().await;
    let mut root = server.client(&root);
    for key in keys {
        assert_eq!(root.code(&key.value).await, "valid");
    }
}

#[tokio::test]
async fn a_call_that_never_ends_does_not_hold_the_server_up() {
    let server = Server::start().await;
    let mut raw = begun(&server, "{}").await;
    let ended = server.stop().await;
    assert!(ended.log.contains("in flight"), "{}", ended.log);
    assert!(raw.closed().await);
}
