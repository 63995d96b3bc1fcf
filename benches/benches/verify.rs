//! The whole decision on keys that are in memory: allowed, and refused by each check.

#![allow(clippy::expect_used, reason = "a bench that cannot be set up says so by panicking")]

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion};
use qwetty::{Charge, Clock, DenialCode, SystemClock, Verdict};
use qwetty_authz::Ask;
use qwetty_benches::{BareHash, FastClock, Key, KeysInMemory, Records, criterion};
use qwetty_keys::{Lifecycle, Transition};

const KEYS: usize = 1_000;

/// An hour passes in 0.2 s: at a turn each for 1,000 keys that is enough for a quota of 1,000 an hour never to run out.
const HURRIED: u64 = 20_000;
const AS_IT_IS: u64 = 1;

/// The address is in the last of the key's four networks, so that all four are looked at.
const ASK: Ask<'static> = Ask {
    address: Some(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9))),
    permissions: &["messages:send"],
    channel: Some(Records::CHANNEL),
};

fn main() {
    let mut criterion = criterion();
    what_it_is_made_of(&mut criterion);
    decisions(&mut criterion);
    criterion.final_summary();
}

/// The two parts that no decision can do without, for comparison.
fn what_it_is_made_of(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("verify");
    let values: Vec<_> = {
        let mut records = Records::seeded(1);
        (0..KEYS).map(|_| records.value()).collect()
    };
    let bare_hash = BareHash::new([7; 32]);
    let mut turns = values.iter().cycle();
    group.bench_function("bare_hash", |b| b.iter(|| turns.next().map(|value| bare_hash.of(value))));
    let clock = SystemClock::new();
    group.bench_function("clock", |b| b.iter(|| black_box(&clock).now()));
    group.finish();
}

fn decisions(criterion: &mut Criterion) {
    let mut records = Records::seeded(2);
    let an_hour_ago = records.now().saturating_sub(Duration::from_secs(3600));
    let mut group = criterion.benchmark_group("verify");

    let usable = KeysInMemory::start(KEYS, FastClock::new(HURRIED), &mut records, |_| {});
    bench(&mut group, "allowed", &usable, ASK, None);
    let outside = Ask { address: Some(IpAddr::V4(Ipv4Addr::new(8, 8, 8, 8))), ..ASK };
    bench(&mut group, "ip_not_allowed", &usable, outside, Some(DenialCode::IpNotAllowed));
    let lacking = Ask { permissions: &["contacts:manage"], ..ASK };
    bench(
        &mut group,
        "insufficient_permissions",
        &usable,
        lacking,
        Some(DenialCode::InsufficientPermissions),
    );
    let elsewhere = Ask { channel: Some("web-main"), ..ASK };
    bench(&mut group, "channel_not_allowed", &usable, elsewhere, Some(DenialCode::ChannelNotAllowed));

    let spent = KeysInMemory::start(KEYS, FastClock::new(AS_IT_IS), &mut records, |_| {});
    for value in spent.values() {
        assert!(matches!(spent.verify(value, ASK, Charge::Units(1_000)), Verdict::Allow(_)));
    }
    bench(&mut group, "rate_limited", &spent, ASK, Some(DenialCode::RateLimited));

    let revoke = |key: &mut Key| match key.record.lifecycle.clone().revoke(an_hour_ago, None) {
        Transition::Changed(revoked) | Transition::Unchanged(revoked) => key.record.lifecycle = revoked,
    };
    let revoked = KeysInMemory::start(KEYS, FastClock::new(AS_IT_IS), &mut records, revoke);
    bench(&mut group, "revoked", &revoked, ASK, Some(DenialCode::Revoked));

    let expire = |key: &mut Key| {
        key.record.lifecycle = Lifecycle::issue(*key.record.lifecycle.current(), Some(an_hour_ago));
    };
    let expired = KeysInMemory::start(KEYS, FastClock::new(AS_IT_IS), &mut records, expire);
    bench(&mut group, "expired", &expired, ASK, Some(DenialCode::Expired));

    let unknown: Vec<String> = (0..KEYS).map(|_| records.value().expose().to_owned()).collect();
    bench_texts(&mut group, "unknown", &usable, &unknown, ASK, Some(DenialCode::NotFound));
    let malformed: Vec<String> = unknown.iter().map(|text| with_bad_checksum(text)).collect();
    bench_texts(&mut group, "malformed", &usable, &malformed, ASK, Some(DenialCode::NotFound));
    group.finish();
}

/// One line: a decision on each key in turn.
fn bench(
    group: &mut BenchmarkGroup<'_, WallTime>,
    line: &str,
    keys: &KeysInMemory,
    ask: Ask<'_>,
    denial: Option<DenialCode>,
) {
    let texts: Vec<String> = keys.values().iter().map(|value| value.expose().to_owned()).collect();
    bench_texts(group, line, keys, &texts, ask, denial);
}

/// Each decision is looked at, for a line that measured another decision than its name says would be worth nothing.
fn bench_texts(
    group: &mut BenchmarkGroup<'_, WallTime>,
    line: &str,
    keys: &KeysInMemory,
    texts: &[String],
    ask: Ask<'_>,
    denial: Option<DenialCode>,
) {
    let mut turns = texts.iter().cycle();
    group.bench_function(line, |b| {
        b.iter(|| {
            let text = turns.next().expect("a cycle has no end");
            let verdict = keys.verify_text(text, black_box(ask), Charge::Units(1));
            assert_eq!(code(&verdict), denial);
            verdict
        });
    });
}

fn code(verdict: &Verdict) -> Option<DenialCode> {
    match verdict {
        Verdict::Allow(_) => None,
        Verdict::Deny(denial) => Some(denial.code),
    }
}

fn with_bad_checksum(text: &str) -> String {
    let (rest, last) = text.split_at(text.len() - 1);
    format!("{rest}{}", if last == "0" { '1' } else { '0' })
}
