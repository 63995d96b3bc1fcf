//! Every refusal is the contract's answer, and the service never hears of the request.

use http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::request::Parts;
use http_body_util::BodyExt;
use qwetty::NewKey;
use qwetty_guard::RouteTable;
use qwetty_tower::Need;
use serde_json::Value;
use std::time::Duration;
use tower::{Layer, ServiceExt};

use crate::guard;
use crate::recorder::Recorder;
use crate::support::{DAY, NOON, World, channels, draft, networks};
use crate::wire::{bearing, header, outcome, request};

#[tokio::test]
async fn each_check_refuses_with_its_code() {
    let world = World::new().await;
    world.channel("wa-main").await;
    let key = |new: NewKey| world.key(new);
    let revoked = key(draft(&["chats:read"])).await;
    world.revoke(&revoked).await;
    let in_a_day = Some(NOON.saturating_add(DAY));
    let expired = key(NewKey { expires_at: in_a_day, ..draft(&["chats:read"]) }).await;
    let elsewhere = key(NewKey { networks: networks(&["192.0.2.0/24"]), ..draft(&["chats:read"]) }).await;
    let lacking = key(draft(&["contacts:manage"])).await;
    let scoped = key(NewKey { channels: channels(&["wa-main"]), ..draft(&["chats:read"]) }).await;
    world.clock.advance(DAY);

    let service = Recorder::default();
    let guarded = guard(&world)
        .deciding(|_: &Parts| Some(Need::all(["chats:read"]).on_channel("wa-other")))
        .layer(service.clone());
    for (value, status, code) in [
        ("qwt_malformed", 401, "invalid_api_key"),
        (&*revoked.value, 401, "invalid_api_key"),
        (&*expired.value, 401, "invalid_api_key"),
        (&*elsewhere.value, 403, "ip_not_allowed"),
        (&*lacking.value, 403, "insufficient_permissions"),
        (&*scoped.value, 403, "channel_not_allowed"),
    ] {
        // Once with the help of the store, once without.
        for _ in 0..2 {
            let response = guarded.clone().oneshot(bearing("/chats", value)).await.unwrap();
            assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
            assert!(!response.headers().contains_key("x-ratelimit-limit"));
            assert_eq!(outcome(response).await, (status, code.to_owned()));
        }
    }
    let response = guarded.clone().oneshot(request("/chats")).await.unwrap();
    assert_eq!(outcome(response).await, (401, "missing_authorization".to_owned()));
    let mut twice = bearing("/chats", &lacking.value);
    twice.headers_mut().append(AUTHORIZATION, "Bearer x".parse().unwrap());
    let response = guarded.oneshot(twice).await.unwrap();
    assert_eq!(outcome(response).await, (400, "malformed_request".to_owned()));
    assert_eq!(service.count(), 0);
}

#[tokio::test]
async fn a_refusal_carries_its_challenge_and_the_id_of_the_request() {
    let world = World::new().await;
    let key = world.key(draft(&["contacts:manage"])).await;
    let guarded = guard(&world).requiring(&["chats:read", "audit:read"]).layer(Recorder::default());
    let response = guarded.oneshot(bearing("/", &key.value)).await.unwrap();
    assert_eq!(
        response.headers()[WWW_AUTHENTICATE],
        r#"Bearer realm="qwetty", error="insufficient_scope", scope="chats:read audit:read""#
    );
    let id = header(&response, "X-Request-Id").to_owned();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap()["requestId"], id);
}

#[tokio::test]
async fn a_grpc_call_is_refused_in_grpc_s_words_too() {
    let world = World::new().await;
    let lacking = world.key(draft(&["contacts:manage"])).await;
    let guarded = guard(&world).requiring(&["chats:read"]).layer(Recorder::default());
    for (value, http, grpc, code) in
        [("qwt_x", 401, "16", "invalid_api_key"), (&*lacking.value, 403, "7", "insufficient_permissions")]
    {
        for content_type in ["application/grpc", "application/grpc+proto"] {
            let mut request = bearing("/chats.Chats/List", value);
            request.headers_mut().insert(CONTENT_TYPE, content_type.parse().unwrap());
            let response = guarded.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), http);
            assert_eq!((header(&response, "grpc-status"), header(&response, "grpc-message")), (grpc, code));
        }
        let response = guarded.clone().oneshot(bearing("/chats", value)).await.unwrap();
        assert!(!response.headers().contains_key("grpc-status"));
    }
}

