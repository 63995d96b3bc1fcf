//! Keys in memory, by digest, and the rule that keeps them fresh.
//!
//! A change is made in four steps: [`KeyCache::begin_change`] of every digest concerned, commit in the store,
//! [`KeyCache::end_change`], answer. A look-up takes a [`Ticket`] *before* it reads the store and hands it in with what it
//! found. Either end of a change moves the generation of a digest's stripe on, its beginning before it removes the entry, and
//! [`KeyCache::keep`] compares the ticket under the same lock, so whatever was read before a change was committed is
//! either removed by the change or never kept.
//!
//! While a change is under way, decisions go by the store and nothing is kept. Otherwise one who learned of the change from the
//! store, before whoever made it was answered (a second revocation, to which nothing is left to do), could still be
//! told otherwise by the memory.
//!
//! A digest that the store did not know is noted with its look-up's ticket, and counts as absent while that is current.
//!
//! # What stays and what goes
//!
//! Records are bounded: where there is no room, one that was not asked for lately is evicted. Its live state (quota window,
//! usage, latest end that was told) does not go with it, but once nobody holds it and its window is over. Then nothing is lost:
//!
//! - **The window.** A new state would answer the same.
//! - **The counts.** Whoever counts holds the state until it waits in the flusher's queue, which holds it until it took the
//!   counts out.
//! - **The latest end that was told** is in [`Endings`], too.
//!
//! And nobody can be late: a decision holds the state from before it takes until after it counted, and new holders come by
//! way of the map that the state is removed from. So there are never two states of one key at work, and no more states
//! than records and keys that were used within a window.

mod absent;
mod cached_key;
mod common;
mod endings;
mod records;
mod slots;
mod state;
mod states;

use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::sync::Arc;

use qwetty_keys::{KeyDigest, KeyId, Timestamp};
use qwetty_ratelimit::{Moment, Quota};
use qwetty_storage::FoundKey;

use self::absent::AbsentDigests;
pub(crate) use self::cached_key::{CachedKey, LiveState, Unusable};
use self::common::CommonLists;
use self::endings::Endings;
use self::records::Records;
pub(crate) use self::state::{KeyState, restored};
use self::states::States;
use crate::clock::Now;
use crate::sync::{AtomicU64, Held, Ordering, RandomState, places};

/// Generations are kept per stripe of digests, so that a change makes only few look-ups read again.
const STRIPES: usize = places(1024);
/// How a generation moves on. The bits below count the changes under way in its stripe: more than there can be tasks.
const NEXT_GENERATION: u64 = 1 << UNDER_WAY_BITS;
const UNDER_WAY_BITS: u32 = 24;

/// Says how things stood with a digest before a look-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Ticket {
    stripe: usize,
    generation: u64,
}

impl Ticket {
    /// Whether a change was under way.
    const fn is_amid_change(self) -> bool {
        self.generation.trailing_zeros() < UNDER_WAY_BITS
    }
}

/// Something changed since the ticket was taken: what was found may be out of date. Look again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outdated;

/// The keys in memory, and the live state of every key that has one.
#[derive(Debug)]
pub(crate) struct KeyCache {
    records: Records,
    states: States,
    endings: Endings,
    absent: AbsentDigests,
    common: CommonLists,
    generations: Box<[AtomicU64]>,
    hasher: RandomState,
}

