//! Random traces against an exact log of every unit.
#![cfg(not(loom))]
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;
use qwetty_ratelimit::{Level, LimiterCell, Moment, Outcome, Quota, SnapshotError, WindowSnapshot};

/// Where the traces begin, so that there is room for readings before it.
const START: u64 = 1 << 60;

/// Every admission of a trace: when, as far as the limiter can know, and how many units.
struct Log {
    quota: Quota,
    admitted: Vec<(u64, u32)>,
}

impl Log {
    fn new(quota: Quota) -> Self {
        Self { quota, admitted: Vec::new() }
    }

    fn window(&self) -> u64 {
        nanos(self.quota.window())
    }

    /// Less than two ticks above it, and less than a 2^25th of a window.
    fn tolerance(&self) -> u64 {
        self.window() >> 25
    }

    /// A reading before the last admission is known to be late.
    fn effective(&self, now: u64) -> u64 {
        self.admitted.last().map_or(now, |&(at, _)| at.max(now))
    }

    fn live(&self, now: u64, window: u64) -> u32 {
        self.admitted.iter().rev().take_while(|(at, _)| now - at < window).map(|(_, units)| units).sum()
    }

    /// Units left by the exact log at `now`: those it surely has, and those it may have within the tolerance of a tick.
    fn left(&self, now: u64) -> (u32, u32) {
        let now = self.effective(now);
        let left = |window| self.quota.limit().saturating_sub(self.live(now, window));
        (left(self.window() + self.tolerance()), left(self.window()))
    }

    /// Takes note of an outcome and says whether the limiter was right.
    fn check(&mut self, now: u64, cost: u32, outcome: Outcome, hidden: u32) -> Result<(), TestCaseError> {
        let (surely, at_most) = self.left(now);
        match outcome {
            Outcome::Admitted(level) => {
                prop_assert!(cost <= at_most, "{cost} of {at_most} at {now}: over");
                self.admitted.push((self.effective(now), cost));
                prop_assert!(
                    level.remaining <= at_most - cost,
                    "overstated: {level:?} of {}",
                    at_most - cost
                );
                prop_assert!(
                    level.remaining + cost + hidden >= surely,
                    "{level:?} of {surely} - {cost}: withheld"
                );
                prop_assert!(level.grows_in > Duration::ZERO);
            }
            Outcome::Refused(level) => {
                prop_assert!(level.remaining < cost);
                prop_assert!(level.remaining <= at_most, "overstated: {level:?} of {at_most}");
                prop_assert!(level.remaining + hidden >= surely, "{level:?} of {surely}: withheld");
                prop_assert!(level.grows_in > Duration::ZERO);
            }
            Outcome::CostOutOfRange { .. } => prop_assert!(false, "cost {cost} is in range"),
        }
        Ok(())
    }
}

#[derive(Debug, Clone)]
enum Step {
    /// Time passes, in 2^20ths of a window, and some nanoseconds.
    Wait(u64, u64),
    /// Single units, one after the other.
    Burst(u32),
    /// A cost, in 1000ths of the limit.
    Cost(u32),
    /// A unit by a thread whose reading is this much behind, in 2^20ths of a window.
    Stale(u64),
    /// Snapshot and restore, this much later in 2^20ths of a window, under a clock with another origin.
    Restart(u64),
}

fn any_step() -> impl Strategy<Value = Step> {
    let wait = prop_oneof![
        4 => 0_u64..1 << 16,
        2 => 0_u64..1 << 20,
        1 => select(vec![0, 1 << 19, 1 << 20, 3 << 19]),
        1 => 0_u64..20 << 20,
    ];
    prop_oneof![
        5 => (wait.clone(), select(vec![0, 0, 1, 2, 7, 15_624, 999_999_937])).prop_map(|(part, more)| Step::Wait(part, more)),
        4 => (1_u32..40).prop_map(Step::Burst),
        1 => (40_u32..400).prop_map(Step::Burst),
        2 => (0_u32..=1000).prop_map(Step::Cost),
        2 => wait.clone().prop_map(Step::Stale),
        1 => wait.prop_map(Step::Restart),
    ]
}

fn any_quota() -> impl Strategy<Value = Quota> {
    let limit = prop_oneof![4 => 1_u32..=200, 1 => select(vec![1000, 5000]), 1 => 200_u32..=12_000];
    let window = select(vec![1, 7, 60, 3600, 86_400, Quota::MAX_WINDOW_SECONDS]);
    (limit, window).prop_map(|(limit, window)| Quota::new(limit, window).unwrap())
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap()
}

/// A part of a window, in 2^20ths.
fn part(quota: Quota, part: u64) -> u64 {
    u64::try_from((u128::from(nanos(quota.window())) * u128::from(part)) >> 20).unwrap()
}

fn cost(quota: Quota, thousandths: u32) -> u32 {
    (u64::from(quota.limit()) * u64::from(thousandths) / 1000).clamp(1, quota.limit().into()) as u32
}

