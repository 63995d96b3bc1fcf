//! The whole decision on keys that are in memory: allowed, and refused by each check.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a bench that cannot be set up says so by panicking"
)]

use std::cell::OnceCell;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion};
use qwetty::{Charge, Clock, DenialCode, SystemClock, Verdict};
use qwetty_authz::Ask;
use qwetty_benches::{BareHash, FastClock, Key, KeysInMemory, Records, criterion, time_on_threads};
use qwetty_keys::{Lifecycle, Transition};
use qwetty_ratelimit::{Quota, QuotaError, TierQuotas};

const KEYS: usize = 1_000;
/// Long enough that threads which begin a little apart hardly tell.
const BATCH: usize = 1_000;

/// An hour passes in 36 ms: at a turn each for 500 keys that is enough for a quota of 1,000 an hour never to run out, as long as a
/// decision takes more than 72 ns.
const HURRIED: u64 = 100_000;
const AS_IT_IS: u64 = 1;

/// What no two threads ask of one key: ten million a second. A clock so much faster that a thousand an hour would not be spent
/// either takes a window through its whole range in half a second, which no key does in a year.
const UNSPENT: Result<Quota, QuotaError> = Quota::new(Quota::MAX_LIMIT, 1);

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
    on_two_threads(&mut criterion);
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

/// Decisions by one thread and by two, on keys of their own and on one. A line is timed by the [`BATCH`]; with two threads it
/// is what a batch takes the thread that decides it while the other one decides as many.
fn on_two_threads(criterion: &mut Criterion) {
    let mut records = Records::seeded(3);
    let mut group = criterion.benchmark_group("verify/threads");
    group.sample_size(100);
    let keys = KeysInMemory::start(KEYS, FastClock::new(HURRIED), &mut records, |_| {});
    let decide = |value| match keys.verify(value, black_box(ASK), Charge::Units(1)) {
        Verdict::Allow(key) => key,
        Verdict::Deny(denial) => unreachable!("{denial:?}"),
    };
    let threads_so_far = AtomicUsize::new(0);
    for threads in [1, 2] {
        group.bench_function(format!("own_keys/{threads}"), |b| {
            b.iter_custom(|batches| {
                time_on_threads(threads, batches, || {
                    let half = usize::from(is_even_thread(&threads_so_far));
                    // Not every other one: keys that were made one after the other are neighbours in memory, and two
                    // threads on neighbours write to the same cache lines.
                    for place in 0..BATCH {
                        decide(&keys.values()[half * KEYS / 2 + place % (KEYS / 2)]);
                    }
                })
            });
        });
    }
    let quotas = TierQuotas { standard: UNSPENT.expect("it is in range"), ..TierQuotas::default() };
    let busy = KeysInMemory::start_under(quotas, 1, FastClock::new(AS_IT_IS), &mut records, |_| {});
    let value = busy.values().first().expect("one was made");
    for threads in [1, 2] {
        group.bench_function(format!("one_key/{threads}"), |b| {
            b.iter_custom(|batches| {
                time_on_threads(threads, batches, || {
                    for _ in 0..BATCH {
                        let verdict = busy.verify(value, black_box(ASK), Charge::Units(1));
                        assert!(matches!(verdict, Verdict::Allow(_)));
                    }
                })
            });
        });
    }
    group.finish();
}

/// Whether this thread was the second, fourth, … to ask first.
fn is_even_thread(threads_so_far: &AtomicUsize) -> bool {
    thread_local!(static EVEN: OnceCell<bool> = const { OnceCell::new() });
    EVEN.with(|even| *even.get_or_init(|| threads_so_far.fetch_add(1, Ordering::Relaxed) % 2 == 1))
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
