//! What the layer reads of a request to know whose it is and what it is about.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use http::request::Parts;
use qwetty::NewKey;
use qwetty_tower::{Need, PeerAddress};
use tower::{Layer, ServiceExt};

use crate::guard;
use crate::recorder::Recorder;
use crate::support::{World, channels, draft, networks};
use crate::wire::{bearing, outcome};

const INSIDE: &str = "192.0.2.7:4000";
const PROXY: &str = "10.0.0.1:4000";

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

#[tokio::test]
async fn a_whitelisted_key_is_good_from_a_known_address_inside_alone() {
    let world = World::new().await;
    let key = world.key(NewKey { networks: networks(&["192.0.2.0/24"]), ..draft(&["chats:read"]) }).await;
    let trusting = guard(&world).trusting(["10.0.0.0/8".parse().unwrap()].into_iter().collect());
    let guarded = trusting.requiring(&["chats:read"]).layer(Recorder::default());
    for (peer, forwarded, code) in [
        (None, None, "ip_not_allowed"),
        (None, Some("192.0.2.7"), "ip_not_allowed"),
        (Some(INSIDE), None, ""),
        (Some("[::ffff:192.0.2.7]:4000"), None, ""),
        (Some("198.51.100.9:4000"), None, "ip_not_allowed"),
        // Only the proxy is believed.
        (Some("198.51.100.9:4000"), Some("192.0.2.7"), "ip_not_allowed"),
        (Some(PROXY), Some("192.0.2.7"), ""),
        (Some(PROXY), Some("192.0.2.7, 198.51.100.9"), "ip_not_allowed"),
        (Some(PROXY), Some("192.0.2.7, nonsense"), "ip_not_allowed"),
        (Some(PROXY), None, "ip_not_allowed"),
    ] {
        let mut request = bearing("/", &key.value);
        if let Some(peer) = peer {
            request.extensions_mut().insert(PeerAddress(address(peer)));
        }
        if let Some(forwarded) = forwarded {
            request.headers_mut().insert("x-forwarded-for", forwarded.parse().unwrap());
        }
        let response = guarded.clone().oneshot(request).await.unwrap();
        assert_eq!(outcome(response).await.1, code, "{peer:?} {forwarded:?}");
    }
}

#[tokio::test]
async fn the_peer_is_learnt_as_the_service_says() {
    let world = World::new().await;
    let key = world.key(NewKey { networks: networks(&["192.0.2.0/24"]), ..draft(&["chats:read"]) }).await;
    let guarded = guard(&world)
        .peer_from(|request| request.extensions.get().map(|&ConnectInfo(peer)| peer))
        .requiring(&["chats:read"])
        .layer(Recorder::default());
    let mut request = bearing("/", &key.value);
    request.extensions_mut().insert(ConnectInfo(address(INSIDE)));
    assert_eq!(guarded.oneshot(request).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_policy_may_borrow_the_channel_from_the_request_or_make_it() {
    let world = World::new().await;
    world.channel("wa-main").await;
    let key = world.key(NewKey { channels: channels(&["wa-main"]), ..draft(&["chats:read"]) }).await;
    let guarded = guard(&world)
        .deciding(|request: &Parts| {
            let needs = Need::all(["chats:read"]);
            match request.uri.path().strip_prefix("/channels/")? {
                "" => Some(needs),
                made if made.starts_with("made/") => Some(needs.on_channel(made.replace("made/", "wa-"))),
                borrowed => Some(needs.on_channel(borrowed)),
            }
        })
        .layer(Recorder::default());
    for (path, code) in [
        ("/channels/", ""),
        ("/channels/wa-main", ""),
        ("/channels/wa-other", "channel_not_allowed"),
        ("/channels/made/main", ""),
        ("/channels/made/other", "channel_not_allowed"),
        ("/elsewhere", "route_not_mapped"),
    ] {
        let response = guarded.clone().oneshot(bearing(path, &key.value)).await.unwrap();
        assert_eq!(outcome(response).await.1, code, "{path}");
    }
}
