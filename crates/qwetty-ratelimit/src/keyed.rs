use std::fmt;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};

use dashmap::{DashMap, Entry};

use crate::window::Window;
use crate::{Moment, Outcome, Quota};

/// A limiter with a window for each key, for those who want a limiter and nothing else.
///
/// Memory grows with the keys that were taken from within a window, so pass it keys that exist, not what strangers
/// choose, and call [`KeyedLimiter::evict_idle`] from time to time.
pub struct KeyedLimiter<K> {
    /// Boxed, since a map has room for more than it holds.
    windows: DashMap<K, Box<Window>>,
    /// The latest moment at which windows were evicted. One that comes after must not be taken from at an earlier one: the
    /// window that it replaces may still have counted then.
    evicted_at: AtomicU64,
}

impl<K: Eq + Hash + Clone> KeyedLimiter<K> {
    /// A limiter with nothing counted for any key.
    #[must_use]
    pub fn new() -> Self {
        Self { windows: DashMap::new(), evicted_at: AtomicU64::new(0) }
    }

    /// Takes `cost` units from the window of `key`, all or none.
    pub fn take(&self, key: &K, quota: Quota, cost: u32, now: Moment) -> Outcome {
        if !quota.admits(cost) {
            return Outcome::CostOutOfRange { limit: quota.limit() };
        }
        loop {
            // The window is taken from under its shard's lock, shared with other takes: whoever replaces or evicts it waits
            // until that is done.
            if let Some(window) = self.windows.get(key)
                && let Some(outcome) = window.take(quota, cost, now)
            {
                return outcome;
            }
            if let Some(outcome) = self.take_anew(key, quota, cost, now) {
                return outcome;
            }
        }
    }

    /// Takes from a window that is new, because there was none or because it can no longer answer. Nobody else takes from this
    /// shard meanwhile.
    #[cold]
    #[inline(never)]
    fn take_anew(&self, key: &K, quota: Quota, cost: u32, now: Moment) -> Option<Outcome> {
        match self.windows.entry(key.clone()) {
            Entry::Occupied(mut entry) => {
                let window = entry.get_mut();
                window.take(quota, cost, now).or_else(|| {
                    **window = window.successor(quota, now);
                    window.take(quota, cost, now)
                })
            }
            Entry::Vacant(entry) => {
                // Relaxed, for the shard's lock orders it: whoever misses an evicted window comes after its eviction.
                let now = now.max(Moment::from_nanos(self.evicted_at.load(Ordering::Relaxed)));
                entry.insert(Box::new(Window::fresh(quota, now))).take(quota, cost, now)
            }
        }
    }

    /// Forgets the keys whose window counts nothing any more at `now`, and says how many. A live window stays, whatever
    /// other threads do meanwhile.
    pub fn evict_idle(&self, now: Moment) -> usize {
        self.evicted_at.fetch_max(now.as_nanos(), Ordering::Relaxed);
        let mut evicted = 0;
        self.windows.retain(|_, window| {
            let idle = window.is_idle(now);
            evicted += usize::from(idle);
            !idle
        });
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
