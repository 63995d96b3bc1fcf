//! A service is called only when it said that it is ready, and as the very instance that said so.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{Request, Response};
use http_body_util::Full;
use tower::{Layer, Service, ServiceExt};

use crate::guard;
use crate::support::{World, draft};
use crate::wire::{bearing, outcome, request};

/// A service that is ready if the test says so, and insists on having been asked.
struct Strict {
    is_open: Arc<AtomicBool>,
    said_ready: bool,
}

impl Strict {
    fn new(is_open: bool) -> Self {
        Self { is_open: Arc::new(AtomicBool::new(is_open)), said_ready: false }
    }
}

/// Whether an instance said that it is ready is its own matter.
impl Clone for Strict {
    fn clone(&self) -> Self {
        Self { is_open: Arc::clone(&self.is_open), said_ready: false }
    }
}

impl<B> Service<Request<B>> for Strict {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        if !self.is_open.load(Ordering::SeqCst) {
            return Poll::Pending;
        }
        self.said_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _request: Request<B>) -> Self::Future {
        assert!(std::mem::take(&mut self.said_ready), "called without having said that it is ready");
        ready(Ok(Response::default()))
    }
}

/// Waits until the service takes a request.
async fn ready_for<S>(service: &mut S) -> &mut S
where
    S: Service<Request<Full<Bytes>>, Error = Infallible>,
{
    service.ready().await.unwrap()
}

#[tokio::test]
async fn a_service_that_is_not_ready_holds_requests_back() {
    let world = World::new().await;
    let key = world.key(draft(&["chats:read"])).await;
    let strict = Strict::new(false);
    let is_open = Arc::clone(&strict.is_open);
    let mut guarded = guard(&world).requiring(&["chats:read"]).layer(strict);
    assert!(ready_for(&mut guarded).now_or_never().is_none());
    is_open.store(true, Ordering::SeqCst);
    let ready = ready_for(&mut guarded).await;
    assert_eq!(ready.call(bearing("/", &key.value)).await.unwrap().status(), 200);
}

#[tokio::test]
async fn the_instance_that_was_ready_is_the_one_that_is_called() {
    let world = World::new().await;
    let key = world.key(draft(&["chats:read"])).await;
    let mut guarded = guard(&world).requiring(&["chats:read"]).layer(Strict::new(true));
    // First by way of the store, then from memory.
    for _ in 0..3 {
        let ready = ready_for(&mut guarded).await;
        assert_eq!(ready.call(bearing("/", &key.value)).await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn several_requests_wait_for_the_store_side_by_side() {
    let world = World::new().await;
    let (one, other) = (world.key(draft(&["chats:read"])).await, world.key(draft(&["chats:read"])).await);
    let mut guarded = guard(&world).requiring(&["chats:read"]).layer(Strict::new(true));
    let mut held = world.gates.found.hold();
    let first = tokio::spawn(ready_for(&mut guarded).await.call(bearing("/", &one.value)));
    held.reached().await;
    let second = ready_for(&mut guarded).await.call(bearing("/", &other.value));
    assert_eq!(second.await.unwrap().status(), 200);
    held.release();
    assert_eq!(first.await.unwrap().unwrap().status(), 200);
}

#[tokio::test]
async fn a_key_in_memory_is_decided_without_waiting() {
    let world = World::new().await;
    let key = world.key(draft(&["chats:read"])).await;
    let mut guarded = guard(&world).requiring(&["chats:read"]).layer(Strict::new(true));
    ready_for(&mut guarded).await.call(bearing("/", &key.value)).await.unwrap();
    let ready = ready_for(&mut guarded).await;
    assert_eq!(ready.call(bearing("/", &key.value)).now_or_never().unwrap().unwrap().status(), 200);
}

#[tokio::test]
async fn a_refusal_leaves_the_service_ready_for_the_next_request() {
    let world = World::new().await;
    let mut guarded = guard(&world).requiring(&[]).layer(Strict::new(true));
    let ready = ready_for(&mut guarded).await;
    let refused = ready.call(request("/")).await.unwrap();
    assert_eq!(outcome(refused).await, (401, "missing_authorization".to_owned()));
    let ready = ready_for(&mut guarded).await;
    assert_eq!(ready.call(bearing("/", &world.root.value)).await.unwrap().status(), 200);
}