impl KeyCache {
    /// A cache of so many records, 1 at least.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self {
            records: Records::with_capacity(capacity),
            states: States::new(),
            endings: Endings::new(),
            absent: AbsentDigests::new(),
            common: CommonLists::new(),
            generations: (0..STRIPES).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::new(),
        }
    }

    /// The key in memory for this digest.
    pub(crate) fn get(&self, digest: &KeyDigest) -> Option<Held<CachedKey>> {
        self.records.get(digest)
    }

    /// What is in memory of this digest: the key, or that the store knows none.
    pub(crate) fn known(&self, digest: &KeyDigest) -> Option<Option<Held<CachedKey>>> {
        let key = self.get(digest);
        if key.is_none() && !self.is_absent(digest) {
            return None;
        }
        Some(key)
    }

    /// The live state of a key that has one.
    pub(crate) fn state(&self, id: KeyId) -> Option<LiveState> {
        self.states.get(id)
    }

    /// The time by which a key is judged; see [`KeyState::judged_at`].
    pub(crate) fn judged_at(&self, id: KeyId, wall: Timestamp) -> Timestamp {
        match self.states.get(id) {
            Some(state) => state.judged_at(wall),
            None => wall.max(self.endings.of(id)),
        }
    }

    /// To be called before an answer tells that something of this key ended then: its life, or that of an older value. See
    /// [`KeyState::judged_at`].
    pub(crate) fn tell_end(&self, id: KeyId, end: Timestamp) {
        self.endings.note(id, end);
        // After that: one that comes up meanwhile begins with it.
        if let Some(state) = self.states.get(id) {
            state.tell_end(end);
        }
    }

    /// The same, for whoever holds the key.
    pub(crate) fn tell_end_of(&self, key: &CachedKey, end: Timestamp) {
        // Noted before anyone can see in the state that it was.
        if !key.state().has_told(end) {
            self.endings.note(key.id(), end);
            key.state().tell_end(end);
        }
    }

    /// The time by which keys are judged, and the keys that are judged by a later one: those that were told to be over by a
    /// clock that was set back since.
    pub(crate) fn judged_later(&self, wall: Timestamp) -> (Timestamp, BTreeMap<KeyId, Timestamp>) {
        self.endings.later_than(wall)
    }

    /// To be taken before the store is read.
    pub(crate) fn ticket(&self, digest: &KeyDigest) -> Ticket {
        let stripe = self.stripe(digest);
        Ticket { stripe, generation: self.generation(stripe).load(Ordering::SeqCst) }
    }

    /// Keeps what the store answered, unless something changed since the ticket was taken. Amid a change it is as good an answer
    /// as any, but it is not kept.
    pub(crate) fn keep(
        &self,
        ticket: Ticket,
        digest: &KeyDigest,
        found: FoundKey,
        quota: Quota,
        now: Now,
    ) -> Result<Arc<CachedKey>, Outdated> {
        let cached = || {
            let FoundKey { record, window } = found;
            let access = self.common.share(record.access.clone());
            let state = self.states.get_or_insert_with(record.id, || {
                let ended_at = self.endings.of(record.id);
                let state = KeyState::restore(quota, window, ended_at, now);
                CachedKey::first(*digest, &record, Arc::clone(&access), state)
            });
            let first = state.first();
            let another = CachedKey::another(*digest, &record, access, Arc::clone(first));
            if another.is_like(first) { Arc::clone(first) } else { Arc::new(another) }
        };
        if ticket.is_amid_change() {
            return if self.is_current(ticket) { Ok(cached()) } else { Err(Outdated) };
        }
        let put = self.records.put(digest, || self.is_current(ticket), cached);
        let (kept, left) = put.ok_or(Outdated)?;
        if let Some(left) = left {
            let id = left.id();
            drop(left);
            self.drop_idle_state(id, now.moment);
        }
        Ok(kept)
    }

    /// Notes that the store did not know this digest, unless something changed since the ticket was taken. Amid a change that
    /// is an answer, and no note.
    pub(crate) fn keep_absent(&self, ticket: Ticket, digest: &KeyDigest) -> Result<(), Outdated> {
        if !ticket.is_amid_change() {
            // As of the ticket: if something changes from here on, the note is worth nothing.
            self.absent.note(digest, ticket);
        }
        if self.is_current(ticket) { Ok(()) } else { Err(Outdated) }
    }

    /// Whether the store is known not to know this digest.
    pub(crate) fn is_absent(&self, digest: &KeyDigest) -> bool {
        self.absent.has(digest, self.ticket(digest))
    }

    /// Whether nothing changed since the ticket was taken.
    fn is_current(&self, ticket: Ticket) -> bool {
        self.generation(ticket.stripe).load(Ordering::SeqCst) == ticket.generation
    }

    /// To be called before a change is sent to the store, for every digest that leads to a key before or after it.
    pub(crate) fn begin_change(&self, digests: &[KeyDigest]) {
        self.outdate(digests, NEXT_GENERATION + 1);
    }

    /// To be called once for each [`begin_change`](Self::begin_change) with the same digests, once the change is committed or its
    /// outcome is unknown, and before anyone is told of it.
    pub(crate) fn end_change(&self, digests: &[KeyDigest]) {
        for digest in digests {
            self.generation(self.stripe(digest)).fetch_add(NEXT_GENERATION - 1, Ordering::SeqCst);
        }
    }

    /// To be called for the digests of a change that somebody else made.
    pub(crate) fn forget<'a>(&self, digests: impl IntoIterator<Item = &'a KeyDigest>) {
        self.outdate(digests, NEXT_GENERATION);
    }

    /// The generation moves on before the record goes: a look-up that is late for the one is not kept after the other.
    fn outdate<'a>(&self, digests: impl IntoIterator<Item = &'a KeyDigest>, step: u64) {
        for digest in digests {
            self.generation(self.stripe(digest)).fetch_add(step, Ordering::SeqCst);
            self.records.remove(digest);
        }
    }

    /// Forgets every record; live state stays. For when changes by others may have been missed.
    pub(crate) fn forget_all(&self) {
        for generation in &self.generations {
            generation.fetch_add(NEXT_GENERATION, Ordering::SeqCst);
        }
        self.records.clear();
    }

    /// Drops a key that was deleted, live state and all. The records go first: a look-up under way would else begin a new
    /// state, with a quota that knows nothing of the old one.
    pub(crate) fn drop_key<'a>(&self, id: KeyId, digests: impl IntoIterator<Item = &'a KeyDigest>) {
        self.forget(digests);
        self.states.remove(id);
    }

    /// Drops the states that nobody holds and whose window is over. It looks at each state, if there are more than there
    /// are records.
    pub(crate) fn drop_idle_states(&self, now: Moment) {
        if self.states.len() > self.records.len() {
            self.states.remove_all_if(|state| self.retire(state, now));
        }
    }

    fn drop_idle_state(&self, id: KeyId, now: Moment) {
        self.states.remove_if(id, |state| self.retire(state, now));
    }

    /// Whether nobody but the map holds a state and it can go. The map's lock keeps others from taking hold of it.
    fn retire(&self, state: &mut LiveState, now: Moment) -> bool {
        state.get_mut().is_some_and(|state| state.limiter().is_idle(now))
    }

    fn stripe(&self, digest: &KeyDigest) -> usize {
        usize::try_from(self.hasher.hash_one(digest)).unwrap_or(0) % STRIPES
    }

    #[expect(clippy::indexing_slicing, reason = "a stripe is a remainder of the number of stripes")]
    fn generation(&self, stripe: usize) -> &AtomicU64 {
        &self.generations[stripe]
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use qwetty_authz::{Access, ChannelScope, Channels, IpPolicy, PermissionGrant, PermissionSet};
    use qwetty_keys::{Generation, IssuedValue, Lifecycle, OrganizationId};
    use qwetty_ratelimit::{Outcome as Taken, Tier};
    use qwetty_storage::{KeyRecord, Outcome, Revision};

    use super::*;
    use crate::usage::Flusher;

    const NOON: Timestamp = Timestamp::from_unix_micros(1_893_499_200_000_000);

    fn quota() -> Quota {
        "1/60".parse().unwrap()
    }

    fn now(seconds: u64) -> Now {
        let passed = Duration::from_secs(seconds);
        Now { wall: NOON.saturating_add(passed), moment: Moment::from_nanos(seconds * 1_000_000_000) }
    }

    fn digest(number: u64) -> KeyDigest {
        let mut bytes = [0; 32];
        for (word, factor) in bytes.as_chunks_mut::<8>().0.iter_mut().zip([3, 5, 7, 11_u64]) {
            *word = (number + 1).wrapping_mul(factor.wrapping_mul(0x9e37_79b9_7f4a_7c15)).to_le_bytes();
        }
        KeyDigest::from_bytes(bytes)
    }

    fn id(number: u64) -> KeyId {
        KeyId::from_u128(number.into())
    }

    fn found(number: u64) -> FoundKey {
        let issued = IssuedValue { digest: digest(number), start: "qwt_4fJk".parse().unwrap() };
        let record = KeyRecord {
            id: id(number),
            organization: OrganizationId::from_u128(1),
            name: "A key".parse().unwrap(),
            description: None,
            access: Access {
                permissions: PermissionGrant::All,
                channels: ChannelScope::All,
                networks: IpPolicy::Any,
            },
            tier: Tier::Standard,
            lifecycle: Lifecycle::issue(issued, None),
            created_at: NOON,
            updated_at: NOON,
            created_by: None,
            revision: Revision::FIRST,
        };
        FoundKey { record, window: None }
    }

    pub(super) fn first(number: u64) -> CachedKey {
        first_under(digest(number), number)
    }

    pub(super) fn first_under(digest: KeyDigest, number: u64) -> CachedKey {
        let record = found(number).record;
        let access = Arc::new(record.access.clone());
        CachedKey::first(digest, &record, access, KeyState::new())
    }

    fn look_up(cache: &KeyCache, number: u64, seconds: u64) -> Arc<CachedKey> {
        let ticket = cache.ticket(&digest(number));
        cache.keep(ticket, &digest(number), found(number), quota(), now(seconds)).unwrap()
    }

    fn take(key: &CachedKey, seconds: u64) -> bool {
        matches!(key.state().limiter().take(quota(), 1, now(seconds).moment), Taken::Admitted(_))
    }

    #[test]
    fn there_are_never_more_records_than_there_is_room_for() {
        for capacity in [1, 2, 63, 64, 100, 1000, 5000] {
            let cache = KeyCache::with_capacity(capacity);
            for number in 0..3 * capacity as u64 {
                look_up(&cache, number, 0);
                assert!(cache.get(&digest(number)).is_some(), "what came last stays");
                assert!(cache.records.len() <= capacity);
            }
            assert_eq!(cache.records.len(), capacity, "and no fewer");
            assert_eq!(cache.states.len(), cache.records.len(), "nothing was taken from the others");
        }
    }

    #[test]
    fn what_is_asked_for_is_spared() {
        let cache = KeyCache::with_capacity(10);
        for number in 0..1000 {
            look_up(&cache, number, 0);
            assert!(cache.get(&digest(0)).is_some(), "after {number}");
        }
    }

    #[test]
    fn a_look_up_that_needs_room_spares_so_many_and_no_more() {
        let cache = KeyCache::with_capacity(127);
        let keys: Vec<_> = (0..127).map(|number| look_up(&cache, number, 0)).collect();
        for number in 0..127 {
            cache.get(&digest(number)).unwrap();
        }
        look_up(&cache, 127, 0);
        let not_looked_at = keys.iter().filter(|key| key.take_asked_for()).count();
        assert_eq!(not_looked_at, 127 - 64 - 1, "64 are spared, the next one goes");
    }

    #[test]
    fn a_change_of_one_key_leaves_the_look_ups_of_nearly_all_others_alone() {
        let cache = KeyCache::with_capacity(1000);
        let tickets: Vec<_> = (1..1000).map(|number| cache.ticket(&digest(number))).collect();
        cache.begin_change(&[digest(0)]);
        let alone = tickets.into_iter().filter(|&ticket| cache.is_current(ticket)).count();
        assert!(alone > 900, "{alone} of 999");
    }

    #[test]
    fn whatever_happened_to_a_key_is_over_and_it_is_kept_again() {
        let cache = KeyCache::with_capacity(10);
        for time in 0..4 {
            look_up(&cache, 0, 0);
            assert!(cache.get(&digest(0)).is_some(), "others changed it {time} times");
            cache.forget([&digest(0)]);
            assert!(cache.get(&digest(0)).is_none());
        }
        for time in 0..4 {
            cache.begin_change(&[digest(0)]);
            look_up(&cache, 0, 0);
            assert!(cache.get(&digest(0)).is_none(), "amid change {time}");
            cache.end_change(&[digest(0)]);
            look_up(&cache, 0, 0);
            assert!(cache.get(&digest(0)).is_some(), "after change {time}");
        }
    }

    #[test]
    fn a_state_is_queued_once_until_it_is_dequeued() {
        let cache = KeyCache::with_capacity(10);
        let key = look_up(&cache, 0, 0);
        let state = key.state();
        assert_eq!([state.enqueue(), state.enqueue(), state.enqueue()], [true, false, false]);
        state.dequeue();
        assert_eq!([state.enqueue(), state.enqueue()], [true, false]);
    }

    #[test]
    fn a_key_prints_nothing_of_its_live_state() {
        let key = look_up(&KeyCache::with_capacity(1), 0, 0);
        assert!(format!("{key:?}").contains("state: KeyState { .. }"));
    }

    #[test]
    fn a_state_stays_until_its_window_is_over_and_goes_then() {
        let cache = KeyCache::with_capacity(1);
        assert!(take(&look_up(&cache, 0, 0), 0));
        look_up(&cache, 1, 1);
        assert!(!take(&look_up(&cache, 0, 2), 2), "the window is that of the evicted record");
        look_up(&cache, 1, 3);
        cache.drop_idle_states(now(59).moment);
        assert!(cache.state(id(0)).is_some());
        cache.drop_idle_states(now(60).moment);
        assert!(cache.state(id(0)).is_none());
        assert!(take(&look_up(&cache, 0, 60), 60));
    }

    #[test]
    fn a_key_that_comes_back_as_it_was_takes_no_more_memory_and_a_changed_one_keeps_its_state() {
        let cache = KeyCache::with_capacity(1);
        let first = look_up(&cache, 0, 0);
        assert!(take(&first, 0));
        look_up(&cache, 1, 1);
        assert!(Arc::ptr_eq(&look_up(&cache, 0, 2), &first));

        let mut changed = found(0);
        changed.record.name = "Another name".parse().unwrap();
        let keep = |found| cache.keep(cache.ticket(&digest(0)), &digest(0), found, quota(), now(3)).unwrap();
        let another = keep(changed.clone());
        assert_eq!((first.name().as_str(), another.name().as_str()), ("A key", "Another name"));
        assert!(std::ptr::eq(another.state(), first.state()) && !take(&another, 3));
        drop(first);
        assert!(std::ptr::eq(keep(changed).state(), another.state()));
        assert_eq!(another.hold_state().id(), id(0));
    }

    #[test]
    fn a_state_that_somebody_holds_stays() {
        let cache = KeyCache::with_capacity(1);
        let held = look_up(&cache, 0, 0);
        look_up(&cache, 1, 0);
        cache.drop_idle_states(now(100).moment);
        assert!(std::ptr::eq(look_up(&cache, 0, 100).state(), held.state()));
        drop(held);

        let flusher = Flusher::new(7);
        let key = look_up(&cache, 2, 100);
        flusher.count(&key, Outcome::Revoked, Generation::Current, NOON);
        drop(key);
        look_up(&cache, 3, 200);
        cache.drop_idle_states(now(200).moment);
        assert!(cache.state(id(2)).is_some(), "its counts are not stored");
    }

    #[test]
    fn time_does_not_go_back_for_a_key_whose_state_is_gone() {
        let cache = KeyCache::with_capacity(1);
        let later = now(1000).wall;
        cache.tell_end_of(&look_up(&cache, 0, 0), later);
        look_up(&cache, 1, 0);
        assert!(cache.state(id(0)).is_none());
        assert_eq!(cache.judged_at(id(0), NOON), later);
        assert_eq!(look_up(&cache, 0, 0).state().judged_at(NOON), later);
        assert_eq!(cache.judged_at(id(1), NOON), NOON, "another one is judged by the clock");
    }

    #[test]
    fn keys_that_are_judged_later_are_known_with_a_state_and_without() {
        let cache = KeyCache::with_capacity(10);
        let later = now(1000).wall;
        look_up(&cache, 0, 0);
        look_up(&cache, 1, 0);
        cache.tell_end(id(0), later);
        cache.tell_end(id(2), later);
        cache.tell_end(id(3), NOON);
        let (at, judged) = cache.judged_later(NOON);
        assert_eq!((at, judged), (NOON, BTreeMap::from([(id(0), later), (id(2), later)])));
        assert_eq!(cache.judged_later(later), (later, BTreeMap::new()));
        assert_eq!(look_up(&cache, 2, 0).state().judged_at(NOON), later);
        assert_eq!(cache.judged_at(id(3), NOON.saturating_sub(Duration::from_secs(1))), NOON);
    }

    #[test]
    fn a_deleted_key_leaves_nothing() {
        let cache = KeyCache::with_capacity(10);
        take(&look_up(&cache, 0, 0), 0);
        cache.drop_key(id(0), &[digest(0)]);
        assert_eq!((cache.records.len(), cache.states.len()), (0, 0));
    }

    #[test]
    fn an_absent_digest_is_absent_until_something_changes() {
        let cache = KeyCache::with_capacity(10);
        let late = cache.ticket(&digest(0));
        cache.keep_absent(late, &digest(0)).unwrap();
        assert!(cache.is_absent(&digest(0)) && !cache.is_absent(&digest(1)));
        cache.forget(&[digest(0)]);
        assert!(!cache.is_absent(&digest(0)));
        assert_eq!(cache.keep_absent(late, &digest(0)), Err(Outdated));
        assert!(!cache.is_absent(&digest(0)), "a look-up from before the change says nothing");
        cache.keep_absent(cache.ticket(&digest(0)), &digest(0)).unwrap();
        cache.forget_all();
        assert!(!cache.is_absent(&digest(0)));
    }

    #[test]
    fn many_absent_digests_are_remembered() {
        let cache = KeyCache::with_capacity(10);
        for number in 0..100 {
            cache.keep_absent(cache.ticket(&digest(number)), &digest(number)).unwrap();
        }
        let remembered = (0..100).filter(|&number| cache.is_absent(&digest(number))).count();
        assert!(remembered > 90, "{remembered} of 100: few fall on one place");
    }

    #[test]
    fn equal_lists_are_one_in_memory() {
        let cache = KeyCache::with_capacity(10);
        let networks = |number| {
            let mut found = found(number);
            let networks = vec!["192.0.2.0/24".parse().unwrap()];
            found.record.access.networks = IpPolicy::Only(networks.try_into().unwrap());
            let ticket = cache.ticket(&digest(number));
            let kept = cache.keep(ticket, &digest(number), found, quota(), now(0)).unwrap();
            let IpPolicy::Only(networks) = &kept.access().networks else { panic!("restricted") };
            std::ptr::from_ref(networks.iter().next().unwrap())
        };
        assert_eq!(networks(1), networks(2));
    }

    /// Record, live state with its limiter, name, and the places in both tables; lists are common to many keys.
    #[test]
    fn a_key_with_a_live_window_takes_little_memory() {
        const KEYS: u64 = 20_000;
        let cache = KeyCache::with_capacity(1_000_000);
        let restricted = |number| {
            let mut found = found(number);
            found.record.name = "CRM Integration".parse().unwrap();
            let permissions = ["chats:read", "messages:send"].map(|name| name.parse().unwrap());
            let permissions = PermissionSet::from_permissions(permissions).unwrap();
            found.record.access.permissions = PermissionGrant::Only(permissions);
            let channels: Channels = vec!["wa-main".parse().unwrap()].try_into().unwrap();
            found.record.access.channels = ChannelScope::Only(channels);
            let networks = ["192.0.2.1", "198.51.100.0/24", "2001:db8::/32", "203.0.113.0/24"];
            let networks: Vec<_> = networks.iter().map(|network| network.parse().unwrap()).collect();
            found.record.access.networks = IpPolicy::Only(networks.try_into().unwrap());
            found
        };
        let flusher = Flusher::new(7);
        let used = allocation_counter::measure(|| {
            for number in 0..KEYS {
                let ticket = cache.ticket(&digest(number));
                let key = cache.keep(ticket, &digest(number), restricted(number), quota(), now(0)).unwrap();
                assert!(take(&key, 0));
                flusher.count(&key, Outcome::Admitted, Generation::Current, NOON);
            }
        });
        let bytes = used.bytes_current / KEYS as i64;
        assert!(bytes <= 640, "{bytes} bytes a key");
    }
}
