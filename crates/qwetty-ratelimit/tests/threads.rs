//! Many threads on one window. Every check holds for any schedule; none depends on time passing.
#![cfg(not(loom))]
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use qwetty_ratelimit::{KeyedLimiter, LimiterCell, Moment, Outcome, Quota};

const SECOND: u64 = 1_000_000_000;

fn quota(limit: u32) -> Quota {
    Quota::new(limit, 60).unwrap()
}

fn at(nanos: u64) -> Moment {
    Moment::from_nanos(nanos)
}

/// Runs `work` on `threads` threads that start together, and gives what they return.
fn together<T: Send>(threads: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let barrier = Barrier::new(threads);
    let run = &|index| {
        barrier.wait();
        work(index)
    };
    thread::scope(|scope| {
        let handles: Vec<_> = (0..threads).map(|index| scope.spawn(move || run(index))).collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).collect()
    })
}

/// Takes `cost` until refused, and gives the units admitted.
fn exhaust(cell: &LimiterCell, quota: Quota, cost: u32, now: u64) -> u32 {
    let mut admitted = 0;
    while let Outcome::Admitted(level) = cell.take(quota, cost, at(now)) {
        admitted += cost;
        assert!(level.remaining <= quota.limit() - cost);
    }
    admitted
}

/// The most units in any window of `nanos`, counting those that lie in it for sure: each was admitted at some time between
/// the two readings that its thread made before and after.
fn most_in_any_window(mut admitted: Vec<(u64, u64)>, nanos: u64) -> usize {
    admitted.sort_unstable();
    let within =
        |start: u64| admitted.iter().filter(|&&(from, to)| from >= start && to < start + nanos).count();
    admitted.iter().map(|&(from, _)| within(from)).max().unwrap_or(0)
}

/// A prototype raced on the first use of its zeroed slots.
#[test]
fn a_cold_window_admits_exactly_its_limit_at_one_moment() {
    for limit in [1, 2, 54, 55, 56, 100, 121, 1000] {
        for threads in [2, 4] {
            for round in 0..20 {
                let cell = LimiterCell::new();
                let admitted: u32 =
                    together(threads, |_| exhaust(&cell, quota(limit), 1, round)).iter().sum();
                assert_eq!(admitted, limit, "{threads} threads");
            }
        }
    }
}

#[test]
fn one_window_after_another_admits_exactly_its_limit() {
    for (limit, cost) in [(2, 1), (100, 1), (100, 3), (1000, 1), (1000, 40)] {
        let cell = LimiterCell::new();
        for window in 1..20 {
            let now = window * 60 * SECOND;
            let admitted: u32 = together(3, |_| exhaust(&cell, quota(limit), cost, now)).iter().sum();
            assert_eq!(admitted, limit / cost * cost, "limit {limit}, cost {cost}");
        }
    }
}

/// A prototype took the age of a slot newer than the own reading for very old: 101 of 100 with four threads.
#[test]
fn no_window_is_over_while_time_moves_and_readings_are_stale() {
    for limit in [1, 3, 60, 100, 130] {
        let quota = Quota::new(limit, 1).unwrap();
        let step = SECOND / u64::from(limit) / 7 + 1;
        for threads in [2, 4] {
            let (cell, clock) = (LimiterCell::new(), AtomicU64::new(0));
            let admitted = together(threads, |_| {
                let mut admitted = Vec::new();
                loop {
                    let before = clock.fetch_add(step, Ordering::SeqCst);
                    if before > 4 * SECOND {
                        return admitted;
                    }
                    if let Outcome::Admitted(_) = cell.take(quota, 1, at(before)) {
                        admitted.push((before, clock.load(Ordering::SeqCst)));
                    }
                }
            });
            let admitted = admitted.concat();
            assert!(admitted.len() >= 3 * limit as usize, "{} of {limit} a window", admitted.len());
            assert!(most_in_any_window(admitted, SECOND) <= limit as usize);
        }
    }
}

