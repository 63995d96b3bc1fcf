//! Every interleaving of a few takes on a ring of three groups:
//! `RUSTFLAGS="--cfg loom" cargo test -p qwetty-ratelimit --test loom --release`
#![cfg(loom)]
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use loom::sync::Arc;
use loom::thread;
use qwetty_ratelimit::{KeyedLimiter, LimiterCell, Moment, Outcome, Quota};

const SECOND: u64 = 1_000_000_000;
/// Ticks of 250 ns since a second before the origin are more than 32 bits by then.
const WORN_OUT: u64 = 1_073 * SECOND;

fn quota(limit: u32) -> Quota {
    Quota::new(limit, 1).unwrap()
}

trait Limiter: Send + Sync + 'static {
    fn cold() -> Self;
    fn answer(&self, quota: Quota, cost: u32, now: Moment) -> Outcome;
}

impl Limiter for LimiterCell {
    fn cold() -> Self {
        Self::new()
    }

    fn answer(&self, quota: Quota, cost: u32, now: Moment) -> Outcome {
        self.take(quota, cost, now)
    }
}

/// With one key, which is all that a limiter knows under loom.
impl Limiter for KeyedLimiter<()> {
    fn cold() -> Self {
        Self::new()
    }

    fn answer(&self, quota: Quota, cost: u32, now: Moment) -> Outcome {
        self.take(&(), quota, cost, now)
    }
}

/// The units that a take was given.
fn take(limiter: &impl Limiter, limit: u32, cost: u32, now: u64) -> u32 {
    match limiter.answer(quota(limit), cost, Moment::from_nanos(now)) {
        Outcome::Admitted(level) => {
            assert!(level.remaining <= limit - cost);
            cost
        }
        Outcome::Refused(level) => {
            assert!(level.remaining < cost);
            assert!(level.grows_in > Duration::ZERO);
            0
        }
        Outcome::CostOutOfRange { .. } => panic!("cost {cost} is in range"),
    }
}

/// Two threads on one limiter that has been prepared, then a look at what they did.
///
/// Loom prunes what it holds equivalent and then misses some of what the main thread can see, so both threads play it.
fn check<L: Limiter>(prepare: fn(&L), one: fn(&L) -> u32, other: fn(&L) -> u32, verify: fn(&L, u32, u32)) {
    check_within(4, prepare, one, other, verify);
}

/// The same, with every interleaving in which threads are interrupted at most so many times.
fn check_within<L: Limiter>(
    interruptions: usize,
    prepare: fn(&L),
    one: fn(&L) -> u32,
    other: fn(&L) -> u32,
    verify: fn(&L, u32, u32),
) {
    for swapped in [false, true] {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(interruptions);
        model.check(move || {
            let limiter = Arc::new(L::cold());
            prepare(&limiter);
            let (main, spawned) = if swapped { (other, one) } else { (one, other) };
            let handle = thread::spawn({
                let limiter = Arc::clone(&limiter);
                move || spawned(&limiter)
            });
            let mains = main(&limiter);
            let spawneds = handle.join().unwrap();
            let (ones, others) = if swapped { (spawneds, mains) } else { (mains, spawneds) };
            verify(&limiter, ones, others);
        });
    }
}

#[test]
fn a_cold_window_is_made_once() {
    check(
        |_: &LimiterCell| (),
        |cell| take(cell, 2, 1, 0) + take(cell, 2, 1, 0),
        |cell| take(cell, 2, 1, 0),
        |_, ones, others| assert_eq!(ones + others, 2),
    );
}

#[test]
fn additions_race_for_the_last_unit_of_a_group() {
    // Groups of 2 and 2: three units are left, one of them in the first group.
    check(
        |cell: &LimiterCell| assert_eq!(take(cell, 4, 1, 0), 1),
        |cell| take(cell, 4, 1, 0) + take(cell, 4, 1, 0),
        |cell| take(cell, 4, 1, 0) + take(cell, 4, 1, 0),
        |_, ones, others| assert_eq!(ones + others, 3),
    );
}