#[tokio::test]
async fn what_the_policy_does_not_know_is_refused_and_counted_to_nobody() {
    let world = World::new().await;
    let service = Recorder::default();
    let guarded = guard(&world)
        .deciding(|request: &Parts| match request.uri.path() {
            "/chats" => Some(Need::all(["chats:read"])),
            _ => None,
        })
        .layer(service.clone());
    for path in ["/", "/chats/", "/CHATS", "//chats", "/chats/../chats"] {
        let response = guarded.clone().oneshot(bearing(path, &world.root.value)).await.unwrap();
        assert!(!response.headers().contains_key("x-ratelimit-limit"));
        assert_eq!(outcome(response).await, (403, "route_not_mapped".to_owned()), "{path}");
    }
    assert_eq!((service.count(), world.counts(&world.root).await), (0, (0, 0)));
    guarded.oneshot(bearing("/chats", &world.root.value)).await.unwrap();
    assert_eq!((service.count(), world.counts(&world.root).await), (1, (1, 0)));
}

#[tokio::test]
async fn a_route_table_decides_by_method_and_path_in_normal_form() {
    let world = World::new().await;
    world.channel("wa-main").await;
    let new = NewKey { channels: channels(&["wa-main"]), ..draft(&["chats:read"]) };
    let key = world.key(new).await;
    let guarded = guard(&world).by(RouteTable::qwetty()).layer(Recorder::default());
    for (method, target, code) in [
        ("GET", "/api/v1/chats", ""),
        ("GET", "/api/v1/ch%61ts?channelId=wa-main", ""),
        ("GET", "/api/v1/chats?channelId=wa-other", "channel_not_allowed"),
        ("GET", "/api/v1/templates", "insufficient_permissions"),
        ("POST", "/api/v1/chats", "route_not_mapped"),
        ("OPTIONS", "*", "route_not_mapped"),
        ("GET", "/api/v1/templates/../chats", "route_not_mapped"),
        ("GET", "/api/v1//chats", "route_not_mapped"),
        ("GET", "http://example.com/api/v1/chats", ""),
    ] {
        let mut request = bearing(target, &key.value);
        *request.method_mut() = method.parse().unwrap();
        let response = guarded.clone().oneshot(request).await.unwrap();
        assert_eq!(outcome(response).await.1, code, "{method} {target}");
    }
}

#[tokio::test]
async fn a_used_up_quota_is_429_until_its_reset() {
    let world = World::with_quotas("2/60", "2/60").await;
    let key = world.key(draft(&["chats:read"])).await;
    let service = Recorder::default();
    let guarded = guard(&world).requiring(&["chats:read"]).layer(service.clone());
    for remaining in ["1", "0"] {
        let response = guarded.clone().oneshot(bearing("/", &key.value)).await.unwrap();
        assert_eq!(
            (response.status().as_u16(), header(&response, "X-RateLimit-Remaining")),
            (200, remaining)
        );
    }
    world.clock.advance(Duration::from_secs(20));
    let response = guarded.clone().oneshot(bearing("/", &key.value)).await.unwrap();
    assert_eq!(response.headers()[RETRY_AFTER], "40");
    assert_eq!(header(&response, "X-RateLimit-Remaining"), "0");
    assert_eq!(header(&response, "RateLimit"), r#""standard";r=0;t=40"#);
    assert_eq!(outcome(response).await, (429, "rate_limited".to_owned()));
    assert_eq!(service.count(), 2);
    world.clock.advance(Duration::from_secs(40));
    assert_eq!(guarded.oneshot(bearing("/", &key.value)).await.unwrap().status(), 200);
    assert_eq!(world.counts(&key).await, (3, 1));
}

#[tokio::test]
async fn a_revocation_holds_for_the_very_next_request() {
    let world = World::new().await;
    let key = world.key(draft(&["chats:read"])).await;
    let guarded = guard(&world).requiring(&["chats:read"]).layer(Recorder::default());
    assert_eq!(guarded.clone().oneshot(bearing("/", &key.value)).await.unwrap().status(), 200);
    world.revoke(&key).await;
    let response = guarded.oneshot(bearing("/", &key.value)).await.unwrap();
    assert_eq!(outcome(response).await, (401, "invalid_api_key".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_than_the_limit_are_let_through_at_once() {
    let world = World::with_quotas("40/3600", "40/3600").await;
    let key = world.key(draft(&["chats:read"])).await;
    let service = Recorder::default();
    let guarded = guard(&world).requiring(&["chats:read"]).layer(service.clone());
    let requests: Vec<_> =
        (0..200).map(|_| tokio::spawn(guarded.clone().oneshot(bearing("/", &key.value)))).collect();
    let mut admitted = 0;
    for request in requests {
        admitted += usize::from(request.await.unwrap().unwrap().status() == 200);
    }
    assert_eq!((admitted, service.count()), (40, 40));
    assert_eq!(world.counts(&key).await, (40, 160));
}
