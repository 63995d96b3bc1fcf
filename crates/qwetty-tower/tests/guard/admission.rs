//! What a service gets to see of a request that is let through, and the client of its answer.

use http::HeaderValue;
use http::header::AUTHORIZATION;
use http_body_util::BodyExt;
use qwetty::VerifiedKey;
use qwetty_guard::{RequestId, RequestIds};
use tower::{Layer, ServiceExt};

use crate::guard;
use crate::recorder::Recorder;
use crate::support::{World, draft};
use crate::wire::{bearing, header};

#[tokio::test]
async fn the_service_gets_the_verified_key_and_not_its_value() {
    let world = World::new().await;
    let key = world.key(draft(&["chats:read"])).await;
    let service = Recorder::default();
    let guarded = guard(&world).requiring(&["chats:read"]).layer(service.clone());
    let response = guarded.oneshot(bearing("/chats", &key.value)).await.unwrap();
    assert_eq!(response.status(), 200);

    let seen = service.only();
    assert_eq!(seen.extensions.get::<VerifiedKey>().unwrap().id(), key.id);
    assert_eq!(seen.headers.get(AUTHORIZATION), None);
    assert!(!format!("{seen:?}").contains(&key.value));
}

#[tokio::test]
async fn the_answer_is_the_service_s_with_the_quota_and_the_request_s_id() {
    let world = World::with_quotas("10/60", "10/60").await;
    let key = world.key(draft(&["chats:read"])).await;
    let service = Recorder::default();
    let guarded = guard(&world).requiring(&["chats:read"]).layer(service.clone());
    let response = guarded.oneshot(bearing("/chats", &key.value)).await.unwrap();

    assert_eq!(header(&response, "X-RateLimit-Limit"), "10");
    assert_eq!(header(&response, "X-RateLimit-Remaining"), "9");
    assert_eq!(header(&response, "X-RateLimit-Reset"), "1893499260");
    assert_eq!(header(&response, "RateLimit-Policy"), r#""standard";q=10;w=60"#);
    assert_eq!(header(&response, "RateLimit"), r#""standard";r=9;t=60"#);
    let id = *service.only().extensions.get::<RequestId>().unwrap();
    assert_eq!(header(&response, "X-Request-Id"), id.as_str());
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "the body");
}

#[tokio::test]
async fn a_request_keeps_the_id_that_it_was_given_outside() {
    let world = World::new().await;
    let given = RequestIds::new(99).next();
    for value in [&*world.root.value, "qwt_x"] {
        let mut request = bearing("/", value);
        request.extensions_mut().insert(given);
        // What a client calls its request is not believed.
        request.headers_mut().insert("x-request-id", HeaderValue::from_static("forged"));
        let guarded = guard(&world).requiring(&[]).layer(Recorder::default());
        let response = guarded.oneshot(request).await.unwrap();
        assert_eq!(header(&response, "X-Request-Id"), given.as_str());
    }
}

#[tokio::test]
async fn a_service_that_asks_for_it_keeps_the_value_out_of_sight() {
    let world = World::new().await;
    let service = Recorder::default();
    let guarded = guard(&world).keeping_authorization().requiring(&[]).layer(service.clone());
    guarded.oneshot(bearing("/", &world.root.value)).await.unwrap();
    let kept = service.only().headers[AUTHORIZATION].clone();
    assert_eq!(kept, format!("Bearer {}", world.root.value));
    assert!(!format!("{kept:?}").contains(&world.root.value));
}

#[tokio::test]
async fn headers_that_claim_to_be_a_verified_key_are_none() {
    let world = World::new().await;
    let key = world.key(draft(&["chats:read"])).await;
    let service = Recorder::default();
    let guarded = guard(&world).requiring(&["chats:read"]).layer(service.clone());
    let forged = |mut request: http::Request<_>| {
        request.headers_mut().insert("x-qwetty-key-id", world.root.id.to_string().parse().unwrap());
        request.headers_mut().insert("x-qwetty-permissions", HeaderValue::from_static("chats:read"));
        request
    };
    let response = guarded.clone().oneshot(forged(crate::wire::request("/"))).await.unwrap();
    assert_eq!((response.status().as_u16(), service.count()), (401, 0));
    guarded.oneshot(forged(bearing("/", &key.value))).await.unwrap();
    assert_eq!(service.only().extensions.get::<VerifiedKey>().unwrap().id(), key.id);
}
