//! What all threads count on, each in a place of its own.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crossbeam_utils::CachePadded;
use prometheus_client::metrics::counter::Atomic;

/// Threads beyond these share.
const PLACES: usize = 8;

/// The same thing several times, so that two threads which count at once do not wait for one line of the processor's cache.
#[derive(Debug, Default)]
pub(crate) struct Sharded<T>([CachePadded<T>; PLACES]);

impl<T> Sharded<T> {
    /// That of the thread which asks.
    pub(crate) fn own(&self) -> &T {
        static TAKEN: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static PLACE: usize = TAKEN.fetch_add(1, Ordering::Relaxed) % PLACES;
        }
        let [first, ..] = &self.0;
        self.0.get(PLACE.with(|place| *place)).unwrap_or(first)
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
        self.own().fetch_add(by, Ordering::Relaxed)
    }

    fn get(&self) -> u64 {
        self.each().map(|count| count.load(Ordering::Relaxed)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_thread_counts_it_is_counted() {
        let count = Sharded::<AtomicU64>::default();
        std::thread::scope(|scope| {
            for _ in 0..3 * PLACES {
                scope.spawn(|| {
                    count.inc();
                    count.inc_by(2)
                });
            }
        });
        assert_eq!(count.get(), 3 * 3 * PLACES as u64);
    }
}
