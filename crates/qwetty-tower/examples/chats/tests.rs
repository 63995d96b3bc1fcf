//! The API without a network, a file or a real clock.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use qwetty::{Caller, Engine, ManualClock, Origin};
use qwetty_guard::RequestIds;
use qwetty_keys::Timestamp;
use qwetty_ratelimit::{Quota, TierQuotas};
use qwetty_storage::MemoryStore;
use tower::ServiceExt;

use crate::first_keys::FirstKeys;
use crate::{first_keys, guarded};

/// The API over an engine that forgets everything, at a time that stands still, with two calls a minute for a standard key.
async fn start() -> (Router, Engine, Arc<ManualClock>, FirstKeys) {
    let clock = Arc::new(ManualClock::at(Timestamp::from_unix_micros(0)));
    let engine = Engine::builder(Arc::new(MemoryStore::new()))
        .clock(clock.clone())
        .quotas(TierQuotas { standard: Quota::new(2, 60).unwrap(), ..TierQuotas::default() })
        .start()
        .unwrap();
    let keys = first_keys::make(&engine.manager()).await.unwrap().unwrap();
    (guarded::app(&engine, RequestIds::new(7)), engine, clock, keys)
}

/// Status and body of one call.
async fn get(app: &Router, path: &str, value: &str) -> (StatusCode, String) {
    let request = Request::get(path).header("authorization", format!("Bearer {value}"));
    let response = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_key_sees_the_chats_of_its_channels_alone() {
    let (app, _engine, _clock, keys) = start().await;
    let (_, all) = get(&app, "/api/v1/chats", keys.root.value.expose()).await;
    assert!(all.contains("wa-sales") && all.contains("ig-shop"));
    let (_, some) = get(&app, "/api/v1/chats", keys.sales.value.expose()).await;
    assert!(some.contains("wa-sales") && !some.contains("ig-shop"));
}

#[tokio::test]
async fn who_called_too_often_may_call_again_later() {
    let (app, _engine, clock, keys) = start().await;
    for expected in [StatusCode::OK, StatusCode::OK, StatusCode::TOO_MANY_REQUESTS] {
        assert_eq!(get(&app, "/api/v1/chats", keys.sales.value.expose()).await.0, expected);
    }
    clock.advance(Duration::from_secs(60));
    assert_eq!(get(&app, "/api/v1/chats", keys.sales.value.expose()).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_revoked_key_is_refused_at_once() {
    let (app, engine, _clock, keys) = start().await;
    assert_eq!(get(&app, "/api/v1/chats", keys.sales.value.expose()).await.0, StatusCode::OK);
    let owner = Caller::owner(Origin::default());
    engine.manager().revoke(&owner, keys.sales.key.record.id, None).await.unwrap();
    assert_eq!(get(&app, "/api/v1/chats", keys.sales.value.expose()).await.0, StatusCode::UNAUTHORIZED);
}
