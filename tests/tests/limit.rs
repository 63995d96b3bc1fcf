//! The quota of a key, contract sections 4 and 5: strict, shared by all connections, kept for the key's whole life.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::disallowed_methods, reason = "a window is measured from outside")]

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use http::Method;
use qwetty_tests::{Answer, Call, Client, Launch, NewKey, Server, in_time, unix_seconds};
use serde_json::{Value, json};
use tokio::task::JoinSet;

const CONNECTIONS: usize = 32;
/// Well above the 1,000 units of the standard tier.
const CALLS_EACH: usize = 40;

/// Every connection makes the same call again and again; the answers, each with the seconds before and after it.
async fn hammer(clients: Vec<Client>, call: &Call) -> Vec<(i64, Answer, i64)> {
    let mut hammering = JoinSet::new();
    for mut client in clients {
        let call = call.clone();
        hammering.spawn(async move {
            let mut answers = Vec::new();
            for _ in 0..CALLS_EACH {
                let before = unix_seconds();
                let answer = client.send(call.clone()).await;
                answers.push((before, answer, unix_seconds()));
            }
            answers
        });
    }
    in_time("the end of the hammering", hammering.join_all()).await.concat()
}

#[tokio::test]
async fn of_32_connections_verifying_one_cold_key_exactly_1000_calls_are_admitted() {
    let server = Server::start().await;
    let key = server.root().create(json!({})).await;
    let clients = (0..CONNECTIONS).map(|_| server.root()).collect();
    let call = Call::new(Method::POST, "/api/v1/verify").json(&json!({"key": key.value}));
    let answers = hammer(clients, &call).await;
    let mut remaining = Vec::new();
    for (before, answer, after) in answers {
        let data = answer.expect(200).data();
        if data["valid"] == true {
            assert_eq!((&data["code"], &data["rateLimit"]["limit"]), (&json!("valid"), &json!(1000)));
            remaining.push(data["rateLimit"]["remaining"].as_i64().unwrap());
            let reset = data["rateLimit"]["reset"].as_i64().unwrap();
            assert!((before..=after + 3601).contains(&reset), "{data}");
        } else {
            assert_eq!(data["code"], "rate_limited");
            assert!((1..=3601).contains(&data["retryAfter"].as_i64().unwrap()), "{data}");
        }
    }
    remaining.sort_unstable();
    assert_eq!(remaining, (0..1000).collect::<Vec<_>>(), "1,000 admissions, each with what it left");
    let usage = &server.root().key(&key.id).await["usage"];
    assert_eq!((&usage["requestCount"], &usage["deniedCount"]), (&json!(1000), &json!(280)));
}

