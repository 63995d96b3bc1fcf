use std::hash::{BuildHasher, Hash};
use std::sync::PoisonError;

use crate::sync::{Mutex, MutexGuard, RandomState};

/// A fixed number of places, each for the last thing that fell on it. It takes the same memory whatever strangers send, and
/// they cannot aim at a place.
#[derive(Debug)]
pub(super) struct Slots<T> {
    slots: Box<[Mutex<Option<T>>]>,
    hasher: RandomState,
}

impl<T> Slots<T> {
    pub(super) fn new(number: usize) -> Self {
        Self { slots: (0..number.max(1)).map(|_| Mutex::new(None)).collect(), hasher: RandomState::new() }
    }

    /// The place of whatever has this key.
    #[expect(clippy::indexing_slicing, reason = "a place is a remainder of the number of places")]
    pub(super) fn of(&self, key: &impl Hash) -> MutexGuard<'_, Option<T>> {
        let place = usize::try_from(self.hasher.hash_one(key)).unwrap_or(0) % self.slots.len();
        self.slots[place].lock().unwrap_or_else(PoisonError::into_inner)
    }
}
