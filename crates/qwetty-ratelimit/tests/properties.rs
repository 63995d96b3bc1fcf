//! Random traces against an exact log of every unit.
#![cfg(not(loom))]
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;
use qwetty_ratelimit::{Level, LimiterCell, Moment, Outcome, Quota, SnapshotError, WindowSnapshot};

/// Where the traces begin, so that there is room for readings before it.
const START: u64 = 1 << 60;

/// An exact log: every admission, between which times it was as far as the limiter can know, and how many units.
struct Log {
    quota: Quota,
    admitted: Vec<(u64, u64, u32)>,
}

impl Log {
    fn window(&self) -> u64 {
        nanos(self.quota.window())
    }

    /// More than two ticks, and less than a 2^19th of a window.
    fn tolerance(&self) -> u64 {
        self.window() >> 19
    }

    /// A reading before the last admission is known to be late.
    fn effective(&self, now: u64) -> u64 {
        self.admitted.last().map_or(now, |&(from, _, _)| from.max(now))
    }

    /// Units that nothing would withhold if the take were at `late`, and those that are not over if it is at `now`.
    fn left(&self, late: u64, now: u64) -> (u32, u32) {
        let live = |is_live: &dyn Fn(u64, u64) -> bool| {
            self.admitted.iter().filter(|&&(from, to, _)| is_live(from, to)).map(|(_, _, units)| units).sum()
        };
        let (late, now, window) = (self.effective(late), self.effective(now), self.window());
        let perhaps_live: u32 = live(&|_, to| to + window + self.tolerance() > late);
        let surely_live: u32 = live(&|from, _| from + window > now);
        let limit = self.quota.limit();
        (limit.saturating_sub(perhaps_live), limit.saturating_sub(surely_live))
    }

    /// Takes note of an outcome at some time from `late` to `now`, and says whether the limiter was right.
    fn check(
        &mut self,
        late: u64,
        now: u64,
        cost: u32,
        outcome: Outcome,
        hidden: u32,
    ) -> Result<(), TestCaseError> {
        let (at_least, at_most) = self.left(late, now);
        let (level, left) = match outcome {
            Outcome::Admitted(level) => {
                prop_assert!(cost <= at_most, "{cost} of {at_most} at {now}: over");
                self.admitted.push((self.effective(late), self.effective(now), cost));
                (level, level.remaining + cost)
            }
            Outcome::Refused(level) => {
                prop_assert!(level.remaining < cost);
                (level, level.remaining)
            }
            Outcome::CostOutOfRange { .. } => return Err(TestCaseError::fail("a cost in range")),
        };
        prop_assert!(left <= at_most, "overstated: {left} of {at_most}");
        prop_assert!(left.saturating_add(hidden) >= at_least, "withheld: {left} of {at_least}");
        prop_assert!(level.grows_in > Duration::ZERO);
        Ok(())
    }
}

/// A cell and its log on the way through a trace.
struct Trace {
    cell: LimiterCell,
    log: Log,
    now: u64,
    /// How far the cell's clock is behind `now`, and where it stood at the last restart.
    behind: u64,
    restarted_at: u64,
}

impl Trace {
    fn new(quota: Quota) -> Self {
        let log = Log { quota, admitted: Vec::new() };
        Self { cell: LimiterCell::new(), log, now: START, behind: 0, restarted_at: 0 }
    }

    fn clock(&self) -> u64 {
        self.now - self.behind
    }

    fn take(&mut self, late: u64, cost: u32, hidden: u32) -> Result<(), TestCaseError> {
        let reading = self.clock().saturating_sub(late).max(self.restarted_at);
        let outcome = self.cell.take(self.log.quota, cost, at(reading));
        self.log.check(reading + self.behind, self.now, cost, outcome, hidden)
    }

    fn go(&mut self, steps: &[Step], hidden: u32) -> Result<(), TestCaseError> {
        let quota = self.log.quota;
        for step in steps {
            match *step {
                Step::Wait(parts, more) => self.now += part(quota, parts) + more,
                Step::Window(parts, more) => self.now += nearly(quota, parts) + more,
                Step::Burst(units) => {
                    for _ in 0..units {
                        self.take(0, 1, hidden)?;
                    }
                }
                Step::Cost(thousandths) => self.take(0, cost(quota, thousandths), hidden)?,
                Step::Stale(parts) => self.take(part(quota, parts), 1, hidden)?,
                Step::Restart(parts) => {
                    let snapshot = stored(&self.cell, at(self.clock()));
                    self.now += part(quota, parts);
                    self.behind = self.now - (self.behind % 1_000_003) * 977;
                    self.restarted_at = self.clock();
                    self.cell = restored(quota, snapshot, part(quota, parts), at(self.clock()));
                }
            }
        }
        Ok(())
    }
}

#[derive(Debug, Clone)]
enum Step {
    /// Time passes, in 2^20ths of a window, and some nanoseconds.
    Wait(u64, u64),
    /// Very nearly a window passes: so many 2^26ths of it more, and some nanoseconds.
    Window(i64, u64),
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
        2 => (-40_i64..40, 0_u64..3).prop_map(|(parts, more)| Step::Window(parts, more)),
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

/// A window and so many 2^26ths of one.
fn nearly(quota: Quota, parts: i64) -> u64 {
    let window = nanos(quota.window());
    window.saturating_add_signed(i64::try_from((i128::from(window) * i128::from(parts)) >> 26).unwrap())
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
    quota.limit().div_ceil(55) - 1
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_trace_is_never_over_never_overstated_and_withholds_less_than_a_group(
        quota in any_quota(),
        steps in prop::collection::vec(any_step(), 1..60),
    ) {
        Trace::new(quota).go(&steps, hidden(quota))?;
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
                Step::Window(parts, more) => now += nearly(quota, parts) + more,
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
                Step::Window(parts, more) => {
                    now += nearly(quota, parts) + more;
                    other += nearly(quota, parts) + more;
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
        let mut trace = Trace::new(limits[0]);
        let mut hidden_by_all = 0;
        for quota in &limits {
            trace.log.quota = Quota::new(quota.limit(), limits[0].window_seconds()).unwrap();
            // A group of a former limit falls into groups of the new one, and each may hide what it hides.
            hidden_by_all += hidden(*quota);
            trace.go(&steps, hidden_by_all)?;
        }
    }

    #[test]
    fn changes_of_window_forget_only_what_a_window_had_let_go_of(
        quotas in prop::collection::vec(any_quota(), 2..6),
        steps in prop::collection::vec(any_step(), 1..30),
    ) {
        let mut trace = Trace::new(quotas[0]);
        for quota in quotas {
            let (former, now) = (trace.log.window(), trace.log.effective(trace.now));
            trace.log.admitted.retain(|(from, _, _)| from + former > now);
            trace.log.quota = quota;
            // A change begins with the first take that knows of it.
            trace.take(0, 1, u32::MAX)?;
            trace.go(&steps, u32::MAX)?;
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