#[test]
fn many_windows_of_time_pass_under_takers_without_a_window_over() {
    // Wears a window out every 1,020 windows or so, with everybody in the middle of it.
    let quota = Quota::new(7, 1).unwrap();
    let (cell, clock) = (LimiterCell::new(), AtomicU64::new(0));
    let admitted = together(3, |_| {
        let mut admitted = Vec::new();
        loop {
            let before = clock.fetch_add(SECOND / 8, Ordering::SeqCst);
            if before > 2_500 * SECOND {
                return admitted;
            }
            if let Outcome::Admitted(_) = cell.take(quota, 1, at(before)) {
                admitted.push((before, clock.load(Ordering::SeqCst)));
            }
        }
    });
    let admitted = admitted.concat();
    assert!(admitted.len() > 2_500 * 7 * 8 / 10);
    assert!(most_in_any_window(admitted, SECOND) <= 7);
}

#[test]
fn threads_that_disagree_on_the_limit_exceed_neither() {
    for _ in 0..50 {
        let cell = LimiterCell::new();
        let admitted = together(4, |index| {
            let limit = if index % 2 == 0 { 100 } else { 300 };
            (limit, exhaust(&cell, quota(limit), 1, 5))
        });
        let all: u32 = admitted.iter().map(|(_, units)| units).sum();
        assert_eq!(all, 300, "{admitted:?}");
        assert_eq!(cell.peek(quota(300), at(5)).remaining, 0);
    }
}

#[test]
fn a_change_of_limit_under_takers_applies_at_once_and_keeps_the_history() {
    for round in 0..50 {
        let cell = LimiterCell::new();
        let raised = AtomicBool::new(false);
        let admitted: u32 = together(3, |index| {
            if index == 0 {
                let mut admitted = 0;
                while admitted < round {
                    let Outcome::Admitted(_) = cell.take(quota(50), 1, at(0)) else { break };
                    admitted += 1;
                }
                raised.store(true, Ordering::Release);
                return admitted;
            }
            let mut admitted = 0;
            while !raised.load(Ordering::Acquire) {
                if let Outcome::Admitted(_) = cell.take(quota(50), 1, at(0)) {
                    admitted += 1;
                }
            }
            admitted + exhaust(&cell, quota(250), 1, 0)
        })
        .iter()
        .sum();
        assert_eq!(admitted, 250);
    }
}

#[test]
fn snapshots_of_a_busy_window_only_ever_count_more() {
    let quota = quota(1000);
    let cell = LimiterCell::new();
    let _ = cell.take(quota, 1, at(0));
    let done = AtomicBool::new(false);
    together(3, |index| {
        if index > 0 {
            assert!(exhaust(&cell, quota, 1, 0) < 1000);
            done.store(true, Ordering::Release);
            return;
        }
        let mut left = 999;
        while !done.load(Ordering::Acquire) {
            let snapshot = cell.snapshot(at(0)).unwrap();
            let restored = LimiterCell::restore(quota, &snapshot, Duration::ZERO, at(0)).peek(quota, at(0));
            assert!(restored.remaining <= left, "{restored:?} after {left}");
            left = restored.remaining;
        }
    });
    assert_eq!(cell.peek(quota, at(0)).remaining, 0);
}

#[test]
fn eviction_among_takers_resets_no_live_window() {
    let quota = Quota::new(5, 1).unwrap();
    let (limiter, clock) = (KeyedLimiter::new(), AtomicU64::new(0));
    let admitted = together(3, |index| {
        let mut admitted = Vec::new();
        loop {
            let before =
                clock.fetch_add(SECOND / 16 * (1 + clock.load(Ordering::SeqCst) / 7 % 19), Ordering::SeqCst);
            if before > 600 * SECOND {
                return admitted;
            }
            if index == 0 {
                limiter.evict_idle(at(before));
            } else if let Outcome::Admitted(_) = limiter.take(&"key", quota, 1, at(before)) {
                admitted.push((before, clock.load(Ordering::SeqCst)));
            }
        }
    });
    assert!(most_in_any_window(admitted.concat(), SECOND) <= 5);
}
