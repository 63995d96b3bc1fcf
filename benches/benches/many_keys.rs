//! The whole decision among more keys than any cache of the processor holds, in random order.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a bench that cannot be set up says so by panicking"
)]

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use qwetty::{Charge, Verdict};
use qwetty_authz::Ask;
use qwetty_benches::{BareHash, FastClock, KeysInMemory, Records, bare_map, criterion};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;

const KEYS: usize = 1_000_000;

/// As in `verify.rs`: the address is in the last of the key's four networks.
const ASK: Ask<'static> = Ask {
    address: Some(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9))),
    permissions: &["messages:send"],
    channel: Some(Records::CHANNEL),
};

fn main() {
    let mut records = Records::seeded(4);
    let mut criterion = criterion();
    let mut group = criterion.benchmark_group("many_keys");
    let keys = KeysInMemory::start(KEYS, FastClock::new(1), &mut records, |_| {});
    let mut order: Vec<usize> = (0..KEYS).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(5));
    // Written down in this order, for a request's text has just come in.
    let texts: Vec<String> = order.iter().map(|place| keys.values()[*place].expose().to_owned()).collect();
    let mut turns = texts.iter().cycle();
    let mut next = || turns.next().expect("a cycle has no end");

    let bare_hash = BareHash::new([7; 32]);
    let bare_map = bare_map(&bare_hash, keys.values());
    group.bench_function("bare_hash_and_map", |b| {
        b.iter(|| {
            let digest = bare_hash.of_text(next());
            bare_map.get(digest.as_bytes()).map(|found| Arc::clone(&found)).expect("it is in the map")
        });
    });
    drop(bare_map);

    let decide = |text: &str| {
        let verdict = keys.verify_text(text, black_box(ASK), Charge::Units(1));
        assert!(matches!(verdict, Verdict::Allow(_)));
        verdict
    };
    // Each key's window begins with its first call.
    for text in &texts {
        decide(text);
    }
    group.bench_function("allowed", |b| b.iter(|| decide(next())));
    group.finish();
    criterion.final_summary();
}
