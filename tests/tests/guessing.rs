//! Failed authentication is slowed by the address that it comes from, and a good key never is.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::disallowed_methods, reason = "how long it takes is what is tested")]

use std::time::{Duration, Instant};

use http::Method;
use qwetty_tests::{Answer, Call, Client, Launch, Server, in_time};
use serde_json::json;
use tokio::task::JoinSet;

const ME: &str = "/api/v1/me";

/// Five failures are free, and the next one is 100 s away.
fn strict() -> Launch {
    Launch::serve().env("QWETTY_FAILED_ATTEMPTS", "5/500")
}

async fn fail(client: &mut Client) -> Answer {
    client.get(ME).await
}

/// Uses up what is free for this address, and sees the next failure turned away.
async fn exhaust(server: &Server, from: &str) {
    let mut client = server.client("qwt_guess").calling_from(from);
    for _ in 0..5 {
        fail(&mut client).await.problem(401, "invalid_api_key");
    }
    let refused = fail(&mut client).await.problem(429, "rate_limited");
    assert!((1..=100).contains(&refused.number("retry-after")));
    for header in ["x-ratelimit-limit", "ratelimit", "www-authenticate"] {
        assert_eq!(refused.header(header), None, "it is no key's quota");
    }
}

#[tokio::test]
async fn a_thousand_failures_are_answered_as_ever() {
    let server = Server::start().await;
    let mut client = server.client("qwt_guess");
    let unknown = Server::start().await.root_key().to_owned();
    for _ in 0..400 {
        fail(&mut client).await.problem(401, "invalid_api_key");
    }
    let mut client = server.client(&unknown);
    for _ in 0..400 {
        fail(&mut client).await.problem(401, "invalid_api_key");
    }
}

#[tokio::test]
async fn a_good_key_is_admitted_whatever_failed_at_its_address() {
    let server = strict().start().await;
    let mut root = server.root();
    let (known, never_used) = (root.create(json!({})).await, root.create(json!({})).await);
    server.client(&known.value).get(ME).await.expect(200);
    exhaust(&server, "127.0.0.1").await;
    for value in [&known.value, &never_used.value, server.root_key()] {
        for _ in 0..20 {
            server.client(value).get(ME).await.expect(200);
        }
    }
    // What is refused for something else is no failure, and is told as ever.
    server.anyone().get(ME).await.problem(401, "missing_authorization");
    server.client(&known.value).get("/api/v1/audit-events").await.problem(403, "insufficient_permissions");
    // Even after a restart, when no key is in memory.
    let server = server.restart().await;
    exhaust(&server, "127.0.0.1").await;
    server.client(&known.value).get(ME).await.expect(200);
}

#[tokio::test]
async fn the_treatment_tells_nothing_of_a_value() {
    let server = strict().start().await;
    let mut root = server.root();
    let (revoked, deleted) = (root.create(json!({})).await, root.create(json!({})).await);
    root.act(&revoked.path("/revoke")).await.expect(200);
    root.delete(&deleted.path("")).await.expect(204);
    let expired = root.create_expired(json!({})).await;
    let unknown = Server::start().await.root_key().to_owned();
    let values = [&*revoked.value, &*deleted.value, &*expired.value, &*unknown, "qwt_guess"];
    for (number, value) in values.into_iter().enumerate() {
        // Each of them takes from the budget, and each is turned away where it is used up.
        let from = format!("127.0.1.{number}");
        let mut client = server.client(value).calling_from(&from);
        for _ in 0..5 {
            fail(&mut client).await.problem(401, "invalid_api_key");
        }
        for value in values {
            let mut client = server.client(value).calling_from(&from);
            fail(&mut client).await.problem(429, "rate_limited");
        }
    }
}

#[tokio::test]
async fn verifying_unknown_keys_costs_a_service_nothing() {
    let server = strict().start().await;
    let mut root = server.root();
    for number in 0..50 {
        assert_eq!(root.code(&format!("qwt_{number}")).await, "not_found");
    }
    let mut guesser = server.client("qwt_guess");
    let ask = json!({"key": "qwt_x"});
    for _ in 0..5 {
        guesser.post("/api/v1/verify", ask.clone()).await.problem(401, "invalid_api_key");
    }
    guesser.post("/api/v1/verify", ask).await.problem(429, "rate_limited");
    assert_eq!(root.code("qwt_x").await, "not_found");
}

