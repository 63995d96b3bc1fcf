//! The machine's clock is wrong when the server starts, or is set while it runs: what a user then sees.
//!
//! What takes no process is in the engine's own tests of time.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use qwetty_tests::{Client, Launch, Server, WrongClock, demanded, eventually, from_now, unix_seconds};
use serde_json::{Value, json};

const DAY: i64 = 24 * 3600;
const YEAR: i64 = 365 * DAY;
/// To 1970 or shortly after, and to before 9999, from a time in the decades of this program.
const FIRST: i64 = -56 * YEAR;
const LAST: i64 = 7900 * YEAR;

/// A server by a clock that a test sets; `None` where there is none.
async fn server_with<const N: usize>(arguments: [&str; N]) -> Option<(Server, WrongClock)> {
    let launch = Launch::serve().with(arguments);
    let clock = WrongClock::new(launch.directory());
    if !demanded("a C compiler, on Linux", clock.is_some()) {
        return None;
    }
    let clock = clock?;
    let server = clock.launch(launch).start().await;
    Some((server, clock))
}

/// Starts the server again, by a clock that is so wrong.
async fn again(server: Server, clock: &WrongClock, seconds: i64, root: &str) -> (Server, Client) {
    let launch = server.launch().clone();
    server.stop().await;
    clock.set(seconds);
    let server = launch.start().await;
    let root = server.client(root);
    (server, root)
}

#[tokio::test]
async fn a_restart_by_a_wrong_clock_loses_nothing() {
    let Some((server, clock)) = server_with(["--tier-standard", "3/3600"]).await else { return };
    let root_key = server.root_key().to_owned();
    let mut root = server.root();
    let key = root.create(json!({"expiresAt": from_now(3600.0)})).await;
    let revoked = root.create(json!({})).await;
    root.act(&revoked.path("/revoke")).await.expect(200);
    for _ in 0..3 {
        assert_eq!(root.code(&key.value).await, "valid");
    }
    let log = "/api/v1/audit-events?limit=100";
    let events = root.get(log).await.expect(200).data();
    let mut server = server;
    // A day back, ten years ahead, the first year and nearly the last that HTTP can write a date in, and back again.
    for (seconds, code) in [
        (-DAY, "rate_limited"),
        (10 * YEAR, "expired"),
        (FIRST, "rate_limited"),
        (LAST, "expired"),
        // The window was saved in 1970 by then.
        (0, "valid"),
    ] {
        (server, root) = again(server, &clock, seconds, &root_key).await;
        assert_eq!(root.code(&revoked.value).await, "revoked", "{seconds}");
        let verdict = root.verify(&key.value, json!({})).await;
        assert_eq!(verdict["code"], code, "{seconds}: {verdict}");
        if let Some(wait) = verdict["retryAfter"].as_i64() {
            assert!((1..=3600).contains(&wait), "{seconds}: retry after {wait} s");
        }
        let reset = root.get("/api/v1/me").await.expect(200).number("x-ratelimit-reset");
        let wait = reset - (unix_seconds() + seconds);
        assert!((0..=3601).contains(&wait), "{seconds}: reset in {wait} s");
        assert_eq!(root.get(log).await.expect(200).data(), events, "{seconds}: nothing is purged");
        assert_eq!(
            root.key(&key.id).await["usage"]["requestCount"],
            if seconds == 0 { 4 } else { 3 },
            "{seconds}"
        );
        root.get(&format!("/api/v1/api-keys/{}/usage", key.id)).await.expect(200);
    }
    let ended = server.stop().await;
    assert!(!ended.log.contains("panicked"), "{}", ended.log);
}

#[tokio::test]
async fn keys_that_are_made_by_a_wrong_clock_work_and_stand_in_every_list_once() {
    let Some((mut server, clock)) = server_with([]).await else { return };
    let root_key = server.root_key().to_owned();
    let mut made: Vec<(String, String)> = Vec::new();
    for seconds in [0, -DAY, 10 * YEAR, FIRST, LAST, 0] {
        let mut root;
        (server, root) = again(server, &clock, seconds, &root_key).await;
        let key = root.create(json!({})).await;
        assert_eq!(root.code(&key.value).await, "valid", "{seconds}");
        made.push((key.id, key.value));
        for sort in ["createdAt", "lastUsedAt", "name"] {
            let listed =
                root.get(&format!("/api/v1/api-keys?limit=100&sort={sort}")).await.expect(200).data();
            let mut ids: Vec<&str> =
                listed.as_array().unwrap().iter().filter_map(|key| key["id"].as_str()).collect();
            ids.sort_unstable();
            ids.dedup();
            assert_eq!(ids.len(), made.len() + 1, "{seconds} {sort}");
        }
    }
    let mut root = server.client(&root_key);
    for (_, value) in &made {
        assert_eq!(root.code(value).await, "valid");
    }
    let times: Vec<Value> = root
        .get("/api/v1/api-keys?limit=100&sort=createdAt&order=asc")
        .await
        .expect(200)
        .data()
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["createdAt"].clone())
        .collect();
    assert!(times.is_sorted_by_key(|time| time.as_str().unwrap().to_owned()), "{times:?}");
}

#[tokio::test]
async fn a_clock_that_is_set_while_the_server_runs_revives_nothing() {
    let Some((server, clock)) = server_with(["--tier-standard", "2/3600"]).await else { return };
    let mut root = server.root();
    let key = root.create(json!({"expiresAt": from_now(3600.0)})).await;
    // Nobody asks for this one: it is looked at.
    let seen = root.create(json!({"expiresAt": from_now(3600.0)})).await;
    let limited = root.create(json!({})).await;
    for code in ["valid", "valid", "rate_limited"] {
        assert_eq!(root.code(&limited.value).await, code);
    }
    clock.set(DAY);
    eventually("the new time", async || (root.code(&key.value).await == "expired").then_some(())).await;
    let listed = root.get("/api/v1/api-keys?status=expired").await.expect(200).json();
    assert_eq!(listed["meta"]["total"], 2);
    for seconds in [0, -DAY, -10 * YEAR, 10 * YEAR, 0] {
        clock.set(seconds);
        // The server notices within a millisecond or so; what it says of the time tells when.
        eventually("the time", async || {
            let reset = root.get("/api/v1/me").await.expect(200).number("x-ratelimit-reset");
            (0..=3601).contains(&(reset - unix_seconds() - seconds)).then_some(())
        })
        .await;
        assert_eq!(root.code(&key.value).await, "expired", "{seconds}");
        assert_eq!(root.code(&limited.value).await, "rate_limited", "{seconds}");
        assert_eq!(root.key(&seen.id).await["status"], "expired", "{seconds}");
        for (status, total) in [("active", 2), ("expiring_soon", 0), ("expired", 2)] {
            let listed = root.get(&format!("/api/v1/api-keys?status={status}")).await.expect(200).json();
            assert_eq!(listed["meta"]["total"], total, "{seconds} {status}");
            let keys = listed["data"].as_array().unwrap();
            assert!(keys.iter().all(|key| key["status"] == status), "{seconds}: {listed}");
        }
    }
    assert_eq!(root.code(&seen.value).await, "expired");
}
