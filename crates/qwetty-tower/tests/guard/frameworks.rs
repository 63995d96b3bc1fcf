//! The layer where people put it: in axum's router, in front of a bare hyper server.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use axum::routing::get;
use axum::{Extension, Router};
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use qwetty::{NewKey, VerifiedKey};
use tokio::net::TcpListener;
use tower::ServiceBuilder;

use crate::guard;
use crate::recorder::Recorder;
use crate::support::{World, draft, networks};
use crate::wire::{bearing, outcome, request, send};

#[tokio::test]
async fn in_axum_each_route_has_its_own_needs() {
    let world = World::new().await;
    let local = NewKey { networks: networks(&["127.0.0.0/8"]), ..draft(&["chats:read"]) };
    let key = world.key(local).await;
    let guard = guard(&world).peer_from(|request| request.extensions.get().map(|&ConnectInfo(peer)| peer));
    let whoami = |Extension(key): Extension<VerifiedKey>| async move { key.id().to_string() };
    let app = Router::new()
        .route("/chats", get(whoami).layer(guard.requiring(&["chats:read"])))
        .route("/contacts", get(whoami).layer(guard.requiring(&["contacts:manage"])))
        // Whoever forgets the layer has no key in the handler, and answers nothing.
        .route("/forgotten", get(whoami));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = listener.local_addr().unwrap();
    tokio::spawn(async move {
        axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await
    });

    let response = send(server, bearing("/chats", &key.value)).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["x-ratelimit-remaining"], "999");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, key.id.to_string());
    let code = outcome(send(server, bearing("/contacts", &key.value)).await).await;
    assert_eq!(code, (403, "insufficient_permissions".to_owned()));
    let code = outcome(send(server, request("/chats")).await).await;
    assert_eq!(code, (401, "missing_authorization".to_owned()));
    assert_eq!(outcome(send(server, bearing("/forgotten", &key.value)).await).await.0, 500);
}

#[tokio::test]
async fn in_front_of_bare_hyper_bodies_pass_as_they_are() {
    let world = World::new().await;
    let key = world.key(draft(&["chats:read"])).await;
    // Answers with the body of the request: `Incoming` goes in and comes out.
    let service =
        ServiceBuilder::new().layer(guard(&world).requiring(&["chats:read"])).service(Recorder::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let service = TowerToHyperService::new(service.clone());
            tokio::spawn(
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
            );
        }
    });

    let response = send(server, bearing("/", &key.value)).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "the body");
    let code = outcome(send(server, bearing("/", "qwt_x")).await).await;
    assert_eq!(code, (401, "invalid_api_key".to_owned()));
}