#[test]
fn the_ring_turns_under_a_stale_reading() {
    // The window is full; its first group is old at 1 s, its second at 1.5 s.
    check(
        |cell: &LimiterCell| {
            assert_eq!(take(cell, 2, 1, 0), 1);
            assert_eq!(take(cell, 2, 1, SECOND / 2), 1);
        },
        |cell| take(cell, 2, 1, SECOND) + take(cell, 2, 1, SECOND),
        |cell| take(cell, 2, 1, SECOND - 1) + take(cell, 2, 1, SECOND),
        |_, ones, others| assert_eq!(ones + others, 1),
    );
}

#[test]
fn a_refusal_mixes_no_two_instants() {
    // Groups of 2: by the time that the other thread is in the third, the second looks taken to who saw only the first.
    check(
        |cell: &LimiterCell| assert_eq!(take(cell, 6, 2, 0), 2),
        |cell| take(cell, 6, 1, 0),
        |cell| take(cell, 6, 1, 0) + take(cell, 6, 1, 0) + take(cell, 6, 1, 0),
        |_, ones, others| assert_eq!(ones + others, 4),
    );
}

#[test]
fn a_cost_over_several_groups_is_seen_whole() {
    // The cost spans two groups, whose slots are written only by the next to come.
    check(
        |cell: &LimiterCell| assert_eq!(take(cell, 3, 1, 0), 1),
        |cell| take(cell, 3, 2, SECOND),
        |cell| take(cell, 3, 1, SECOND) + take(cell, 3, 1, SECOND),
        |cell, ones, others| {
            assert!((2..=3).contains(&(ones + others)));
            let left = 3 - ones - others;
            assert_eq!(take(cell, 3, 1, SECOND) + take(cell, 3, 1, SECOND), left);
            assert_eq!(take(cell, 3, 1, 2 * SECOND - 1), 0);
            assert_eq!(take(cell, 3, 3, 2 * SECOND), 3);
        },
    );
}

#[test]
fn a_span_is_complete_before_its_groups_come_round() {
    check(
        |cell: &LimiterCell| assert_eq!(take(cell, 3, 3, 0), 3),
        |cell| take(cell, 3, 2, SECOND) + take(cell, 3, 1, SECOND + 5),
        |cell| take(cell, 3, 1, SECOND + 9) + take(cell, 3, 1, SECOND + 9),
        |cell, ones, others| {
            assert!(ones + others <= 3);
            assert!(ones + others + take(cell, 3, 1, 2 * SECOND - 1) <= 3);
        },
    );
}

#[test]
fn a_retired_window_loses_and_repeats_nothing() {
    // The second thread's quota makes a new window while the first adds to the old one.
    check(
        |cell: &LimiterCell| assert_eq!(take(cell, 4, 1, 0), 1),
        |cell| take(cell, 4, 1, 0) + take(cell, 4, 1, 0),
        |cell| take(cell, 6, 1, 0),
        |cell, ones, others| {
            assert_eq!(others, 1);
            let left = (0..6).map(|_| take(cell, 6, 1, 0)).sum::<u32>();
            assert_eq!(1 + ones + others + left, 6);
        },
    );
}

#[test]
fn a_window_worn_out_by_age_is_replaced_once() {
    check(
        |cell: &LimiterCell| {
            assert_eq!(take(cell, 2, 1, 0), 1);
            assert_eq!(take(cell, 2, 1, WORN_OUT - SECOND / 2), 1);
        },
        |cell| take(cell, 2, 1, WORN_OUT),
        |cell| take(cell, 2, 1, WORN_OUT),
        |cell, ones, others| {
            assert_eq!(ones + others, 1);
            assert_eq!(take(cell, 2, 1, WORN_OUT + SECOND / 2), 1);
            assert_eq!(take(cell, 2, 1, WORN_OUT + SECOND / 2), 0);
        },
    );
}

#[test]
fn a_snapshot_counts_what_was_taken_before_it() {
    check(
        |cell: &LimiterCell| assert_eq!(take(cell, 4, 1, 0), 1),
        |cell| take(cell, 4, 2, 0),
        |cell| {
            let before = cell.peek(quota(4), Moment::from_nanos(0)).remaining;
            let snapshot = cell.snapshot(Moment::from_nanos(0)).unwrap();
            let restored = LimiterCell::restore(quota(4), &snapshot, Duration::ZERO, Moment::from_nanos(0));
            let left = restored.peek(quota(4), Moment::from_nanos(0)).remaining;
            assert!(left <= before && (left == 3 || left == 1));
            left
        },
        |_, ones, _| assert_eq!(ones, 2),
    );
}

