use std::fmt;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};

use dashmap::DashMap;

use crate::{LimiterCell, Moment, Outcome, Quota};

/// A limiter with a window for each key, for those who want a limiter and nothing else.
///
/// Memory grows with the keys that were taken from within a window, so pass it keys that exist, not what strangers
/// choose, and call [`KeyedLimiter::evict_idle`] from time to time.
pub struct KeyedLimiter<K> {
    cells: DashMap<K, LimiterCell>,
    /// The latest moment at which cells were evicted. A cell that comes after must not be taken from at an earlier one: the
    /// cell that it replaces may still have counted then.
    evicted_at: AtomicU64,
}

impl<K: Eq + Hash + Clone> KeyedLimiter<K> {
    /// A limiter with nothing counted for any key.
    #[must_use]
    pub fn new() -> Self {
        Self { cells: DashMap::new(), evicted_at: AtomicU64::new(0) }
    }

    /// Takes `cost` units from the window of `key`, all or none.
    pub fn take(&self, key: &K, quota: Quota, cost: u32, now: Moment) -> Outcome {
        // The cell is taken from under its shard's lock, shared with other takes: eviction waits until it is done.
        if let Some(cell) = self.cells.get(key) {
            return cell.take(quota, cost, now);
        }
        if !(1..=quota.limit()).contains(&cost) {
            return Outcome::CostOutOfRange { limit: quota.limit() };
        }
        let cell = self.cells.entry(key.clone()).or_default();
        // Relaxed, for the shard's lock orders it: whoever misses an evicted cell comes after its eviction.
        let evicted_at = Moment::from_nanos(self.evicted_at.load(Ordering::Relaxed));
        cell.take(quota, cost, now.max(evicted_at))
    }

    /// Forgets the keys whose window counts nothing any more at `now`, and says how many. A live window stays, whatever
    /// other threads do meanwhile.
    pub fn evict_idle(&self, now: Moment) -> usize {
        self.evicted_at.fetch_max(now.as_nanos(), Ordering::Relaxed);
        let mut evicted = 0;
        self.cells.retain(|_, cell| {
            let idle = cell.is_idle(now);
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
    fn a_cost_out_of_range_makes_no_entry() {
        let limiter = KeyedLimiter::new();
        let quota = Quota::new(5, 60).unwrap();
        assert_eq!(limiter.take(&"key", quota, 6, seconds(0)), Outcome::CostOutOfRange { limit: 5 });
        assert_eq!(limiter.take(&"key", quota, 0, seconds(0)), Outcome::CostOutOfRange { limit: 5 });
        assert_eq!(limiter.evict_idle(seconds(100)), 0);
    }
}
