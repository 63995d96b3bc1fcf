use std::sync::{Arc, PoisonError};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use qwetty_keys::KeyDigest;

use super::{CachedKey, KeyState};
use crate::sync::{ShardedLock, ShardedLockReadGuard, ShardedLockWriteGuard};

/// The most parts that a table is split into, each under a lock of its own.
const MOST_SHARDS: usize = 128;
/// Parts smaller than this would fill up too unevenly.
const LEAST_PER_SHARD: usize = 64;
/// Among so many records that were asked for lately, one more is evicted all the same: a look-up is not to search long.
const MOST_SPARED: usize = 64;

/// Cached keys by digest, no more than a fixed number of them.
///
/// Where a full shard is to take another key, a hand goes around it: a key that was asked for since the hand last came by
/// is spared, the first one that was not is evicted (the CLOCK algorithm). It costs a decision nothing but a look at a flag.
#[derive(Debug)]
pub(super) struct Records {
    shards: Box<[Shard]>,
    /// The most keys in one shard.
    capacity: usize,
}

/// The lock has a part for each of eight threads, on cache lines of its own: whoever looks a key up takes one part, so that threads
/// which only look up write to nothing that they share. Whoever puts a key in or removes one takes them all.
///
/// Alone on its cache lines, so that threads in different shards do not disturb each other.
#[derive(Debug)]
#[repr(align(64))]
struct Shard(ShardedLock<Table>);

#[derive(Debug, Default)]
struct Table {
    keys: HashTable<Slot>,
    hand: usize,
}

/// A key, and beside it its state: the processor can so fetch both from memory at once, and not one after the other.
#[derive(Debug)]
struct Slot {
    key: Arc<CachedKey>,
    state: Arc<KeyState>,
}

impl Records {
    /// A table for so many keys, 1 at least. It takes memory as it fills.
    pub(super) fn with_capacity(capacity: usize) -> Self {
        let shards = (capacity / LEAST_PER_SHARD).clamp(1, MOST_SHARDS);
        let shards = 1 << shards.ilog2();
        Self { shards: (0..shards).map(|_| Shard::new()).collect(), capacity: (capacity / shards).max(1) }
    }

    pub(super) fn get(&self, digest: &KeyDigest) -> Option<Arc<CachedKey>> {
        let table = self.shard(digest)?.read();
        let slot = table.keys.find(hash(digest), |slot| {
            slot.state.approach();
            slot.digest() == digest
        })?;
        slot.key.ask();
        Some(Arc::clone(&slot.key))
    }

    /// Puts a key in, in the place of the one with its digest or of one that is evicted, if `is_current` still says so
    /// once nobody else can change this digest. Gives back whichever left the table.
    pub(super) fn put(
        &self,
        digest: &KeyDigest,
        is_current: impl FnOnce() -> bool,
        key: impl FnOnce() -> Arc<CachedKey>,
    ) -> Option<(Arc<CachedKey>, Option<Arc<CachedKey>>)> {
        let mut table = self.shard(digest)?.write();
        if !is_current() {
            return None;
        }
        let key = key();
        let mut left = None;
        if table.keys.len() >= self.capacity {
            left = table.make_room(digest);
        }
        let slot = Slot { state: Arc::clone(key.state()), key: Arc::clone(&key) };
        match table.keys.entry(hash(digest), |slot| slot.digest() == digest, |slot| hash(slot.digest())) {
            Entry::Occupied(mut occupied) => left = Some(std::mem::replace(occupied.get_mut(), slot).key),
            Entry::Vacant(vacant) => drop(vacant.insert(slot)),
        }
        Some((key, left))
    }

    pub(super) fn remove(&self, digest: &KeyDigest) -> Option<Arc<CachedKey>> {
        let mut table = self.shard(digest)?.write();
        let found = table.keys.find_entry(hash(digest), |slot| slot.digest() == digest).ok()?;
        Some(found.remove().0.key)
    }

    pub(super) fn clear(&self) {
        for shard in &self.shards {
            // Dropped once the lock is let go of.
            let _keys = std::mem::take(&mut *shard.write());
        }
    }

    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().keys.len()).sum()
    }

    /// None never comes: the place is a remainder of the number of shards.
    fn shard(&self, digest: &KeyDigest) -> Option<&Shard> {
        let [_, word, ..] = words(digest);
        self.shards.get(usize::try_from(word % self.shards.len() as u64).ok()?)
    }
}

impl Shard {
    fn new() -> Self {
        Self(ShardedLock::new(Table::default()))
    }

    fn read(&self) -> ShardedLockReadGuard<'_, Table> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> ShardedLockWriteGuard<'_, Table> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    fn digest(&self) -> &KeyDigest {
        self.key.digest()
    }
}

impl Table {
    /// Evicts one key, unless `digest` is to take the place of its own.
    fn make_room(&mut self, digest: &KeyDigest) -> Option<Arc<CachedKey>> {
        if self.keys.find(hash(digest), |slot| slot.digest() == digest).is_some() {
            return None;
        }
        let places = self.keys.num_buckets();
        let mut spared = 0;
        // Around twice, for the first time around may find that each was asked for.
        for _ in 0..places.saturating_mul(2) {
            let place = self.hand;
            self.hand = if place + 1 < places { place + 1 } else { 0 };
            let Ok(entry) = self.keys.get_bucket_entry(place) else { continue };
            if entry.get().key.take_asked_for() && spared < MOST_SPARED {
                spared += 1;
                continue;
            }
            return Some(entry.remove().0.key);
        }
        None
    }
}

/// A digest is as random as any hash of it, and nobody can choose the digest of a value that exists.
fn hash(digest: &KeyDigest) -> u64 {
    let [word, ..] = words(digest);
    word
}

fn words(digest: &KeyDigest) -> [u64; 4] {
    let mut words = [0; 4];
    for (word, bytes) in words.iter_mut().zip(digest.as_bytes().as_chunks().0) {
        *word = u64::from_ne_bytes(*bytes);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_a_part_goes_by_other_bits_than_the_part() {
        let of = |first: u8, second: u8| {
            let mut bytes = [0; 32];
            bytes[..8].fill(first);
            bytes[8..16].fill(second);
            KeyDigest::from_bytes(bytes)
        };
        let records = Records::with_capacity(1000);
        let part = |digest| std::ptr::from_ref(records.shard(&digest).unwrap());
        assert_ne!(hash(&of(1, 0)), hash(&of(2, 0)));
        assert_eq!(hash(&of(1, 0)), hash(&of(1, 1)));
        assert_eq!(part(of(1, 0)), part(of(2, 0)));
        assert_ne!(part(of(1, 0)), part(of(1, 1)));
    }
}