/// Units that a group can hide: its size less one.
fn hidden(quota: Quota) -> u32 {
    quota.limit().div_ceil(60) - 1
}

fn at(nanos: u64) -> Moment {
    Moment::from_nanos(nanos)
}

fn stored(cell: &LimiterCell, now: Moment) -> Option<WindowSnapshot> {
    let snapshot = cell.snapshot(now)?;
    assert_eq!(WindowSnapshot::from_bytes(&snapshot.to_bytes()), Ok(snapshot.clone()));
    Some(snapshot)
}

fn restored(quota: Quota, snapshot: Option<WindowSnapshot>, elapsed: u64, now: Moment) -> LimiterCell {
    snapshot.map_or_else(LimiterCell::new, |snapshot| {
        LimiterCell::restore(quota, &snapshot, Duration::from_nanos(elapsed), now)
    })
}

/// Takes by the log's quota from `now` on, and says when it ended.
fn replay(
    cell: &LimiterCell,
    log: &mut Log,
    mut now: u64,
    steps: &[Step],
    hidden: u32,
) -> Result<u64, TestCaseError> {
    let quota = log.quota;
    for step in steps {
        match *step {
            Step::Wait(parts, more) => now += part(quota, parts) + more,
            Step::Burst(units) => {
                for _ in 0..units {
                    log.check(now, 1, cell.take(quota, 1, at(now)), hidden)?;
                }
            }
            Step::Cost(thousandths) => {
                let cost = cost(quota, thousandths);
                log.check(now, cost, cell.take(quota, cost, at(now)), hidden)?;
            }
            Step::Stale(_) | Step::Restart(_) => {}
        }
    }
    Ok(now)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_trace_is_never_over_never_overstated_and_withholds_less_than_a_group(
        quota in any_quota(),
        steps in prop::collection::vec(any_step(), 1..60),
    ) {
        let mut cell = LimiterCell::new();
        let mut log = Log::new(quota);
        // The limiter's clock is `shift` behind the log's.
        let (mut now, mut shift, mut restarted_at) = (START, 0, 0);
        for step in steps {
            match step {
                Step::Wait(parts, more) => now += part(quota, parts) + more,
                Step::Burst(units) => {
                    for _ in 0..units {
                        log.check(now, 1, cell.take(quota, 1, at(now - shift)), hidden(quota))?;
                    }
                }
                Step::Cost(thousandths) => {
                    let cost = cost(quota, thousandths);
                    log.check(now, cost, cell.take(quota, cost, at(now - shift)), hidden(quota))?;
                }
                Step::Stale(parts) => {
                    let late = (now - shift).saturating_sub(part(quota, parts)).max(restarted_at);
                    let outcome = cell.take(quota, 1, at(late));
                    // When it was is known only to lie between the late reading and now.
                    let (surely, at_most) = (log.left(late + shift).0, log.left(now).1);
                    let left = match outcome {
                        Outcome::Admitted(level) => {
                            log.admitted.push((log.effective(late + shift), 1));
                            level.remaining + 1
                        }
                        Outcome::Refused(level) => level.remaining,
                        Outcome::CostOutOfRange { .. } => unreachable!(),
                    };
                    prop_assert!(left <= at_most && left + hidden(quota) >= surely);
                }
                Step::Restart(parts) => {
                    let snapshot = stored(&cell, at(now - shift));
                    now += part(quota, parts);
                    shift = now - (shift % 1_000_003) * 977;
                    restarted_at = now - shift;
                    cell = restored(quota, snapshot, part(quota, parts), at(now - shift));
                }
            }
        }
    }

    #[test]
    fn remaining_grows_exactly_when_announced(
        quota in any_quota(),
        steps in prop::collection::vec(any_step(), 1..40),
    ) {
        let cell = LimiterCell::new();
        let mut now = START;
        for step in steps {
            match step {
                Step::Wait(parts, more) => now += part(quota, parts) + more,
                Step::Restart(_) | Step::Stale(_) => {}
                Step::Burst(units) => {
                    let last = (0..units).map(|_| cell.take(quota, 1, at(now))).last().unwrap();
                    let (Outcome::Admitted(level) | Outcome::Refused(level)) = last else { panic!("{last:?}") };
                    prop_assert_eq!(level, cell.peek(quota, at(now)));
                }
                Step::Cost(thousandths) => {
                    let (before, cost) = (cell.peek(quota, at(now)), cost(quota, thousandths));
                    let admitted = matches!(cell.take(quota, cost, at(now)), Outcome::Admitted(_));
                    prop_assert_eq!(admitted, cost <= before.remaining);
                }
            }
            let Level { limit, remaining, grows_in } = cell.peek(quota, at(now));
            prop_assert_eq!(grows_in == Duration::ZERO, remaining == limit);
            if remaining < limit {
                let grown = now + nanos(grows_in);
                prop_assert!(cell.peek(quota, at(grown)).remaining > remaining);
                prop_assert_eq!(cell.peek(quota, at(grown - 1)).remaining, remaining);
            }
        }
    }

    #[test]
    fn a_refusal_ends_when_announced(quota in any_quota(), gap in 0_u64..1 << 21, more in 0_u64..100_000) {
        let cell = LimiterCell::new();
        let mut now = START;
        while now < START + 3 * nanos(quota.window()) {
            match cell.take(quota, 1, at(now)) {
                Outcome::Admitted(_) => now += part(quota, gap) / u64::from(quota.limit()) + more % 1000,
                Outcome::Refused(level) => {
                    let end = now + nanos(level.grows_in);
                    prop_assert!(matches!(cell.take(quota, 1, at(end - 1)), Outcome::Refused(_)));
                    prop_assert!(matches!(cell.take(quota, 1, at(end)), Outcome::Admitted(_)));
                    return Ok(());
                }
                Outcome::CostOutOfRange { .. } => unreachable!(),
            }
        }
    }

    #[test]
    fn a_restored_cell_goes_on_as_if_it_had_never_stopped(
        quota in any_quota(),
        steps in prop::collection::vec(any_step(), 1..60),
        origins in prop::collection::vec(1_u64 << 32..1 << 58, 60),
    ) {
        let mut steady = LimiterCell::new();
        let mut stopped = LimiterCell::new();
        let (mut now, mut other) = (START, START);
        let mut origins = origins.into_iter();
        for step in steps {
            let (costs, units) = match step {
                Step::Wait(parts, more) => {
                    now += part(quota, parts) + more;
                    other += part(quota, parts) + more;
                    continue;
                }
                Step::Restart(parts) => {
                    let snapshot = stored(&stopped, at(other));
                    now += part(quota, parts);
                    other = origins.next().unwrap();
                    stopped = restored(quota, snapshot, part(quota, parts), at(other));
                    continue;
                }
                Step::Burst(units) => (units, 1),
                Step::Cost(thousandths) => (1, cost(quota, thousandths)),
                Step::Stale(_) => continue,
            };
            if steady.is_idle(at(now)) {
                prop_assert!(stopped.is_idle(at(other)));
                // From here on either may begin a time scale of its own, so let both.
                (steady, stopped) = (LimiterCell::new(), LimiterCell::new());
            }
            for _ in 0..costs {
                prop_assert_eq!(steady.take(quota, units, at(now)), stopped.take(quota, units, at(other)));
            }
        }
    }

    #[test]
    fn changes_of_limit_keep_the_history(
        limits in prop::collection::vec(any_quota(), 2..6),
        steps in prop::collection::vec(any_step(), 1..30),
    ) {
        let cell = LimiterCell::new();
        let mut now = START;
        let seconds = limits[0].window_seconds();
        let mut log = Log::new(limits[0]);
        let mut hidden_by_all = 0;
        for quota in limits {
            log.quota = Quota::new(quota.limit(), seconds).unwrap();
            // A group of the former limit falls into groups of the new one, and each may hide what it hides.
            hidden_by_all += hidden(log.quota);
            now = replay(&cell, &mut log, now, &steps, hidden_by_all)?;
        }
    }

    #[test]
    fn changes_of_window_forget_only_what_a_window_had_let_go_of(
        quotas in prop::collection::vec(any_quota(), 2..6),
        steps in prop::collection::vec(any_step(), 1..30),
    ) {
        let cell = LimiterCell::new();
        let mut now = START;
        let mut log = Log::new(quotas[0]);
        for quota in quotas {
            let (former, seen) = (log.window(), log.effective(now));
            log.admitted.retain(|(at, _)| seen - at < former);
            log.quota = quota;
            // A change begins with the first take that knows of it.
            log.check(now, 1, cell.take(quota, 1, at(now)), u32::MAX / 2)?;
            now = replay(&cell, &mut log, now, &steps, u32::MAX / 2)?;
        }
    }

    #[test]
    fn hostile_bytes_never_panic_and_never_make_an_endless_window(
        quota in any_quota(),
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        takes in 1_u32..70,
        elapsed: u64,
    ) {
        let cell = LimiterCell::new();
        for step in 0..takes {
            let _ = cell.take(quota, 1, at(START + part(quota, u64::from(step) << 12)));
        }
        let mut damaged = cell.snapshot(at(START)).unwrap().to_bytes();
        for (index, value) in flips {
            let index = index.index(damaged.len());
            damaged[index] = value;
        }
        for bytes in [bytes, damaged] {
            match WindowSnapshot::from_bytes(&bytes) {
                Ok(snapshot) => {
                    prop_assert_eq!(snapshot.to_bytes(), bytes);
                    for now in [0, START, u64::MAX] {
                        let cell = LimiterCell::restore(quota, &snapshot, Duration::from_nanos(elapsed), at(now));
                        prop_assert!(cell.peek(quota, at(now)).remaining <= quota.limit());
                        let _ = cell.take(quota, 1, at(now));
                    }
                }
                Err(error) => prop_assert!(matches!(error, SnapshotError::Damaged | SnapshotError::Version(_))),
            }
        }
    }
}