#[tokio::test]
async fn of_32_connections_calling_with_one_cold_key_exactly_1000_calls_are_admitted() {
    let server = Server::start().await;
    let key = server.root().create(json!({})).await;
    let clients = (0..CONNECTIONS).map(|_| server.client(&key.value)).collect();
    let answers = hammer(clients, &Call::new(Method::GET, "/api/v1/me")).await;
    let mut admitted = Vec::new();
    for (before, answer, after) in answers {
        let remaining = answer.number("x-ratelimit-remaining");
        let reset = answer.number("x-ratelimit-reset");
        assert_eq!(answer.number("x-ratelimit-limit"), 1000);
        assert_eq!(answer.header("ratelimit-policy"), Some("\"standard\";q=1000;w=3600"));
        let level = answer.header("ratelimit").unwrap();
        let wait = level.strip_prefix(&format!("\"standard\";r={remaining};t=")).expect(level);
        let wait: i64 = wait.parse().unwrap();
        // A wait in whole seconds from a fraction of a second on ends in the announced second or in the one before.
        assert!((before + wait..=after + wait + 1).contains(&reset), "{reset} is not {wait} from now");
        if answer.status == 200 {
            assert_eq!(answer.header("retry-after"), None);
            admitted.push(remaining);
        } else {
            let limited = answer.problem(429, "rate_limited");
            assert_eq!(limited.json()["detail"], "Rate limit exceeded");
            assert_eq!(remaining, 0);
            assert_eq!(limited.number("retry-after"), wait.max(1));
        }
    }
    admitted.sort_unstable();
    assert_eq!(admitted, (0..1000).collect::<Vec<_>>(), "1,000 admissions, each with what it left");
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

#[tokio::test]
async fn a_small_quota_is_free_again_at_reset_and_not_before_its_window_ends() {
    let server = Launch::serve().with(["--tier-standard", "5/2"]).start().await;
    let mut root = server.root();
    let key = root.create(json!({})).await;
    for _ in 0..3 {
        // A unit that an earlier lap took is free when two seconds have passed since: so the clock starts here.
        let began = loop {
            let began = Instant::now();
            if root.verify(&key.value, json!({"cost": 5})).await["valid"] == true {
                break began;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        let mut reset = None;
        in_time("the end of the window", async {
            loop {
                let sent = now();
                let answer = root.verify(&key.value, json!({})).await;
                if answer["valid"] == true {
                    break;
                }
                assert_eq!(answer["code"], "rate_limited");
                let retry_after = answer["retryAfter"].as_u64().unwrap();
                let announced = sent.as_secs() + retry_after;
                let reset = *reset.get_or_insert(announced);
                assert!(announced <= reset + 1, "what is refused does not postpone the reset");
                assert!(sent < Duration::from_secs(reset + 1), "refused after the announced second");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        assert!(began.elapsed() >= Duration::from_secs(2), "six units within one window");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn a_call_at_reset_is_admitted() {
    let server = Launch::serve().with(["--tier-standard", "2/1"]).start().await;
    let key = server.root().create(json!({})).await;
    let mut caller = server.client(&key.value);
    for _ in 0..3 {
        let reset = loop {
            let answer = caller.get("/api/v1/me").await;
            if answer.status == 429 {
                break answer.number("x-ratelimit-reset");
            }
        };
        while unix_seconds() < reset {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        caller.get("/api/v1/me").await.expect(200);
    }
}

async fn left(root: &mut Client, key: &NewKey) -> Value {
    root.verify(&key.value, json!({})).await["rateLimit"]["remaining"].clone()
}

#[tokio::test]
async fn verify_and_calls_take_from_one_quota() {
    let server = Launch::serve().with(["--tier-standard", "3/3600"]).start().await;
    let mut root = server.root();
    let key = root.create(json!({})).await;
    assert_eq!(left(&mut root, &key).await, 2);
    let mut caller = server.client(&key.value);
    assert_eq!(caller.get("/api/v1/me").await.number("x-ratelimit-remaining"), 1);
    assert_eq!(caller.get("/api/v1/permissions").await.number("x-ratelimit-remaining"), 0);
    caller.get("/api/v1/me").await.problem(429, "rate_limited");
    assert_eq!(root.code(&key.value).await, "rate_limited");
    let other = root.create(json!({})).await;
    assert_eq!(left(&mut root, &other).await, 2, "another key has its own");
}

#[tokio::test]
async fn a_restart_keeps_the_window() {
    let server = Server::start().await;
    let mut root = server.root();
    let (whole, part) = (root.create(json!({})).await, root.create(json!({})).await);
    assert_eq!(root.verify(&whole.value, json!({"cost": 1000})).await["valid"], true);
    assert_eq!(root.verify(&part.value, json!({"cost": 700})).await["valid"], true);
    let server = server.restart().await;
    let mut root = server.root();
    assert_eq!(root.code(&whole.value).await, "rate_limited");
    assert_eq!(root.verify(&part.value, json!({"cost": 301})).await["code"], "rate_limited");
    assert_eq!(root.verify(&part.value, json!({"cost": 300})).await["code"], "valid");
    assert_eq!(root.code(&part.value).await, "rate_limited");
}

#[tokio::test]
async fn a_change_of_tier_applies_at_once_and_keeps_what_was_taken() {
    let server =
        Launch::serve().with(["--tier-standard", "5/3600", "--tier-admin", "100/3600"]).start().await;
    let mut root = server.root();
    let key = root.create(json!({})).await;
    assert_eq!(root.verify(&key.value, json!({"cost": 5})).await["valid"], true);
    assert_eq!(root.code(&key.value).await, "rate_limited");
    let admin = root.patch(&key.path(""), json!({"tier": "admin"})).await.expect(200).data();
    assert_eq!(admin["rateLimit"], json!({"limit": 100, "windowSeconds": 3600}));
    let answer = root.verify(&key.value, json!({})).await;
    assert_eq!((&answer["rateLimit"]["limit"], &answer["rateLimit"]["remaining"]), (&json!(100), &json!(94)));
    root.patch(&key.path(""), json!({"tier": "standard"})).await.expect(200);
    assert_eq!(root.code(&key.value).await, "rate_limited");
    root.patch(&key.path(""), json!({"tier": "admin"})).await.expect(200);
    assert_eq!(left(&mut root, &key).await, 93);
}

#[tokio::test]
async fn regenerate_revoke_and_reactivate_keep_the_window() {
    let server = Launch::serve().with(["--tier-standard", "5/3600"]).start().await;
    let mut root = server.root();
    let key = root.create(json!({})).await;
    assert_eq!(root.verify(&key.value, json!({"cost": 2})).await["valid"], true);
    root.post(&key.path("/regenerate"), json!({"overlapSeconds": 600})).await.expect(200);
    assert_eq!(left(&mut root, &key).await, 2, "the older value takes from the same quota");
    let key = NewKey::from(root.act(&key.path("/regenerate")).await.expect(200));
    assert_eq!(left(&mut root, &key).await, 1);
    root.act(&key.path("/revoke")).await.expect(200);
    root.act(&key.path("/reactivate")).await.expect(200);
    assert_eq!(left(&mut root, &key).await, 0);
    root.act(&key.path("/revoke")).await.expect(200);
    root.act(&key.path("/reactivate")).await.expect(200);
    root.patch(&key.path(""), json!({"name": "Renamed"})).await.expect(200);
    assert_eq!(root.code(&key.value).await, "rate_limited");
}
