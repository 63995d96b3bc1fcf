//! The limiter beside governor's: 1,000 an hour on one key, by the same clock.

#![allow(clippy::expect_used, reason = "a bench that cannot be set up says so by panicking")]

use std::hint::black_box;
use std::num::{NonZeroU32, NonZeroU64};
use std::sync::atomic::{AtomicU64, Ordering};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion};
use governor::{Quota as GovernorQuota, RateLimiter};
use qwetty_benches::{FastClock, criterion, time_on_threads};
use qwetty_ratelimit::{KeyedLimiter, LimiterCell, Moment, Outcome, Quota};

const LIMIT: u32 = 1_000;
const WINDOW_SECONDS: u32 = 3_600;
const KEY: u128 = 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef;

/// 10 ns, less than two threads need for a take between them, pass as 4 s, and the quota has a unit every 3.6 s: every take
/// comes at another time.
const SPREAD: u64 = 400_000_000;
/// Time stands still for 20 µs, in which two threads do not spend the quota, and then an hour has passed.
const BURSTS: u64 = 180_050_000;
const BURST_STEP: NonZeroU64 = NonZeroU64::new(20_000).expect("not zero");
const STANDING: u64 = 0;
/// As long as a cell may last before its time scale is worn out, of which a server that is restarted now and then sees nothing.
const MONTH: u64 = 30 * 24 * 3_600_000_000_000;

/// Takes that count as one iteration of a line with threads, so that no sample is over before all threads have begun.
const BATCH: u64 = 1_000;

fn main() {
    let mut criterion = criterion();
    admissions(&mut criterion);
    denials(&mut criterion);
    criterion.final_summary();
}

fn admissions(criterion: &mut Criterion) {
    let spread = || FastClock::new(SPREAD);
    let bursts = || FastClock::new(BURSTS).in_steps_of(BURST_STEP);
    cell_alone(criterion);
    beside_governor(&mut criterion.benchmark_group("limiter/spread"), spread);
    beside_governor(&mut criterion.benchmark_group("limiter/bursts"), bursts);
    let mut group = criterion.benchmark_group("limiter/own_clock");
    for threads in [1, 2] {
        // As it comes, with a quota that real time cannot spend.
        line(&mut group, "governor", threads, || {
            let governor = RateLimiter::dashmap(GovernorQuota::per_second(nonzero(1_000_000_000)));
            move || governor.check_key(black_box(&KEY)).is_ok()
        });
    }
    group.finish();
}

/// No clock is read, and nobody else takes.
fn cell_alone(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("limiter/now_passed_in");
    for (name, takes_at_once, nanos_between) in
        [("spread", 1, 4_000_000_000), ("bursts", 1_000, 3_601_000_000_000)]
    {
        group.bench_function(name, |b| {
            let (mut cell, mut takes, mut nanos) = (LimiterCell::new(), 0, 0);
            let quota = quota();
            b.iter(|| {
                if takes == takes_at_once {
                    (takes, nanos) = (0, nanos + nanos_between);
                }
                if nanos > MONTH {
                    (cell, nanos) = (LimiterCell::new(), 0);
                }
                takes += 1;
                assert!(admits(cell.take(black_box(quota), 1, Moment::from_nanos(nanos))));
            });
        });
    }
    group.finish();
}

fn beside_governor(group: &mut BenchmarkGroup<'_, WallTime>, start_clock: impl Fn() -> FastClock) {
    for threads in [1, 2] {
        line(group, "cell", threads, || {
            let (cell, clock, quota) = (LimiterCell::new(), start_clock(), quota());
            move || admits(cell.take(black_box(quota), 1, clock.moment()))
        });
        line(group, "keyed", threads, || {
            let (keyed, clock, quota) = (KeyedLimiter::new(), start_clock(), quota());
            move || admits(keyed.take(black_box(&KEY), black_box(quota), 1, clock.moment()))
        });
        line(group, "governor", threads, || {
            let governor = RateLimiter::dashmap_with_clock(governor_quota(), start_clock());
            move || governor.check_key(black_box(&KEY)).is_ok()
        });
    }
}

/// Time stands still, so that neither limiter gives a unit back.
fn denials(criterion: &mut Criterion) {
    let clock = FastClock::new(STANDING);
    let (cell, keyed, quota) = (LimiterCell::new(), KeyedLimiter::new(), quota());
    let governor = RateLimiter::dashmap_with_clock(governor_quota(), clock);
    for _ in 0..LIMIT {
        assert!(admits(cell.take(quota, 1, clock.moment())));
        assert!(admits(keyed.take(&KEY, quota, 1, clock.moment())));
        assert!(governor.check_key(&KEY).is_ok());
    }
    let mut group = criterion.benchmark_group("limiter/refused");
    group.bench_function("cell", |b| {
        b.iter(|| assert!(!admits(cell.take(black_box(quota), 1, clock.moment()))))
    });
    group.bench_function("keyed", |b| {
        b.iter(|| assert!(!admits(keyed.take(black_box(&KEY), black_box(quota), 1, clock.moment()))))
    });
    group.bench_function("governor", |b| b.iter(|| assert!(governor.check_key(black_box(&KEY)).is_err())));
    group.finish();
}

/// One line, of [`BATCH`] takes by each thread. Each sample begins with a limiter and a clock of its own: time that runs so fast runs out within a minute.
///
/// A thread that is interrupted between reading the clock and taking comes back with a time that is days old, which governor
/// refuses. That happens once in an interruption: a few hundred times at most while threads try to run side by side.
fn line<W: Fn() -> bool + Sync>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    threads: usize,
    limiter: impl Fn() -> W,
) {
    // Two threads may have to try again until they run side by side.
    group.sample_size(if threads == 1 { 1_000 } else { 200 });
    let plural = if threads == 1 { "" } else { "s" };
    group.bench_function(format!("{name}/{threads}_thread{plural}_x{BATCH}"), |b| {
        b.iter_custom(|iterations| {
            let (take, refusals) = (limiter(), AtomicU64::new(0));
            let time = time_on_threads(threads, iterations * BATCH, || {
                if !take() {
                    refusals.fetch_add(1, Ordering::Relaxed);
                }
            });
            assert!(refusals.into_inner() <= 500 + iterations, "the line measures refusals");
            time
        });
    });
}

fn admits(outcome: Outcome) -> bool {
    matches!(black_box(outcome), Outcome::Admitted(_))
}

fn quota() -> Quota {
    Quota::new(LIMIT, WINDOW_SECONDS).expect("a quota within its ranges")
}

fn governor_quota() -> GovernorQuota {
    GovernorQuota::per_hour(nonzero(LIMIT))
}

fn nonzero(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("a limit is not zero")
}
