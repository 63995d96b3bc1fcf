//! What others do for a part of a decision, beside the whole of ours, in one run.

#![allow(clippy::expect_used, reason = "a bench that cannot be set up says so by panicking")]

use std::collections::HashMap;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;
use std::sync::Arc;

use api_keys_simplified::{ApiKeyManagerV0, Environment, KeyStatus};
use dashmap::DashMap;
use governor::{Quota as GovernorQuota, RateLimiter as Governor};
use limitador::RateLimiter as Limitador;
use limitador::limit::{Context, Limit, Namespace};
use prefixed_api_key::{PrefixedApiKey, PrefixedApiKeyController};
use qwetty::{Charge, Verdict};
use qwetty_authz::Ask;
use qwetty_benches::{BareHash, FastClock, KeysInMemory, Records, criterion};
use qwetty_keys::KeyId;
use qwetty_ratelimit::{KeyedLimiter, Outcome, Quota};

const KEYS: usize = 1_000;
/// As in the bench `verify`.
const HURRIED: u64 = 20_000;
const ASK: Ask<'static> = Ask {
    address: Some(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9))),
    permissions: &["messages:send"],
    channel: Some(Records::CHANNEL),
};
/// No peer is refused within a run; what a refusal costs is another line's.
const PLENTY: u32 = 1_000_000_000;

fn main() {
    let mut criterion = criterion();
    let mut group = criterion.benchmark_group("peers");

    let mut records = Records::seeded(1);
    let values: Vec<_> = (0..KEYS).map(|_| records.value()).collect();
    let bare_hash = BareHash::new([7; 32]);
    let mut turns = values.iter().cycle();
    group.bench_function("bare_hash", |b| b.iter(|| turns.next().map(|value| bare_hash.of(value))));

    let map: DashMap<[u8; 32], Arc<usize>> = values
        .iter()
        .enumerate()
        .map(|(number, value)| (*bare_hash.of(value).as_bytes(), Arc::new(number)))
        .collect();
    let digests: Vec<[u8; 32]> = values.iter().map(|value| *bare_hash.of(value).as_bytes()).collect();
    let mut turns = digests.iter().cycle();
    group.bench_function("bare_map", |b| {
        b.iter(|| turns.next().and_then(|digest| map.get(digest).map(|found| Arc::clone(&found))));
    });

    let keys = KeysInMemory::start(KEYS, FastClock::new(HURRIED), &mut records, |_| {});
    let mut turns = keys.values().iter().cycle();
    group.bench_function("qwetty", |b| {
        b.iter(|| {
            let verdict = keys.verify(turns.next().expect("a cycle has no end"), ASK, Charge::Units(1));
            assert!(matches!(verdict, Verdict::Allow(_)));
        });
    });

    let controller = PrefixedApiKeyController::configure()
        .prefix("qwetty".to_owned())
        .seam_defaults()
        .finalize()
        .expect("its defaults are complete");
    let (key, hash) = controller.generate_key_and_hash();
    let text = key.to_string();
    group.bench_function("prefixed_api_key", |b| {
        b.iter(|| {
            let key = PrefixedApiKey::from_string(black_box(&text)).expect("it is well-formed");
            assert!(controller.check_hash(&key, &hash));
        });
    });

    let manager = ApiKeyManagerV0::init_default_config("qwt").expect("its defaults are complete");
    let key = manager.generate(Environment::production()).expect("a key is made");
    // Milliseconds each.
    group.sample_size(10);
    group.bench_function("api_keys_simplified", |b| {
        b.iter(|| {
            let status = manager.verify(black_box(key.key()), key.expose_hash().hash());
            assert!(matches!(status, Ok(KeyStatus::Valid)));
        });
    });
    group.finish();
    limiters(&mut criterion);
    criterion.final_summary();
}

/// One unit of one of many keys, each in turn.
fn limiters(criterion: &mut criterion::Criterion) {
    let mut group = criterion.benchmark_group("peers/limiter");
    let ids: Vec<KeyId> = (1..=KEYS as u128).map(KeyId::from_u128).collect();

    let (keyed, clock) = (KeyedLimiter::new(), FastClock::new(4 * HURRIED));
    let quota = Quota::new(1_000, 3_600).expect("a quota within its ranges");
    let mut turns = ids.iter().cycle();
    group.bench_function("qwetty", |b| {
        b.iter(|| {
            let outcome = keyed.take(turns.next().expect("a cycle has no end"), quota, 1, clock.moment());
            assert!(matches!(outcome, Outcome::Admitted(_)));
        });
    });

    let plenty = NonZeroU32::new(PLENTY).expect("it is not zero");
    let governor = Governor::dashmap(GovernorQuota::per_second(plenty));
    let mut turns = ids.iter().cycle();
    group.bench_function("governor", |b| {
        b.iter(|| assert!(governor.check_key(turns.next().expect("a cycle has no end")).is_ok()));
    });

    let limitador = Limitador::new(KEYS as u64 * 2);
    let of_each = "key".try_into().expect("a name is an expression");
    limitador.add_limit(Limit::new("api", PLENTY.into(), 3_600, [], [of_each]));
    let namespace = Namespace::from("api");
    let contexts: Vec<Context<'_>> =
        ids.iter().map(|id| HashMap::from([("key".to_owned(), id.to_string())]).into()).collect();
    let mut turns = contexts.iter().cycle();
    group.bench_function("limitador", |b| {
        b.iter(|| {
            let context = turns.next().expect("a cycle has no end");
            let checked = limitador.check_rate_limited_and_update(&namespace, context, 1);
            assert!(checked.is_ok_and(|checked| !checked.limited));
        });
    });
    group.finish();
}
