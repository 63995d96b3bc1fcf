use std::hash::BuildHasher;
use std::sync::PoisonError;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use qwetty_keys::KeyId;

use super::{CachedKey, LiveState};
use crate::sync::{Mutex, MutexGuard, RandomState, places};

/// Enough that to look through one of a million states takes no longer than a decision may wait.
const SHARDS: usize = places(256);

/// The live states, by the key's id, which each has in itself: a place is a pointer and no more.
///
/// Each part is under a lock, which keeps others from taking hold of a state while it is judged whether it can go.
#[derive(Debug)]
pub(super) struct States {
    shards: Box<[Mutex<Shard>]>,
    hasher: RandomState,
}

type Shard = HashTable<LiveState>;

impl States {
    pub(super) fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), hasher: RandomState::new() }
    }

    pub(super) fn get(&self, id: KeyId) -> Option<LiveState> {
        let hash = self.hash(id);
        self.shard(hash).find(hash, |state| state.id() == id).cloned()
    }

    /// The state of this key, in the first of it that is made if there is none.
    pub(super) fn get_or_insert_with(&self, id: KeyId, make: impl FnOnce() -> CachedKey) -> LiveState {
        let hash = self.hash(id);
        match self.shard(hash).entry(hash, |state| state.id() == id, |state| self.hash(state.id())) {
            Entry::Occupied(occupied) => occupied.get().clone(),
            Entry::Vacant(vacant) => vacant.insert(LiveState::of_first(make())).get().clone(),
        }
    }

    pub(super) fn remove(&self, id: KeyId) {
        self.remove_if(id, |_| true);
    }

    pub(super) fn remove_if(&self, id: KeyId, goes: impl FnOnce(&mut LiveState) -> bool) {
        let hash = self.hash(id);
        if let Ok(mut found) = self.shard(hash).find_entry(hash, |state| state.id() == id)
            && goes(found.get_mut())
        {
            found.remove();
        }
    }

    /// Removes each of which `goes` says so.
    pub(super) fn remove_all_if(&self, mut goes: impl FnMut(&mut LiveState) -> bool) {
        for shard in &self.shards {
            locked(shard).retain(|state| !goes(state));
        }
    }

    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| locked(shard).len()).sum()
    }

    fn hash(&self, id: KeyId) -> u64 {
        self.hasher.hash_one(id)
    }

    /// The shard goes by other bits than the place in it.
    #[expect(clippy::indexing_slicing, reason = "a shard is a remainder of the number of shards")]
    fn shard(&self, hash: u64) -> MutexGuard<'_, Shard> {
        locked(&self.shards[usize::try_from(hash >> 32).unwrap_or(0) % SHARDS])
    }
}

fn locked(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::tests::first;

    #[test]
    fn states_lie_in_all_parts() {
        let states = States::new();
        for number in 0..2000 {
            states.get_or_insert_with(KeyId::from_u128(number.into()), || first(number));
        }
        let used = states.shards.iter().filter(|shard| !locked(shard).is_empty()).count();
        assert!(used > SHARDS * 9 / 10, "{used} of {SHARDS}");
    }
}
