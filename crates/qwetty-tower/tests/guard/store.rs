//! Keys that are not in memory: the store is asked, and while it is silent nothing is admitted.

use tower::{Layer, ServiceExt};

use crate::guard;
use crate::recorder::Recorder;
use crate::support::{World, draft, settle};
use crate::wire::{bearing, outcome};

#[tokio::test]
async fn a_store_that_fails_admits_nothing() {
    let world = World::new().await;
    let key = world.key(draft(&["chats:read"])).await;
    let service = Recorder::default();
    let guarded = guard(&world).requiring(&["chats:read"]).layer(service.clone());
    world.gates.found.fail();
    let response = guarded.clone().oneshot(bearing("/", &key.value)).await.unwrap();
    assert_eq!(outcome(response).await, (503, "unavailable".to_owned()));
    assert_eq!(service.count(), 0);
    // It failed once; the next request finds it well.
    assert_eq!(guarded.oneshot(bearing("/", &key.value)).await.unwrap().status(), 200);
}

#[tokio::test]
async fn the_store_is_asked_once_for_a_key() {
    let world = World::new().await;
    let key = world.key(draft(&["chats:read"])).await;
    let guarded = guard(&world).requiring(&["chats:read"]).layer(Recorder::default());
    for _ in 0..3 {
        guarded.clone().oneshot(bearing("/", &key.value)).await.unwrap();
    }
    assert_eq!(world.gates.finds(), 1);
}

#[tokio::test]
async fn a_key_that_is_revoked_while_it_is_looked_up_is_refused() {
    let world = World::new().await;
    let key = world.key(draft(&["chats:read"])).await;
    let service = Recorder::default();
    let guarded = guard(&world).requiring(&["chats:read"]).layer(service.clone());
    let mut held = world.gates.found.hold();
    let request = tokio::spawn(guarded.oneshot(bearing("/", &key.value)));
    held.reached().await;
    world.revoke(&key).await;
    held.release();
    assert_eq!(outcome(request.await.unwrap().unwrap()).await, (401, "invalid_api_key".to_owned()));
    assert_eq!(service.count(), 0);
}

#[tokio::test]
async fn a_client_that_leaves_while_its_key_is_looked_up_is_charged_nothing() {
    let world = World::new().await;
    let key = world.key(draft(&["chats:read"])).await;
    let service = Recorder::default();
    let guarded = guard(&world).requiring(&["chats:read"]).layer(service.clone());
    let mut held = world.gates.found.hold();
    let request = tokio::spawn(guarded.oneshot(bearing("/", &key.value)));
    held.reached().await;
    request.abort();
    assert!(request.await.unwrap_err().is_cancelled());
    held.release();
    settle().await;
    assert_eq!((service.count(), world.counts(&key).await), (0, (0, 0)));
}
