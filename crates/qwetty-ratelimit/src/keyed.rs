use std::fmt;
use std::hash::Hash;

use crate::entries::{Change, Changed, Entries};
use crate::sync::{AtomicU64, Ordering};
use crate::window::Window;
use crate::{Moment, Outcome, Quota};

/// A limiter with a window for each key, for those who want a limiter and nothing else.
///
/// # Memory
///
/// A key takes 256 bytes, its own size, and what the map needs for an entry (some 30 bytes), from its first take until
/// [`KeyedLimiter::evict_idle`] finds its window idle. Nothing else removes a key, for to forget a live window would give
/// its units out twice. So call that once a window or so, and the memory is that of the keys that were taken from within the
/// last two. Where strangers bring as many keys as they like, as client addresses are, ask [`KeyedLimiter::len`] before a
/// take and decide what is due to a stranger beyond your bound: a refusal, or a key that all of them share.
///
/// # Keys that strangers choose
///
/// The hash is seeded anew for each limiter and never shown, so that nobody can work out colliding keys beforehand. It is
/// foldhash, which is not made to withstand somebody who chooses keys freely and learns from the time that each answer takes
/// which of them collide; SipHash is, for a fifth of a take. Keys that a stranger can only have and not invent, such as
/// addresses, are safe; make a digest of such as are any text that a stranger sends.
pub struct KeyedLimiter<K> {
    windows: Entries<K, Window>,
    /// The latest moment at which windows were evicted. One that comes after must not be taken from at an earlier one: the
    /// window that it replaces may still have counted then.
    evicted_at: AtomicU64,
}

impl<K: Eq + Hash + Clone> KeyedLimiter<K> {
    /// A limiter with nothing counted for any key.
    #[must_use]
    pub fn new() -> Self {
        Self { windows: Entries::new(), evicted_at: AtomicU64::new(0) }
    }

    /// Takes `cost` units from the window of `key`, all or none.
    pub fn take(&self, key: &K, quota: Quota, cost: u32, now: Moment) -> Outcome {
        if !quota.admits(cost) {
            return Outcome::CostOutOfRange { limit: quota.limit() };
        }
        let taken = self.windows.get(key, |window| window.take(&quota, cost, now));
        taken.unwrap_or_else(|| self.take_otherwise(key, &quota, cost, now))
    }

    /// A take for which there is no window that answers.
    #[cold]
    #[inline(never)]
    fn take_otherwise(&self, key: &K, quota: &Quota, cost: u32, now: Moment) -> Outcome {
        loop {
            if let Some(outcome) = self.take_anew(key, quota, cost, now) {
                return outcome;
            }
        }
    }

    /// Puts a window where there is none, begins one that is not begun, or puts one that has this take already in it in the
    /// place of one that can no longer answer: it was evicted, or is too old, or its quota is another. None if the take is
    /// still to be made.
    fn take_anew(&self, key: &K, quota: &Quota, cost: u32, now: Moment) -> Option<Outcome> {
        let mut admission = None;
        // What is put takes the place of the very window that was looked at, or else it is all done again.
        let changed = self.windows.change(key, |current| {
            // Nothing is decided about a window before it stands in the map, for it may come to stand there much later.
            let Some(window) = current else { return Change::Put(Window::not_begun()) };
            if !window.is_begun() {
                // Whoever finds a window that took the place of an evicted one also finds when that was.
                window.begin(*quota, now.max(Moment::from_nanos(self.evicted_at.load(Ordering::Acquire))));
            }
            if let Some(outcome) = window.take(quota, cost, now) {
                return Change::Leave(Some(outcome));
            }
            window.retire();
            let next = window.successor(*quota, now);
            admission = next.take(quota, cost, now);
            if admission.is_some() { Change::Put(next) } else { Change::Leave(None) }
        });
        match changed {
            Changed::Inserted => None,
            Changed::Replaced => admission,
            Changed::Left(outcome) => outcome,
        }
    }

    /// How many keys have a window in memory.
    #[must_use]
    pub fn len(&self) -> usize {
        self.windows.len()
    }

    /// Whether no key has a window in memory.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets the keys whose window counts nothing any more at `now`, and says how many. A live window stays, whatever
    /// other threads do meanwhile.
    pub fn evict_idle(&self, now: Moment) -> usize {
        self.evicted_at.fetch_max(now.as_nanos(), Ordering::AcqRel);
        // Whoever has found one already can take from it no more, and looks again.
        self.windows.sweep(|window| window.retire_if_idle(now))
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
        assert_eq!((limiter.len(), limiter.is_empty()), (2, false));
        assert_eq!(format!("{limiter:?}"), "KeyedLimiter { .. }"); // no keys
        assert_eq!(limiter.evict_idle(seconds(60)), 1);
        assert_eq!(limiter.len(), 1);
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
        for take in 0..3_000 {
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
        assert!(limiter.is_empty());
    }
}
