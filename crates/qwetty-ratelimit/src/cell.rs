use std::fmt;
use std::time::Duration;

use crate::ring::Ring;
use crate::sync::{Current, Published};
use crate::window::Window;
use crate::{Level, Moment, Outcome, Quota, WindowSnapshot};

/// The limiter's state for one key, for an owner to keep inside its own entry for that key.
///
/// It is lock-free: any number of threads take from it through `&self`. The quota is passed to every call; when it is
/// another than before, what is counted stays counted and is held against the new quota from that call on.
///
/// `now` is a reading of one monotonic clock. A reading that is older than one the cell has seen does no harm: it counts
/// as the newer one.
///
/// It is 256 bytes, and all of the state lies in it, under one quota for about a thousand windows: 42 days for a window of an
/// hour. Beyond that, and after a change of quota, what counts lies in an allocation of its own, of as much again.
#[repr(C)]
pub struct LimiterCell {
    /// Where a cell begins, and where it stays for as long as the quota does and 32 bits can count the ticks.
    first: Ring,
    /// What goes on once `first` is sealed, and not before.
    later: Published<Window>,
}

#[cfg(not(loom))]
const _: () = assert!(size_of::<LimiterCell>() == 256);

impl LimiterCell {
    /// A cell with nothing counted.
    #[must_use]
    pub fn new() -> Self {
        Self { first: Ring::not_begun(), later: Published::new(None) }
    }

    /// The cell whose snapshot was taken `elapsed` ago, by a clock that may have been set: pass zero if it says less.
    ///
    /// With the quota of the snapshot it goes on exactly as if it had never stopped; with another, as if the quota had
    /// changed now.
    #[must_use]
    pub fn restore(quota: Quota, snapshot: &WindowSnapshot, elapsed: Duration, now: Moment) -> Self {
        match snapshot.window(quota, elapsed, now).map(Window::into_ring) {
            None => Self::new(),
            Some(Ok(first)) => Self { first, later: Published::new(None) },
            Some(Err(window)) => Self { first: Ring::sealed(), later: Published::new(Some(window)) },
        }
    }

    /// Takes `cost` units, all or none.
    pub fn take(&self, quota: Quota, cost: u32, now: Moment) -> Outcome {
        if !quota.admits(cost) {
            return Outcome::CostOutOfRange { limit: quota.limit() };
        }
        self.first.take(&quota, cost, now).unwrap_or_else(|| self.take_later(&quota, cost, now))
    }

    /// A take for which `first` has no answer.
    #[inline(never)]
    fn take_later(&self, quota: &Quota, cost: u32, now: Moment) -> Outcome {
        loop {
            let current = self.later.load();
            let taken = match current.as_ref() {
                Some(window) => window.take(quota, cost, now),
                None => self.take_first(quota, cost, now),
            };
            if let Some(outcome) = taken.or_else(|| self.take_anew(&current, quota, cost, now)) {
                return outcome;
            }
        }
    }

    /// Begins `first` if nobody has, and takes from it.
    #[cold]
    fn take_first(&self, quota: &Quota, cost: u32, now: Moment) -> Option<Outcome> {
        if !self.first.is_begun() {
            self.first.begin(*quota, now);
        }
        self.first.take(quota, cost, now)
    }

    /// Replaces `current`, or `first` if it is none, which can no longer answer, with a window that has this take already in
    /// it. None if another thread was faster.
    ///
    /// So whoever fails here failed because somebody else's take went through: threads that disagree on the quota cannot
    /// keep each other from taking at all.
    #[cold]
    #[inline(never)]
    fn take_anew(&self, current: &Current<Window>, quota: &Quota, cost: u32, now: Moment) -> Option<Outcome> {
        let next = match current.as_ref() {
            Some(window) => {
                window.retire();
                window.successor(*quota, now)
            }
            None => {
                self.first.retire();
                Window::continuing(&self.first, *quota, now)
            }
        };
        let outcome = next.take(quota, cost, now)?;
        self.later.replace(current, next).then_some(outcome)
    }

    /// Has the processor fetch from memory what a take is about to look at, for an owner who still has something else to do
    /// before. It changes nothing, and costs next to nothing.
    pub fn approach(&self) {
        self.first.approach();
    }

    /// What a take at `now` would find. It changes nothing.
    #[must_use]
    pub fn peek(&self, quota: Quota, now: Moment) -> Level {
        // A sealed `first` without a window after it is what counts still.
        let level = self.first.peek(&quota, now).or_else(|| match self.later.load().as_ref() {
            Some(window) => window.peek(&quota, now),
            None if self.first.is_begun() => Window::continuing(&self.first, quota, now).peek(&quota, now),
            None => None,
        });
        let limit = quota.limit();
        level.unwrap_or(Level { limit, remaining: limit, grows_in: Duration::ZERO })
    }