#[test]
fn a_snapshot_mixes_no_two_instants() {
    check(
        |cell: &LimiterCell| {
            (0..3).for_each(|index| assert_eq!(take(cell, 3, 1, [0, 5, 6][index] * SECOND / 10), 1))
        },
        |cell| (0..3).map(|index| take(cell, 3, 1, [10, 15, 16][index] * SECOND / 10)).sum(),
        |cell| {
            let snapshot = cell.snapshot(Moment::from_nanos(SECOND * 155 / 100)).unwrap();
            let restored = LimiterCell::restore(
                quota(3),
                &snapshot,
                Duration::ZERO,
                Moment::from_nanos(SECOND * 155 / 100),
            );
            let now = restored.peek(quota(3), Moment::from_nanos(SECOND * 155 / 100)).remaining;
            let soon = restored.peek(quota(3), Moment::from_nanos(SECOND * 16 / 10)).remaining;
            assert!([(2, 3), (1, 2), (0, 1), (0, 0)].contains(&(now, soon)), "{now}, then {soon}");
            0
        },
        |_, ones, _| assert_eq!(ones, 3),
    );
}

#[test]
fn a_cold_cell_is_begun_by_one_of_two_quotas_and_forgets_neither_take() {
    check(
        |_: &LimiterCell| (),
        |cell| take(cell, 2, 1, 0),
        |cell| take(cell, 4, 1, 0),
        |cell, ones, others| {
            assert_eq!((ones, others), (1, 1));
            assert_eq!((0..4).map(|_| take(cell, 4, 1, 0)).sum::<u32>(), 2);
        },
    );
}

#[test]
fn a_cold_cell_is_begun_by_one_of_two_readings() {
    check(
        |_: &LimiterCell| (),
        |cell| take(cell, 1, 1, 0),
        |cell| take(cell, 1, 1, SECOND),
        |cell, ones, others| {
            // Both, if the earlier reading came first; else the one that came first, and it counts as of the later one.
            assert!(ones + others > 0);
            assert_eq!(take(cell, 1, 1, 2 * SECOND - 1), 0);
            assert_eq!(take(cell, 1, 1, 2 * SECOND), 1);
        },
    );
}

#[test]
fn a_reader_of_a_cold_cell_sees_a_take_whole_or_not_at_all() {
    check(
        |_: &LimiterCell| (),
        |cell| take(cell, 2, 1, 5),
        |cell| {
            let now = Moment::from_nanos(5);
            let idle = cell.is_idle(now);
            let counted = cell.snapshot(now).map_or(0, |snapshot| {
                2 - LimiterCell::restore(quota(2), &snapshot, Duration::ZERO, now)
                    .peek(quota(2), now)
                    .remaining
            });
            let left = cell.peek(quota(2), now).remaining;
            assert!(counted <= 1 && (idle || counted == 1) && (left == 1 || left == 2 && counted == 0));
            0
        },
        |_, ones, _| assert_eq!(ones, 1),
    );
}

#[test]
fn a_look_at_a_cell_whose_quota_changes_finds_what_is_counted() {
    check(
        |cell: &LimiterCell| assert_eq!(take(cell, 4, 1, 0), 1),
        |cell| take(cell, 6, 1, 0),
        |cell| {
            let left = cell.peek(quota(4), Moment::from_nanos(0)).remaining;
            assert!(left == 3 || left == 2);
            assert!(!cell.is_idle(Moment::from_nanos(0)));
            left
        },
        |cell, ones, _| {
            assert_eq!(ones, 1);
            assert_eq!(cell.peek(quota(4), Moment::from_nanos(0)).remaining, 2);
        },
    );
}

