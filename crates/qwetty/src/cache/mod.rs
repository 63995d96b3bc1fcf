//! Keys in memory, by digest, and the rule that keeps them fresh.
//!
//! A change is made in three steps: commit in the store, [`KeyCache::forget`] every digest concerned, answer. A look-up takes a
//! [`Ticket`] *before* it reads the store and hands it in with what it found. `forget` moves the generation of a digest's
//! stripe on before it removes the entry, and [`KeyCache::keep`] compares the ticket under the same lock, so whatever
//! was read before a change was committed is either removed by the change or never kept.
//!
//! # What stays and what goes
//!
//! Records are bounded: where there is no room, one that was not asked for lately is evicted. Its live state (quota window,
//! usage, latest refusal) does not go with it, but once nobody holds it and its window is over. Then nothing is lost:
//!
//! - **The window.** A new state would answer the same.
//! - **The counts.** Whoever counts holds the state until it waits in the flusher's queue, which holds it until it took the
//!   counts out.
//! - **The latest refusal** is handed on to [`Refusals`].
//!
//! And nobody can be late: a decision holds the state from before it takes until after it counted, and new holders come by
//! way of the map that the state is removed from. So there are never two states of one key at work, and no more states
//! than records and keys that were used within a window.

mod cached_key;
mod records;
mod refusals;
mod state;

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dashmap::DashMap;
use qwetty_keys::{KeyDigest, KeyId, Timestamp};
use qwetty_ratelimit::{Moment, Quota};
use qwetty_storage::FoundKey;

pub(crate) use self::cached_key::CachedKey;
use self::records::Records;
use self::refusals::Refusals;
pub(crate) use self::state::{KeyState, restored};
use crate::clock::Now;

/// Generations are kept per stripe of digests, so that a change makes only few look-ups read again.
const STRIPES: usize = 1024;
/// Enough that to look through one of a million states takes no longer than a decision may wait.
const STATE_SHARDS: usize = 256;

/// Says how things stood with a digest before a look-up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticket {
    stripe: usize,
    generation: u64,
}

/// Something changed since the ticket was taken: what was found may be out of date. Look again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outdated;

/// The keys in memory, and the live state of every key that has one.
#[derive(Debug)]
pub(crate) struct KeyCache {
    records: Records,
    states: DashMap<KeyId, Arc<KeyState>>,
    refusals: Refusals,
    generations: Box<[AtomicU64]>,
    hasher: RandomState,
}

impl KeyCache {
    /// A cache of so many records, 1 at least.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self {
            records: Records::with_capacity(capacity),
            states: DashMap::with_shard_amount(STATE_SHARDS),
            refusals: Refusals::new(),
            generations: (0..STRIPES).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::new(),
        }
    }

    /// The key in memory for this digest.
    pub(crate) fn get(&self, digest: &KeyDigest) -> Option<Arc<CachedKey>> {
        self.records.get(digest)
    }

    /// The live state of a key that has one.
    pub(crate) fn state(&self, id: KeyId) -> Option<Arc<KeyState>> {
        self.states.get(&id).map(|state| Arc::clone(&state))
    }

    /// The time by which a key is judged; see [`KeyState::judged_at`].
    pub(crate) fn judged_at(&self, id: KeyId, wall: Timestamp) -> Timestamp {
        match self.states.get(&id) {
            Some(state) => state.judged_at(wall),
            None => wall.max(self.refusals.latest(id)),
        }
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
        let put = self.records.put(
            digest,
            || self.is_current(ticket),
            || {
                let FoundKey { record, window } = found;
                let state = self.states.entry(record.id).or_insert_with(|| {
                    let refused_at = self.refusals.latest(record.id);
                    Arc::new(KeyState::restore(record.id, quota, window, refused_at, now))
                });
                let state = Arc::clone(&state);
                Arc::new(CachedKey::new(*digest, record, state))
            },
        );
        let (kept, left) = put.ok_or(Outdated)?;
        if let Some(left) = left {
            let id = left.record().id;
            drop(left);
            self.drop_idle_state(id, now.moment);
        }
        Ok(kept)
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
            self.records.remove(digest);
        }
    }

    /// Forgets every record; live state stays. For when changes by others may have been missed.
    pub(crate) fn forget_all(&self) {
        for generation in &self.generations {
            generation.fetch_add(1, Ordering::SeqCst);
        }
        self.records.clear();
    }

    /// Drops a key that was deleted, live state and all. The records go first: a look-up under way would else begin a new
    /// state, with a quota that knows nothing of the old one.
    pub(crate) fn drop_key<'a>(&self, id: KeyId, digests: impl IntoIterator<Item = &'a KeyDigest>) {
        self.forget(digests);
        self.states.remove(&id);
    }

    /// Drops the states that nobody holds and whose window is over. It looks at each state, if there are more than there
    /// are records.
    pub(crate) fn drop_idle_states(&self, now: Moment) {
        if self.states.len() > self.records.len() {
            self.states.retain(|_, state| !self.retire(state, now));
        }
    }

    fn drop_idle_state(&self, id: KeyId, now: Moment) {
        self.states.remove_if_mut(&id, |_, state| self.retire(state, now));
    }

    /// Whether nobody but the map holds a state and it can go. The map's lock keeps others from taking hold of it.
    fn retire(&self, state: &mut Arc<KeyState>, now: Moment) -> bool {
        let Some(state) = Arc::get_mut(state) else { return false };
        let goes = state.limiter().is_idle(now);
        if goes && let Some(refused_at) = state.refused_at() {
            self.refusals.note(state.id(), refused_at);
        }
        goes
    }

    fn stripe(&self, digest: &KeyDigest) -> usize {
        usize::try_from(self.hasher.hash_one(digest)).unwrap_or(0) % STRIPES
    }

    #[expect(clippy::indexing_slicing, reason = "a stripe is a remainder of the number of stripes")]
    fn generation(&self, stripe: usize) -> &AtomicU64 {
        &self.generations[stripe % STRIPES]
    }
}
