//! Keys in memory, by digest, and the rule that keeps them fresh.
//!
//! A change is made in three steps: commit in the store, [`KeyCache::forget`] every digest concerned, answer. A look-up takes a
//! [`Ticket`] *before* it reads the store and hands it in with what it found. `forget` moves the generation of a digest's
//! stripe on before it removes the entry, and [`KeyCache::keep`] compares the ticket under the same map lock, so whatever
//! was read before a change was committed is either removed by the change or never kept.

mod state;

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dashmap::{DashMap, Entry};
use qwetty_keys::{KeyDigest, KeyId};
use qwetty_ratelimit::Quota;
use qwetty_storage::{FoundKey, KeyRecord};

pub(crate) use self::state::KeyState;
use crate::clock::Now;

/// Generations are kept per stripe of digests, so that a change makes only few look-ups read again.
const STRIPES: usize = 1024;

/// A record as a decision uses it, with the key's live state.
#[derive(Debug)]
pub(crate) struct CachedKey {
    record: KeyRecord,
    state: Arc<KeyState>,
}

impl CachedKey {
    pub(crate) fn record(&self) -> &KeyRecord {
        &self.record
    }

    pub(crate) fn state(&self) -> &Arc<KeyState> {
        &self.state
    }
}

/// Says how things stood with a digest before a look-up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticket {
    stripe: usize,
    generation: u64,
}

/// Something changed since the ticket was taken: what was found may be out of date. Look again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outdated;

/// The keys in memory, and the live state of every key that was ever in it.
#[derive(Debug)]
pub(crate) struct KeyCache {
    by_digest: DashMap<KeyDigest, Arc<CachedKey>>,
    states: DashMap<KeyId, Arc<KeyState>>,
    generations: Box<[AtomicU64]>,
    hasher: RandomState,
}

impl KeyCache {
    pub(crate) fn new() -> Self {
        Self {
            by_digest: DashMap::new(),
            states: DashMap::new(),
            generations: (0..STRIPES).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::new(),
        }
    }

    /// The key in memory for this digest.
    pub(crate) fn get(&self, digest: &KeyDigest) -> Option<Arc<CachedKey>> {
        self.by_digest.get(digest).map(|key| Arc::clone(&key))
    }

    /// The live state of a key that is in memory.
    pub(crate) fn state(&self, id: KeyId) -> Option<Arc<KeyState>> {
        self.states.get(&id).map(|state| Arc::clone(&state))
    }

    /// To be taken before the store is read.
    pub(crate) fn ticket(&self, digest: &KeyDigest) -> Ticket {
        let stripe = self.stripe(digest);
        Ticket { stripe, generation: self.generation(stripe).load(Ordering::SeqCst) }
    }

    /// Keeps what the store answered, unless something changed since the ticket was taken.
    pub(crate) fn keep(
        &self,
        ticket: Ticket,
        digest: &KeyDigest,
        found: FoundKey,
        quota: Quota,
        now: Now,
    ) -> Result<Arc<CachedKey>, Outdated> {
        let entry = self.by_digest.entry(*digest);
        if !self.is_current(ticket) {
            return Err(Outdated);
        }
        let FoundKey { record, window } = found;
        let state = Arc::clone(
            &self
                .states
                .entry(record.id)
                .or_insert_with(|| Arc::new(KeyState::restore(record.id, quota, window, now))),
        );
        let key = Arc::new(CachedKey { record, state });
        match entry {
            Entry::Occupied(mut occupied) => {
                occupied.insert(Arc::clone(&key));
            }
            Entry::Vacant(vacant) => {
                vacant.insert(Arc::clone(&key));
            }
        }
        Ok(key)
    }

    /// Whether nothing changed since the ticket was taken; for look-ups that found nothing.
    pub(crate) fn is_current(&self, ticket: Ticket) -> bool {
        self.generation(ticket.stripe).load(Ordering::SeqCst) == ticket.generation
    }

    /// To be called for every digest that led to a key before or after a change, once the change is committed or its
    /// outcome is unknown, and before anyone is told of it.
    pub(crate) fn forget<'a>(&self, digests: impl IntoIterator<Item = &'a KeyDigest>) {
        for digest in digests {
            self.generation(self.stripe(digest)).fetch_add(1, Ordering::SeqCst);
            self.by_digest.remove(digest);
        }
    }

    /// Forgets every record; live state stays. For when changes by others may have been missed.
    pub(crate) fn forget_all(&self) {
        for generation in &self.generations {
            generation.fetch_add(1, Ordering::SeqCst);
        }
        self.by_digest.clear();
    }

    /// Drops a key that was deleted, live state and all. The records go first: a look-up under way would else begin a new
    /// state, with a quota that knows nothing of the old one.
    pub(crate) fn drop_key<'a>(&self, id: KeyId, digests: impl IntoIterator<Item = &'a KeyDigest>) {
        self.forget(digests);
        self.states.remove(&id);
    }

    fn stripe(&self, digest: &KeyDigest) -> usize {
        usize::try_from(self.hasher.hash_one(digest)).unwrap_or(0) % STRIPES
    }

    #[expect(clippy::indexing_slicing, reason = "a stripe is a remainder of the number of stripes")]
    fn generation(&self, stripe: usize) -> &AtomicU64 {
        &self.generations[stripe % STRIPES]
    }
}