#[test]
fn the_window_after_a_change_changes_in_turn() {
    check(
        |cell: &LimiterCell| assert_eq!(take(cell, 4, 1, 0) + take(cell, 5, 1, 0), 2),
        |cell| take(cell, 5, 1, 0),
        |cell| take(cell, 6, 1, 0),
        |cell, ones, others| {
            assert_eq!((ones, others), (1, 1));
            assert_eq!((0..6).map(|_| take(cell, 6, 1, 0)).sum::<u32>(), 2);
        },
    );
}

fn evict(limiter: &KeyedLimiter<()>, now: u64) -> u32 {
    limiter.evict_idle(Moment::from_nanos(now)) as u32
}

#[test]
fn eviction_forgets_no_addition_and_no_turn_of_the_ring() {
    // Groups of 2. The window is idle at 1 s; of the takes one opens a group, one adds to it, one opens the next.
    check(
        |keyed: &KeyedLimiter<()>| assert_eq!(take(keyed, 6, 1, 0), 1),
        |keyed| (0..3).map(|_| take(keyed, 6, 1, SECOND)).sum(),
        |keyed| evict(keyed, SECOND),
        |keyed, ones, evicted| {
            assert!(ones == 3 && evicted <= 1);
            assert_eq!((0..6).map(|_| take(keyed, 6, 1, SECOND)).sum::<u32>(), 3);
            assert_eq!(take(keyed, 6, 1, 2 * SECOND - 1), 0);
            assert_eq!(take(keyed, 6, 6, 2 * SECOND), 6);
        },
    );
}

#[test]
fn a_live_window_is_not_evicted() {
    check(
        |keyed: &KeyedLimiter<()>| assert_eq!(take(keyed, 4, 1, 0), 1),
        |keyed| take(keyed, 4, 1, 0) + take(keyed, 4, 1, SECOND - 1),
        |keyed| evict(keyed, SECOND - 1) + evict(keyed, SECOND - 1),
        |keyed, ones, evicted| {
            assert_eq!((ones, evicted), (2, 0));
            assert_eq!((0..4).map(|_| take(keyed, 4, 1, SECOND - 1)).sum::<u32>(), 1);
        },
    );
}

#[test]
fn a_late_take_counts_from_the_eviction_that_it_missed() {
    check(
        |keyed: &KeyedLimiter<()>| assert_eq!(take(keyed, 1, 1, 0), 1),
        |keyed| take(keyed, 1, 1, SECOND / 2),
        |keyed| {
            let _ = evict(keyed, SECOND);
            take(keyed, 1, 1, SECOND)
        },
        |keyed, ones, others| {
            // The late one is refused by the window that it finds, or takes from the one that comes after.
            assert_eq!(ones + others, 1);
            assert_eq!(take(keyed, 1, 1, 2 * SECOND - 1), 0);
            assert_eq!(take(keyed, 1, 1, 2 * SECOND), 1);
        },
    );
}

#[test]
fn a_first_take_that_is_overtaken_by_a_whole_life_counts_from_its_end() {
    check_within(
        2,
        |_: &KeyedLimiter<()>| (),
        |keyed| take(keyed, 1, 1, 0),
        |keyed| {
            let first = take(keyed, 1, 1, 0);
            let _ = evict(keyed, SECOND);
            10 * first + take(keyed, 1, 1, SECOND)
        },
        |keyed, late, others| {
            let (first, second) = (others / 10, others % 10);
            // If both were admitted that were asked for at 0 s, the one came after the eviction and counts from then.
            let since_eviction = second + if late + first == 2 { 1 } else { 0 };
            assert_eq!((late.max(first), since_eviction), (1, 1));
            assert_eq!(take(keyed, 1, 1, 2 * SECOND - 1), 0);
        },
    );
}

#[test]
fn eviction_removes_the_window_that_it_sealed_and_no_other() {
    // The window that is evicted has two successors at once: one is sealed too, for a change of quota, but not idle.
    check(
        |keyed: &KeyedLimiter<()>| assert_eq!(take(keyed, 1, 1, 0), 1),
        |keyed| take(keyed, 1, 1, SECOND) + take(keyed, 2, 1, SECOND),
        |keyed| evict(keyed, SECOND),
        |keyed, ones, _| {
            assert_eq!(ones, 2);
            assert_eq!(take(keyed, 2, 1, SECOND), 0);
        },
    );
}
