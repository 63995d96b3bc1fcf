//! The limiter beside governor's: 1,000 an hour on one key, by the same clock.

#![allow(clippy::expect_used, reason = "a bench that cannot be set up says so by panicking")]

use std::hint::black_box;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion};
use governor::{Quota as GovernorQuota, RateLimiter};
use qwetty_benches::{FastClock, criterion, time_on_threads};
use qwetty_ratelimit::{KeyedLimiter, LimiterCell, Moment, Outcome, Quota};

const LIMIT: u32 = 1_000;
const WINDOW_SECONDS: u32 = 3_600;
const KEY: u128 = 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef;

/// 10 ns, less than two threads need for a take between them, pass as 4 s, and the quota has a unit every 3.6 s.
const HURRIED: u64 = 400_000_000;
const STANDING: u64 = 0;

/// Between two takes of a client that keeps to its quota.
const SPREAD_NANOS: u64 = 4_000_000_000;
/// Between the bursts of a client that spends its quota at once: a window, and as much again as a limiter may round.
const BURST_NANOS: u64 = 3_601_000_000_000;

fn main() {
    let mut criterion = criterion();
    admissions(&mut criterion);
    denials(&mut criterion);
    criterion.final_summary();
}

fn admissions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("limiter/admitted");
    group.bench_function("cell/now_passed_in_spread", |b| {
        let (cell, mut nanos) = (LimiterCell::new(), 0);
        b.iter(|| {
            nanos += SPREAD_NANOS;
            assert!(admits(cell.take(quota(), 1, Moment::from_nanos(nanos))));
        });
    });
    group.bench_function("cell/now_passed_in_bursts", |b| {
        let (cell, mut takes) = (LimiterCell::new(), 0);
        b.iter(|| {
            takes += 1;
            let burst = takes / u64::from(LIMIT);
            assert!(admits(cell.take(quota(), 1, Moment::from_nanos(burst * BURST_NANOS))));
        });
    });
    for threads in [1, 2] {
        // Two threads may have to try again until they run side by side.
        group.sample_size(if threads == 1 { 1_000 } else { 200 });
        line(&mut group, "cell", threads, |clock| {
            let cell = LimiterCell::new();
            move || admits(cell.take(quota(), 1, clock.moment()))
        });
        line(&mut group, "keyed", threads, |clock| {
            let keyed = KeyedLimiter::new();
            move || admits(keyed.take(&KEY, quota(), 1, clock.moment()))
        });
        line(&mut group, "governor", threads, |clock| {
            let governor = RateLimiter::dashmap_with_clock(governor_quota(), clock);
            move || governor.check_key(black_box(&KEY)).is_ok()
        });
        // As it comes, with a quota that real time cannot spend.
        line(&mut group, "governor_with_its_own_clock", threads, |_| {
            let governor = RateLimiter::dashmap(GovernorQuota::per_second(nonzero(1_000_000_000)));
            move || governor.check_key(black_box(&KEY)).is_ok()
        });
    }
    group.finish();
}

/// Time stands still, so that neither limiter gives a unit back.
fn denials(criterion: &mut Criterion) {
    let clock = FastClock::new(STANDING);
    let (cell, keyed) = (LimiterCell::new(), KeyedLimiter::new());
    let governor = RateLimiter::dashmap_with_clock(governor_quota(), clock);
    for _ in 0..LIMIT {
        assert!(admits(cell.take(quota(), 1, clock.moment())));
        assert!(admits(keyed.take(&KEY, quota(), 1, clock.moment())));
        assert!(governor.check_key(&KEY).is_ok());
    }
    let mut group = criterion.benchmark_group("limiter/refused");
    group.bench_function("cell", |b| b.iter(|| assert!(!admits(cell.take(quota(), 1, clock.moment())))));
    group.bench_function("keyed", |b| {
        b.iter(|| assert!(!admits(keyed.take(&KEY, quota(), 1, clock.moment()))))
    });
    group.bench_function("governor", |b| b.iter(|| assert!(governor.check_key(black_box(&KEY)).is_err())));
    group.finish();
}

/// One line. Each sample begins with a limiter and a clock of its own: time that runs so fast runs out within a minute.
///
/// A thread that is interrupted between reading the clock and taking comes back with a time that is days old, which governor
/// refuses. That happens once in an interruption: a few hundred times at most while threads try to run side by side.
fn line<W: Fn() -> bool + Sync>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    threads: usize,
    limiter: impl Fn(FastClock) -> W,
) {
    let plural = if threads == 1 { "" } else { "s" };
    group.bench_function(format!("{name}/{threads}_thread{plural}"), |b| {
        b.iter_custom(|iterations| {
            let (take, refusals) = (limiter(FastClock::new(HURRIED)), AtomicU64::new(0));
            let time = time_on_threads(threads, iterations, || {
                if !take() {
                    refusals.fetch_add(1, Ordering::Relaxed);
                }
            });
            assert!(refusals.into_inner() <= 500 + iterations / 1_000, "the line measures refusals");
            time
        });
    });
}

fn admits(outcome: Outcome) -> bool {
    matches!(black_box(outcome), Outcome::Admitted(_))
}

fn quota() -> Quota {
    black_box(Quota::new(LIMIT, WINDOW_SECONDS).expect("a quota within its ranges"))
}

fn governor_quota() -> GovernorQuota {
    GovernorQuota::per_hour(nonzero(LIMIT))
}

fn nonzero(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("a limit is not zero")
}
