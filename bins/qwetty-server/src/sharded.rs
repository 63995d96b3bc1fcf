//! What all threads count on, each in a place of its own.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crossbeam_utils::CachePadded;
use prometheus_client::metrics::counter::Atomic;

/// So many threads have a place of their own.
const OWN: usize = 8;
/// Those beyond share as many others.
const PLACES: usize = 2 * OWN;

/// The same thing several times, so that two threads which count at once do not wait for one line of the processor's cache.
#[derive(Debug, Default)]
pub(crate) struct Sharded<T>([CachePadded<T>; PLACES]);

/// The place of a thread, in every [`Sharded`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place(usize);

impl Place {
    fn of_this_thread() -> Self {
        static TAKEN: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static PLACE: Place = Place::nth(TAKEN.fetch_add(1, Ordering::Relaxed));
        }
        PLACE.with(|place| *place)
    }

    const fn nth(thread: usize) -> Self {
        Self(if thread < OWN { thread } else { OWN + thread % OWN })
    }

    /// Adds to a count in this place; gives what it was before.
    pub(crate) fn add(self, count: &AtomicU64, by: u64) -> u64 {
        if self.0 >= OWN {
            return count.fetch_add(by, Ordering::Relaxed);
        }
        // Nobody else writes to it, so there is nothing to wait for.
        let before = count.load(Ordering::Relaxed);
        count.store(before.wrapping_add(by), Ordering::Relaxed);
        before
    }
}

impl<T> Sharded<T> {
    /// That of the thread which asks, and its place, by which alone it counts there.
    pub(crate) fn own(&self) -> (&T, Place) {
        let place = Place::of_this_thread();
        let [first, ..] = &self.0;
        (self.0.get(place.0).unwrap_or(first), place)
    }

    /// All of them.
    pub(crate) fn each(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|place| &**place)
    }
}

/// A count; what it was before is told of the thread's own share alone.
impl Atomic<u64> for Sharded<AtomicU64> {
    fn inc(&self) -> u64 {
        self.inc_by(1)
    }

    fn inc_by(&self, by: u64) -> u64 {
        let (count, place) = self.own();
        place.add(count, by)
    }

    fn get(&self) -> u64 {
        self.each().map(|count| count.load(Ordering::Relaxed)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn whatever_thread_counts_it_is_counted() {
        let count = Sharded::<AtomicU64>::default();
        let threads = 3 * PLACES as u64;
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    for _ in 0..100 {
                        count.inc();
                        count.inc_by(2);
                    }
                });
            }
        });
        assert_eq!(count.get(), 300 * threads);
    }

    #[test]
    fn a_place_that_is_counted_in_without_waiting_is_one_threads_alone() {
        let mut threads = HashMap::<usize, usize>::new();
        for thread in 0..10 * PLACES {
            *threads.entry(Place::nth(thread).0).or_default() += 1;
        }
        assert!(threads.keys().all(|place| *place < PLACES));
        for (place, threads) in threads {
            assert_eq!(place < OWN, threads == 1, "{threads} threads count in place {place}");
        }
    }
}
