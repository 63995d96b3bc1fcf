use std::cell::Cell;
use std::hint::black_box;
use std::ptr;
use std::sync::{Arc, PoisonError};

use hashbrown::HashTable;
use qwetty_keys::KeyDigest;

use super::CachedKey;
use crate::sync::{
    ArcSwap, AtomicUsize, Held, Ordering, ShardedLock, ShardedLockReadGuard, ShardedLockWriteGuard,
};

/// The most parts that a table is split into, each under a lock of its own. Few enough that what is looked at of each lock stays in
/// the processor's cache, and enough that a part which grows makes nobody wait for long.
const MOST_SHARDS: usize = 32;
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
    /// How many keys there are in all shards.
    len: AtomicUsize,
    /// The most there can be.
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

/// Whoever finds a key holds on to it in a way that is noted with its thread alone: the count of who holds it would be written to by
/// every thread with a decision on that key.
#[derive(Debug)]
struct Slot {
    hash: u64,
    key: ArcSwap<CachedKey>,
}

impl Records {
    /// A table for so many keys, 1 at least. It takes memory as it fills.
    pub(super) fn with_capacity(capacity: usize) -> Self {
        let shards = (capacity / LEAST_PER_SHARD).clamp(1, MOST_SHARDS);
        let shards = 1 << shards.ilog2();
        let shards = (0..shards).map(|_| Shard::new()).collect();
        Self { shards, len: AtomicUsize::new(0), capacity: capacity.max(1) }
    }

    pub(super) fn get(&self, digest: &KeyDigest) -> Option<Held<CachedKey>> {
        let table = self.shard(digest)?.read();
        table.approach(hash(digest));
        let mut found = None;
        table.keys.find(hash(digest), |slot| {
            let key = slot.key.load();
            if !is_found_again(&key) {
                key.approach();
            }
            let is_it = key.digest() == digest;
            if is_it {
                key.ask();
                found = Some(key);
            }
            is_it
        });
        found
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
        let slot = Slot { hash: hash(digest), key: ArcSwap::new(Arc::clone(&key)) };
        if let Ok(mut held) = table.keys.find_entry(hash(digest), |slot| slot.is_of(digest)) {
            let left = std::mem::replace(held.get_mut(), slot);
            return Some((key, Some(left.key.into_inner())));
        }
        let mut left = None;
        if self.len.fetch_add(1, Ordering::SeqCst) >= self.capacity {
            left = table.evict();
            self.len.fetch_sub(1, Ordering::SeqCst);
            if left.is_none() {
                // All of the room is taken by other shards.
                return Some((key, None));
            }
        }
        table.keys.insert_unique(hash(digest), slot, |slot| slot.hash);
        Some((key, left))
    }

    pub(super) fn remove(&self, digest: &KeyDigest) -> Option<Arc<CachedKey>> {
        let mut table = self.shard(digest)?.write();
        let found = table.keys.find_entry(hash(digest), |slot| slot.is_of(digest)).ok()?;
        self.len.fetch_sub(1, Ordering::SeqCst);
        Some(found.remove().0.key.into_inner())
    }

    pub(super) fn clear(&self) {
        for shard in &self.shards {
            let mut table = shard.write();
            self.len.fetch_sub(table.keys.len(), Ordering::SeqCst);
            let keys = std::mem::take(&mut *table);
            // They are dropped once the lock is let go of.
            drop(table);
            drop(keys);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len.load(Ordering::SeqCst)
    }

    /// None never comes: there is a power of two of shards.
    fn shard(&self, digest: &KeyDigest) -> Option<&Shard> {
        let [_, word, ..] = words(digest);
        self.shards.get(word as usize & (self.shards.len() - 1))
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
    fn is_of(&self, digest: &KeyDigest) -> bool {
        self.hash == hash(digest) && self.key.load().digest() == digest
    }
}

impl Table {
    /// Has the processor fetch the slot in which a key most likely is, while it fetches what the table knows of its slots.
    fn approach(&self, hash: u64) {
        let place = hash as usize & self.keys.num_buckets().wrapping_sub(1);
        black_box(self.keys.get_bucket(place).map(|slot| slot.hash));
    }

    /// Evicts one key, if there is any.
    fn evict(&mut self) -> Option<Arc<CachedKey>> {
        let places = self.keys.num_buckets();
        let mut spared = 0;
        // Around twice, for the first time around may find that each was asked for.
        for _ in 0..places.saturating_mul(2) {
            let place = self.hand;
            self.hand = if place + 1 < places { place + 1 } else { 0 };
            let Ok(entry) = self.keys.get_bucket_entry(place) else { continue };
            if entry.get().key.load().take_asked_for() && spared < MOST_SPARED {
                spared += 1;
                continue;
            }
            return Some(entry.remove().0.key.into_inner());
        }
        None
    }
}

/// Whether this thread comes upon the key that it came upon last. That one need not be fetched from memory: it is in the
/// processor's cache, or another thread is writing to it, and whoever looks at it twice takes it from that thread twice.
fn is_found_again(key: &CachedKey) -> bool {
    thread_local!(static LAST: Cell<*const CachedKey> = const { Cell::new(ptr::null()) });
    let key = ptr::from_ref(key);
    LAST.with(|last| last.replace(key) == key)
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
    use crate::cache::tests::{first, first_under};

    #[test]
    fn a_key_is_found_again_if_no_other_was_in_between() {
        let (one, other) = (first(1), first(2));
        assert_eq!([&one, &one, &other, &one].map(is_found_again), [false, true, false, false]);
        let found_elsewhere = std::thread::scope(|scope| scope.spawn(|| is_found_again(&one)).join());
        assert!(!found_elsewhere.unwrap(), "another thread has not found it");
    }

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

    #[test]
    fn keys_that_lie_in_one_place_are_not_taken_for_each_other() {
        let under = |last: u8| {
            let mut bytes = [7; 32];
            bytes[31] = last;
            KeyDigest::from_bytes(bytes)
        };
        let records = Records::with_capacity(10);
        for last in 0..3 {
            let digest = under(last);
            let put = records.put(&digest, || true, || Arc::new(first_under(digest, last.into())));
            assert!(put.unwrap().1.is_none(), "{last} takes nobody's place");
        }
        assert_eq!(records.remove(&under(1)).unwrap().digest(), &under(1));
        assert_eq!([0, 1, 2].map(|last| records.get(&under(last)).is_some()), [true, false, true]);
    }
}