    /// What is counted, for [`LimiterCell::restore`]; none if nothing is that would still matter at `now`.
    #[must_use]
    pub fn snapshot(&self, now: Moment) -> Option<WindowSnapshot> {
        match self.later.load().as_ref() {
            Some(window) => window.snapshot(now),
            None => self.first.snapshot(&[], now),
        }
    }

    /// Whether everything counted is at least a window old at `now`, so that a new cell would answer the same from `now`
    /// on.
    ///
    /// An owner may then put a new cell in this one's place, if it knows that no take is under way on this one, and gives
    /// the new one no reading older than `now`.
    #[must_use]
    pub fn is_idle(&self, now: Moment) -> bool {
        self.later.load().as_ref().map_or_else(|| self.first.is_idle(now), |window| window.is_idle(now))
    }
}

impl Default for LimiterCell {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for LimiterCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LimiterCell").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> Moment {
        Moment::from_nanos((seconds * 1e9) as u64)
    }

    fn quota(limit: u32, window_seconds: u32) -> Quota {
        Quota::new(limit, window_seconds).unwrap()
    }

    /// Takes one unit, and says whether it was admitted.
    fn take(cell: &LimiterCell, quota: Quota, seconds: f64) -> bool {
        matches!(cell.take(quota, 1, at(seconds)), Outcome::Admitted(_))
    }

    fn exhaust(cell: &LimiterCell, quota: Quota, seconds: f64) -> u32 {
        (0..).find(|_| !take(cell, quota, seconds)).unwrap()
    }

    #[test]
    fn a_fresh_cell_has_everything() {
        let cell = LimiterCell::new();
        let level = Level { limit: 7, remaining: 7, grows_in: Duration::ZERO };
        assert_eq!(cell.peek(quota(7, 60), at(5.0)), level);
        assert!(cell.is_idle(at(5.0)));
        assert_eq!(cell.snapshot(at(5.0)), None);
        assert_eq!(format!("{cell:?}"), "LimiterCell { .. }");
    }

    #[test]
    fn a_cost_out_of_range_is_told_and_consumes_nothing() {
        let cell = LimiterCell::new();
        for cost in [0, 8, u32::MAX] {
            assert_eq!(cell.take(quota(7, 60), cost, at(0.0)), Outcome::CostOutOfRange { limit: 7 });
        }
        assert_eq!(cell.peek(quota(7, 60), at(0.0)).remaining, 7);
    }

    #[test]
    fn a_refusal_consumes_nothing() {
        let (cell, quota) = (LimiterCell::new(), quota(10, 60));
        assert!(matches!(cell.take(quota, 8, at(0.0)), Outcome::Admitted(_)));
        let Outcome::Refused(level) = cell.take(quota, 3, at(1.0)) else { panic!("3 of 2 left") };
        assert_eq!(level, Level { limit: 10, remaining: 2, grows_in: Duration::from_secs(59) });
        assert!(matches!(cell.take(quota, 2, at(1.0)), Outcome::Admitted(_)));
    }

    #[test]
    fn whole_seconds_are_met_exactly_and_bursts_a_window_apart_all_pass() {
        for window in [1, 7, 60, 3600, Quota::MAX_WINDOW_SECONDS] {
            let (cell, quota) = (LimiterCell::new(), quota(1000, window));
            for burst in 0..40 {
                let start = 11.0 + f64::from(burst) * f64::from(window);
                assert_eq!(exhaust(&cell, quota, start), 1000, "{window}");
                assert_eq!(cell.peek(quota, at(start)).grows_in, quota.window());
            }
        }
    }

    /// A prototype rounded ticks down so that ages overflowed its slots.
    #[test]
    fn ages_of_any_size_are_old() {
        for seconds in (1_u64..200).chain([1 << 20, 1 << 28, (1 << 28) + 1, 1 << 32, (1 << 32) + 1]) {
            let (cell, quota) = (LimiterCell::new(), quota(3, 1));
            assert_eq!(exhaust(&cell, quota, 0.0), 3);
            assert_eq!(exhaust(&cell, quota, seconds as f64), 3);
        }
    }

    #[test]
    fn the_first_moment_and_the_last_are_moments_like_others() {
        let (cell, quota) = (LimiterCell::new(), quota(2, 60));
        assert_eq!(exhaust(&cell, quota, 0.0), 2);
        let last = Moment::from_nanos(u64::MAX);
        assert!(cell.is_idle(last));
        assert!(matches!(cell.take(quota, 2, last), Outcome::Admitted(_)));
        assert!(matches!(cell.take(quota, 1, last), Outcome::Refused(_)));
    }

    #[test]
    fn a_backward_reading_frees_nothing() {
        let (cell, quota) = (LimiterCell::new(), quota(3, 60));
        assert!(take(&cell, quota, 100.0));
        assert!(take(&cell, quota, 130.0));
        assert!(take(&cell, quota, 50.0)); // as of 130 s
        assert!(!take(&cell, quota, 115.0));
        assert!(take(&cell, quota, 160.0));
        assert!(!take(&cell, quota, 189.0));
        assert_eq!(exhaust(&cell, quota, 190.0), 2);
    }

    #[test]
    fn idle_is_a_window_after_the_last_admission() {
        let (cell, quota) = (LimiterCell::new(), quota(100, 60));
        assert!(take(&cell, quota, 0.0) && take(&cell, quota, 10.0));
        assert!(!cell.is_idle(at(69.0)));
        assert!(cell.snapshot(at(69.0)).is_some());
        assert!(cell.is_idle(at(70.0)));
        assert_eq!(cell.snapshot(at(70.0)), None);
        assert!(cell.is_idle(at(1e9)));
    }

    #[test]
    fn idle_is_as_much_after_a_change_of_quota() {
        let cell = LimiterCell::new();
        assert!(take(&cell, quota(100, 60), 0.0) && take(&cell, quota(200, 60), 10.0));
        assert!(!cell.is_idle(at(69.0)));
        assert!(cell.is_idle(at(70.0)));
    }

    #[test]
    fn a_raised_limit_adds_and_a_lowered_one_takes_away_at_once() {
        let cell = LimiterCell::new();
        assert_eq!(exhaust(&cell, quota(1000, 3600), 0.0), 1000);
        assert_eq!(cell.peek(quota(5000, 3600), at(1.0)).remaining, 4000);
        assert_eq!(exhaust(&cell, quota(5000, 3600), 1.0), 4000);
        assert!(!take(&cell, quota(1000, 3600), 2.0));
        assert_eq!(cell.peek(quota(1000, 3600), at(3600.0)).remaining, 0);
        assert_eq!(exhaust(&cell, quota(1000, 3600), 3601.0), 1000);
    }

    #[test]
    fn lowering_and_raising_a_limit_forgets_nothing() {
        let cell = LimiterCell::new();
        for second in 0..100 {
            assert!(matches!(cell.take(quota(5000, 3600), 50, at(f64::from(second))), Outcome::Admitted(_)));
        }
        for limit in [4000, 10, 1000, 1] {
            assert!(!take(&cell, quota(limit, 3600), 200.0));
        }
        let snapshot = cell.snapshot(at(200.0)).unwrap();
        let bytes = WindowSnapshot::from_bytes(&snapshot.to_bytes()).unwrap();
        for cell in [cell, LimiterCell::restore(quota(1, 3600), &bytes, Duration::ZERO, at(200.0))] {
            assert!(!take(&cell, quota(5000, 3600), 201.0));
            assert!(!take(&cell, quota(5000, 3600), 3599.0));
            assert_eq!(exhaust(&cell, quota(5000, 3600), 3700.0), 5000);
        }
    }

    #[test]
    fn what_a_lowered_limit_has_no_place_for_is_stored_and_counts_again() {
        // Of ten units each of its own second five stay; of a group of 19 ten do.
        for (limit, cost, lower) in [(10, 1, 5), (1000, 50, 10)] {
            let cell = LimiterCell::new();
            for second in 0..10 {
                assert!(matches!(
                    cell.take(quota(limit, 60), cost, at(f64::from(second))),
                    Outcome::Admitted(_)
                ));
            }
            assert!(!take(&cell, quota(lower, 60), 10.0));
            let stored = WindowSnapshot::from_bytes(&cell.snapshot(at(10.0)).unwrap().to_bytes()).unwrap();
            let restored = LimiterCell::restore(quota(lower, 60), &stored, Duration::ZERO, at(10.0));
            for cell in [cell, restored] {
                assert_eq!(cell.peek(quota(1000, 60), at(10.0)).remaining, 1000 - 10 * cost);
            }
        }
    }

    #[test]
    fn a_raise_withholds_less_than_two_percent_of_each_limit() {
        // The groups of the standard quota are of 19 units, which hide 18; those of the admin quota of 91.
        let (cell, standard, admin) = (LimiterCell::new(), quota(1000, 3600), quota(5000, 3600));
        for second in 0..1000 {
            assert!(take(&cell, standard, f64::from(second)));
        }
        assert!(take(&cell, admin, 1000.0));
        for second in 3600..4601 {
            let live = (1000 - (second - 3600)).clamp(0, 1000) + i32::from(second < 4600);
            let withheld = 5000 - live - cell.peek(admin, at(f64::from(second))).remaining as i32;
            assert!((0..=18 + 90).contains(&withheld), "{withheld} at {second} s");
        }
    }

    #[test]
    fn a_restored_cell_knows_how_much_time_has_passed() {
        let quota = quota(2, 60);
        let stopped = LimiterCell::new();
        assert!(take(&stopped, quota, 1000.0) && take(&stopped, quota, 1030.0));
        let snapshot = stopped.snapshot(at(1040.0)).unwrap();
        let restored =
            |elapsed| LimiterCell::restore(quota, &snapshot, Duration::from_secs(elapsed), at(5.0));
        assert!(!take(&restored(0), quota, 5.0));
        assert!(!take(&restored(19), quota, 5.0));
        assert_eq!(restored(19).peek(quota, at(5.0)).grows_in, Duration::from_secs(1));
        assert_eq!(exhaust(&restored(20), quota, 5.0), 1);
        // A minute after the first take it is forgotten, under whatever quota the cell goes on.
        let longer = self::quota(2, 3600);
        let elapsed = Duration::from_secs(20);
        assert_eq!(
            LimiterCell::restore(longer, &snapshot, elapsed, at(5.0)).peek(longer, at(5.0)).remaining,
            1
        );
        assert!(!restored(49).is_idle(at(5.0)));
        assert!(restored(50).is_idle(at(5.0)));
        assert!(restored(u64::MAX).is_idle(at(5.0)));
    }

    #[test]
    fn a_snapshot_by_a_late_reading_frees_nothing_early() {
        let quota = quota(1, 60);
        let stopped = LimiterCell::new();
        assert!(take(&stopped, quota, 10.0));
        let snapshot = stopped.snapshot(at(9.0)).unwrap();
        for other in [quota, self::quota(1, 90)] {
            for elapsed in [0.0, 0.3, 1.0, 5.0] {
                let now = at(109.0 + elapsed);
                let restored = LimiterCell::restore(other, &snapshot, Duration::from_secs_f64(elapsed), now);
                let end = 110.0 + f64::from(other.window_seconds());
                assert!(!take(&restored, other, end - 0.01));
                assert!(take(&restored, other, end));
            }
        }
    }

    #[test]
    fn a_late_reading_with_another_quota_is_still_late() {
        let cell = LimiterCell::new();
        assert!(take(&cell, quota(1, 3600), 50.0));
        assert!(!take(&cell, quota(1, 3601), 100.0));
        // By 100 s this quota has forgotten the take at 50 s, and another thread has seen 100 s pass.
        assert!(take(&cell, quota(1, 10), 70.0));
        assert!(!take(&cell, quota(1, 10), 109.9));
        assert!(take(&cell, quota(1, 10), 110.0));
    }

    #[test]
    fn a_clock_younger_than_the_snapshot_restores_it() {
        let quota = quota(1, 60);
        let stopped = LimiterCell::new();
        assert!(take(&stopped, quota, 1e6));
        let snapshot = stopped.snapshot(at(1e6 + 10.000_000_001)).unwrap();
        let restored = LimiterCell::restore(quota, &snapshot, Duration::ZERO, Moment::from_nanos(0));
        assert!(!take(&restored, quota, 49.9));
        assert!(take(&restored, quota, 50.000_001));
    }

    /// The first form had groups of 17 units here, and ticks of 15.625 µs.
    #[test]
    fn a_snapshot_of_the_first_version_is_restored() {
        let mut bytes = vec![1];
        bytes.extend([1000_u32, 3600].into_iter().flat_map(u32::to_le_bytes));
        bytes.extend(0_u64.to_le_bytes()); // not ahead
        bytes.extend(0_u32.to_le_bytes()); // at a whole tick
        bytes.push(2); // the third group, with 5 units of now; before it two full ones, of 1 s and 2 s ago
        bytes.extend([5_u32, 1].into_iter().flat_map(u32::to_le_bytes));
        bytes.push(2);
        bytes.extend([64_000_u32, 128_000].into_iter().flat_map(u32::to_le_bytes));

        let snapshot = WindowSnapshot::from_bytes(&bytes).unwrap();
        assert_eq!(snapshot.to_bytes(), bytes);
        for limit in [1000, 5000] {
            let cell = LimiterCell::restore(quota(limit, 3600), &snapshot, Duration::ZERO, at(7.0));
            let remaining = |seconds| cell.peek(quota(limit, 3600), at(7.0 + seconds)).remaining;
            assert_eq!([0.0, 3597.9, 3600.0].map(remaining), [limit - 39, limit - 39, limit]);
            for (seconds, live) in [(3598.0, 22), (3599.0, 5)] {
                assert!((limit - 39..=limit - live).contains(&remaining(seconds)), "{seconds}");
            }
            let stored = cell.snapshot(at(7.0)).unwrap().to_bytes();
            assert_eq!((stored.first(), WindowSnapshot::from_bytes(&stored).is_ok()), (Some(&2), true));
        }
    }
}