#[tokio::test]
async fn each_address_has_its_own_and_an_ipv6_network_is_one() {
    let server = strict().with(["--trusted-proxy", "127.0.0.1"]).start().await;
    let mut proxy = server.client("qwt_guess");
    let mut from = async |client: &str| {
        proxy.send(Call::new(Method::GET, ME).header("x-forwarded-for", client)).await.status
    };
    for (addresses, same, other) in [
        (["192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1:80"], "192.0.2.1", "192.0.2.2"),
        (["2001:db8::1", "2001:db8::2", "[2001:db8::3]:80"], "2001:db8::ffff:1", "2001:db8:0:1::1"),
    ] {
        for address in addresses.into_iter().chain([same, same]) {
            assert_eq!(from(address).await, 401, "{address}");
        }
        assert_eq!(from(same).await, 429);
        assert_eq!(from(other).await, 401);
    }
    // Whoever is not trusted cannot take from another's, nor escape its own.
    let mut liar = server.client("qwt_guess").calling_from("127.0.0.9");
    for host in 0..6 {
        let call = Call::new(Method::GET, ME).header("x-forwarded-for", &format!("198.51.100.{host}"));
        assert_eq!(liar.send(call).await.status, if host < 5 { 401 } else { 429 });
    }
}

#[tokio::test]
async fn a_gateway_is_told_of_its_client_alone() {
    let server = strict().with(["--trusted-proxy", "127.0.0.1"]).start().await;
    let key = server.root().create(json!({})).await;
    let ask = async |value: &str, client: &str| {
        let call = Call::new(Method::GET, "/api/v1/authorize")
            .header("x-forwarded-method", "GET")
            .header("x-forwarded-uri", "/api/v1/chats")
            .header("x-forwarded-for", client);
        server.client(value).send(call).await
    };
    for _ in 0..5 {
        ask("qwt_guess", "192.0.2.1").await.problem(401, "invalid_api_key");
    }
    let refused = ask("qwt_guess", "192.0.2.1").await.problem(429, "rate_limited");
    assert!(refused.number("retry-after") >= 1);
    assert!(refused.header("x-qwetty-problem").unwrap().contains("rate_limited"));
    ask(&key.value, "192.0.2.1").await.expect(200);
    ask("qwt_guess", "192.0.2.2").await.problem(401, "invalid_api_key");
}

#[tokio::test]
async fn whoever_goes_on_is_held_to_the_pace() {
    // Ten at once, then ten a second.
    let server = Launch::serve().env("QWETTY_FAILED_ATTEMPTS", "10/1").start().await;
    let mut client = server.client("qwt_guess");
    let began = Instant::now();
    for _ in 0..20 {
        fail(&mut client).await.problem(401, "invalid_api_key");
    }
    assert!(began.elapsed() >= Duration::from_millis(900), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_flood_of_failures_slows_no_good_key_at_its_address() {
    let launch = strict().with(["--metrics-listen", "127.0.0.1:0"]);
    let server = launch.start().await;
    let key = server.root().create(json!({})).await;
    let mut flood = JoinSet::new();
    for number in 0..16 {
        let mut client = server.client(&format!("qwt_{number}"));
        flood.spawn(async move {
            let mut turned_away = 0;
            for _ in 0..100 {
                turned_away += usize::from(fail(&mut client).await.status == 429);
            }
            turned_away
        });
    }
    let mut client = server.client(&key.value);
    for _ in 0..200 {
        client.get(ME).await.expect(200);
    }
    let turned_away: usize = in_time("the flood", flood.join_all()).await.into_iter().sum();
    assert_eq!(turned_away, 1600 - 5);

    let log = std::fs::read_to_string(launch.directory().join("log")).unwrap();
    let serving = log.lines().find(|line| line.contains("serving metrics")).unwrap();
    let address = serving.split("address=").nth(1).unwrap().trim().parse().unwrap();
    let metrics = Client::new(address).get("/metrics").await.expect(200).text();
    assert!(metrics.contains("\nqwetty_failed_attempts_total{answer=\"turned_away\"} 1595\n"), "{metrics}");
    assert!(metrics.contains("\nqwetty_failed_attempts_total{answer=\"free\"} 5\n"), "{metrics}");
}
