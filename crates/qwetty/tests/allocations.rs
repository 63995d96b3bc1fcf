//! A decision on a key in memory allocates nothing, whatever it comes to.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::net::IpAddr;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use allocation_counter::measure;
use qwetty::{Charge, NewKey, VerifyRequest};
use qwetty_authz::Ask;

use support::{HOUR, NOON, TestKey, World, channels, code, draft, networks};

const INSIDE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 9));
const ASK: Ask<'static> =
    Ask { address: Some(INSIDE), permissions: &["messages:send"], channel: Some("wa-main") };

async fn restricted(world: &World) -> TestKey {
    world.channel("wa-main").await;
    let networks = networks(&["192.0.2.1", "198.51.100.0/24", "2001:db8::/32", "203.0.113.0/24"]);
    let channels = channels(&["wa-main"]);
    let expires_at = Some(NOON.saturating_add(HOUR));
    let draft = draft(&["chats:read", "messages:send"]);
    world.key(NewKey { networks, channels, expires_at, ..draft }).await
}

/// Decides twice, since a key's first decision begins its window and its place in the queue of what is to be flushed.
#[track_caller]
fn decide(world: &World, value: &str, ask: Ask<'_>, expected: &str) {
    let request = VerifyRequest { organization: None, ask, charge: Charge::Units(1) };
    let decide =
        || match pin!(world.verifier.verify(value, &request)).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(verdict) => code(&verdict.unwrap()),
            Poll::Pending => panic!("a decision in memory does not wait"),
        };
    decide();
    let counted = measure(|| assert_eq!(decide(), expected));
    assert_eq!((counted.count_total, counted.bytes_total), (0, 0), "{expected}");
}

#[tokio::test]
async fn no_decision_in_memory_allocates() {
    let world = World::with_quotas("4/3600", "4/3600").await;
    let key = restricted(&world).await;
    let unknown = restricted(&World::new().await).await.value;
    let value = key.value.as_str();
    decide(&world, value, ASK, "valid");
    decide(&world, value, Ask { address: None, ..ASK }, "ip_not_allowed");
    decide(&world, value, Ask { permissions: &["contacts:manage"], ..ASK }, "insufficient_permissions");
    decide(&world, value, Ask { channel: Some("web-main"), ..ASK }, "channel_not_allowed");
    decide(&world, value, ASK, "valid");
    decide(&world, value, ASK, "rate_limited");
    let (rest, last) = value.split_at(value.len() - 1);
    let malformed = format!("{rest}{}", if last == "0" { '1' } else { '0' });
    decide(&world, &malformed, ASK, "not_found");
    decide(&world, &unknown, ASK, "not_found");
    world.clock.advance(HOUR);
    decide(&world, value, ASK, "expired");
    world.revoke(&key).await;
    decide(&world, value, ASK, "revoked");
}
