use std::fmt;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::quality::RandomState;
use papaya::{Compute, HashMap, Operation};

use crate::window::Window;
use crate::{Moment, Outcome, Quota};

/// A limiter with a window for each key, for those who want a limiter and nothing else.
///
/// Memory grows with the keys that were taken from within a window, so pass it keys that exist, not what strangers
/// choose, and call [`KeyedLimiter::evict_idle`] from time to time.
pub struct KeyedLimiter<K> {
    /// Its readers write nothing that they share, so threads that take from one key meet at its head alone.
    ///
    /// The hash is seeded at random, so that nobody can work out colliding keys beforehand. It is not for those who choose keys
    /// and learn from the answers how long each took, as SipHash is; but strangers choose no keys here, and SipHash is a
    /// fifth of a take.
    windows: HashMap<K, Window, RandomState>,
    /// The latest moment at which windows were evicted. One that comes after must not be taken from at an earlier one: the
    /// window that it replaces may still have counted then.
    evicted_at: AtomicU64,
}

impl<K: Eq + Hash + Clone> KeyedLimiter<K> {
    /// A limiter with nothing counted for any key.
    #[must_use]
    pub fn new() -> Self {
        Self { windows: HashMap::with_hasher(RandomState::default()), evicted_at: AtomicU64::new(0) }
    }

    /// Takes `cost` units from the window of `key`, all or none.
    pub fn take(&self, key: &K, quota: Quota, cost: u32, now: Moment) -> Outcome {
        if !quota.admits(cost) {
            return Outcome::CostOutOfRange { limit: quota.limit() };
        }
        loop {
            if let Some(window) = self.windows.pin().get(key)
                && let Some(outcome) = window.take(quota, cost, now)
            {
                return outcome;
            }
            if let Some(outcome) = self.take_anew(key, quota, cost, now) {
                return outcome;
            }
        }
    }

    /// Puts a window that has this take already in it where there is none, or in the place of one that can no longer answer:
    /// it was evicted, or is too old, or its quota is another.
    #[cold]
    #[inline(never)]
    fn take_anew(&self, key: &K, quota: Quota, cost: u32, now: Moment) -> Option<Outcome> {
        let mut admission = None;
        let windows = self.windows.pin();
        // What is inserted takes the place of the very window that was looked at, or else it is all done again.
        let done = windows.compute(key.clone(), |current| {
            let (next, now) = if let Some((_, window)) = current {
                if let Some(outcome) = window.take(quota, cost, now) {
                    return Operation::Abort(Some(outcome)); // another thread was faster
                }
                window.retire();
                (window.successor(quota, now), now)
            } else {
                // Whoever misses an evicted window comes after its eviction.
                let now = now.max(Moment::from_nanos(self.evicted_at.load(Ordering::SeqCst)));
                (Window::fresh(quota, now), now)
            };
            admission = next.take(quota, cost, now);
            if admission.is_some() { Operation::Insert(next) } else { Operation::Abort(None) }
        });
        if let Compute::Aborted(outcome) = done { outcome } else { admission }
    }

    /// Forgets the keys whose window counts nothing any more at `now`, and says how many. A live window stays, whatever
    /// other threads do meanwhile.
    pub fn evict_idle(&self, now: Moment) -> usize {
        self.evicted_at.fetch_max(now.as_nanos(), Ordering::SeqCst);
        let mut evicted = 0;
        let windows = self.windows.pin();
        for (key, window) in &windows {
            // Whoever has found it already can take from it no more, and looks again.
            if window.retire_if_idle(now) && windows.remove_if(key, |_, found| found.is_retired()).is_ok() {
                evicted += 1;
            }
        }
        evicted
    }
}

impl<K: Eq + Hash + Clone> Default for KeyedLimiter<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K> fmt::Debug for KeyedLimiter<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedLimiter").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Moment {
        Moment::from_nanos(seconds * 1_000_000_000)
    }

    fn admitted(outcome: Outcome) -> bool {
        matches!(outcome, Outcome::Admitted(_))
    }

    #[test]
    fn keys_do_not_share_a_window() {
        let limiter = KeyedLimiter::new();
        let quota = Quota::new(1, 60).unwrap();
        assert!(admitted(limiter.take(&"a", quota, 1, seconds(0))));
        assert!(!admitted(limiter.take(&"a", quota, 1, seconds(0))));
        assert!(admitted(limiter.take(&"b", quota, 1, seconds(0))));
    }

    #[test]
    fn eviction_takes_idle_windows_and_no_others() {
        let limiter = KeyedLimiter::new();
        let quota = Quota::new(1, 60).unwrap();
        assert!(admitted(limiter.take(&"old", quota, 1, seconds(0))));
        assert!(admitted(limiter.take(&"live", quota, 1, seconds(1))));
        assert_eq!(limiter.evict_idle(seconds(60)), 1);
        assert!(!admitted(limiter.take(&"live", quota, 1, seconds(60))));
        assert!(admitted(limiter.take(&"old", quota, 1, seconds(60))));
    }

    #[test]
    fn a_late_take_after_an_eviction_counts_from_the_eviction() {
        let limiter = KeyedLimiter::new();
        let quota = Quota::new(1, 60).unwrap();
        assert!(admitted(limiter.take(&"key", quota, 1, seconds(0))));
        assert_eq!(limiter.evict_idle(seconds(100)), 1);
        assert!(admitted(limiter.take(&"key", quota, 1, seconds(70))));
        assert!(!admitted(limiter.take(&"key", quota, 1, seconds(159))));
        assert!(admitted(limiter.take(&"key", quota, 1, seconds(160))));
    }

    #[test]
    fn a_change_of_quota_keeps_what_is_counted() {
        let limiter = KeyedLimiter::new();
        let quota = |limit| Quota::new(limit, 60).unwrap();
        assert!(admitted(limiter.take(&"key", quota(3), 2, seconds(0))));
        assert!(!admitted(limiter.take(&"key", quota(2), 1, seconds(1))));
        assert!(admitted(limiter.take(&"key", quota(4), 2, seconds(2))));
        assert!(!admitted(limiter.take(&"key", quota(4), 1, seconds(59))));
        assert!(admitted(limiter.take(&"key", quota(4), 2, seconds(60))));
    }

    #[test]
    fn a_window_goes_on_for_longer_than_its_time_scale() {
        let limiter = KeyedLimiter::new();
        let quota = Quota::new(1, 60).unwrap();
        for take in 0..100 {
            assert!(admitted(limiter.take(&"key", quota, 1, seconds(60 * take))));
            assert!(!admitted(limiter.take(&"key", quota, 1, seconds(60 * take + 59))));
        }
    }

    #[test]
    fn a_cost_out_of_range_makes_no_entry() {
        let limiter = KeyedLimiter::new();
        let quota = Quota::new(5, 60).unwrap();
        assert_eq!(limiter.take(&"key", quota, 6, seconds(0)), Outcome::CostOutOfRange { limit: 5 });
        assert_eq!(limiter.take(&"key", quota, 0, seconds(0)), Outcome::CostOutOfRange { limit: 5 });
        assert_eq!(limiter.evict_idle(seconds(100)), 0);
    }
}
