//! Every interleaving of a few takes on a ring of three groups:
//! `RUSTFLAGS="--cfg loom" cargo test -p qwetty-ratelimit --test loom --release`
#![cfg(loom)]
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use loom::sync::Arc;
use loom::thread;
use qwetty_ratelimit::{LimiterCell, Moment, Outcome, Quota};

const SECOND: u64 = 1_000_000_000;

fn quota(limit: u32) -> Quota {
    Quota::new(limit, 1).unwrap()
}

/// The units that a take was given.
fn take(cell: &LimiterCell, limit: u32, cost: u32, now: u64) -> u32 {
    match cell.take(quota(limit), cost, Moment::from_nanos(now)) {
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

/// Two threads on one cell that has been prepared, then a look at what they did.
///
/// Loom prunes what it holds equivalent and then misses some of what the main thread can see, so both threads play it.
fn check(
    prepare: fn(&LimiterCell),
    one: fn(&LimiterCell) -> u32,
    other: fn(&LimiterCell) -> u32,
    verify: fn(&LimiterCell, u32, u32),
) {
    for swapped in [false, true] {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(4);
        model.check(move || {
            let cell = Arc::new(LimiterCell::new());
            prepare(&cell);
            let (main, spawned) = if swapped { (other, one) } else { (one, other) };
            let handle = thread::spawn({
                let cell = Arc::clone(&cell);
                move || spawned(&cell)
            });
            let mains = main(&cell);
            let spawneds = handle.join().unwrap();
            let (ones, others) = if swapped { (spawneds, mains) } else { (mains, spawneds) };
            verify(&cell, ones, others);
        });
    }
}

#[test]
fn a_cold_window_is_made_once() {
    check(
        |_| (),
        |cell| take(cell, 2, 1, 0) + take(cell, 2, 1, 0),
        |cell| take(cell, 2, 1, 0),
        |_, ones, others| assert_eq!(ones + others, 2),
    );
}

#[test]
fn additions_race_for_the_last_unit_of_a_group() {
    // Groups of 2 and 2: three units are left, one of them in the first group.
    check(
        |cell| assert_eq!(take(cell, 4, 1, 0), 1),
        |cell| take(cell, 4, 1, 0) + take(cell, 4, 1, 0),
        |cell| take(cell, 4, 1, 0) + take(cell, 4, 1, 0),
        |_, ones, others| assert_eq!(ones + others, 3),
    );
}

#[test]
fn the_ring_turns_under_a_stale_reading() {
    // The window is full; its first group is old at 1 s, its second at 1.5 s.
    check(
        |cell| {
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
        |cell| assert_eq!(take(cell, 6, 2, 0), 2),
        |cell| take(cell, 6, 1, 0),
        |cell| take(cell, 6, 1, 0) + take(cell, 6, 1, 0) + take(cell, 6, 1, 0),
        |_, ones, others| assert_eq!(ones + others, 4),
    );
}

#[test]
fn a_cost_over_several_groups_is_seen_whole() {
    // The cost spans two groups, whose slots are written only by the next to come.
    check(
        |cell| assert_eq!(take(cell, 3, 1, 0), 1),
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
        |cell| assert_eq!(take(cell, 3, 3, 0), 3),
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
        |cell| assert_eq!(take(cell, 4, 1, 0), 1),
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
        |cell| {
            assert_eq!(take(cell, 2, 1, 0), 1);
            assert_eq!(take(cell, 2, 1, 12 * SECOND + SECOND / 2), 1);
        },
        |cell| take(cell, 2, 1, 13 * SECOND),
        |cell| take(cell, 2, 1, 13 * SECOND),
        |cell, ones, others| {
            assert_eq!(ones + others, 1);
            assert_eq!(take(cell, 2, 1, 13 * SECOND + SECOND / 2), 1);
            assert_eq!(take(cell, 2, 1, 13 * SECOND + SECOND / 2), 0);
        },
    );
}

#[test]
fn a_snapshot_counts_what_was_taken_before_it() {
    check(
        |cell| assert_eq!(take(cell, 4, 1, 0), 1),
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
        |cell| (0..3).for_each(|index| assert_eq!(take(cell, 3, 1, [0, 5, 6][index] * SECOND / 10), 1)),
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
