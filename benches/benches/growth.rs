//! How the cost of an allowed decision grows with the number of keys in memory, asked for in random order, beside the least that
//! it could cost: the hash and a look-up in a map of as many. The bench `many_keys` has the line of a million.

#![allow(clippy::expect_used, reason = "a bench that cannot be set up says so by panicking")]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use qwetty::{Charge, Verdict};
use qwetty_authz::Ask;
use qwetty_benches::{BareHash, FastClock, KeysInMemory, Records, bare_map, criterion};
use rand::SeedableRng;
use rand::rngs::ChaCha20Rng;
use rand::seq::SliceRandom;

const ASK: Ask<'static> = Ask {
    address: Some(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9))),
    permissions: &["messages:send"],
    channel: Some(Records::CHANNEL),
};

fn main() {
    let mut criterion = criterion();
    let mut group = criterion.benchmark_group("growth");
    for (count, speed) in [(1_000, 100_000), (10_000, 10_000), (100_000, 1_000)] {
        // The quota of no key is spent, however often its turn comes.
        let mut records = Records::seeded(1);
        let keys = KeysInMemory::start(count, FastClock::new(speed), &mut records, |_| {});
        // Written down in this order, for a request's text has just come in.
        let mut values: Vec<_> = keys.values().iter().collect();
        values.shuffle(&mut ChaCha20Rng::seed_from_u64(2));
        let texts: Vec<String> = values.iter().map(|value| value.expose().to_owned()).collect();

        let bare_hash = BareHash::new([7; 32]);
        let bare_map = bare_map(&bare_hash, keys.values());
        let mut turns = texts.iter().cycle();
        group.bench_function(format!("bare_hash_and_map/{count}"), |b| {
            b.iter(|| {
                let digest = bare_hash.of_text(turns.next().expect("a cycle has no end"));
                bare_map.get(digest.as_bytes()).map(|found| Arc::clone(&found)).expect("it is in the map")
            });
        });
        drop(bare_map);
        let mut turns = texts.iter().cycle();
        group.bench_function(format!("allowed/{count}"), |b| {
            b.iter(|| {
                let text = turns.next().expect("a cycle has no end");
                let verdict = keys.verify_text(text, ASK, Charge::Units(1));
                assert!(matches!(verdict, Verdict::Allow(_)));
                verdict
            });
        });
    }
    group.finish();
    criterion.final_summary();
}
