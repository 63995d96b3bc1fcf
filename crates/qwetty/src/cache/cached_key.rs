use std::hint::black_box;
use std::ops::Deref;
use std::sync::Arc;

use qwetty_authz::Access;
use qwetty_keys::{Generation, KeyDigest, KeyId, KeyStart, Name, OrganizationId, Timestamp};
use qwetty_ratelimit::Tier;
use qwetty_storage::KeyRecord;

use super::KeyState;
use crate::sync::{AtomicBool, Ordering};

/// What decisions, and whoever was let in by one, look at of a record: under the digest of one of the key's values, with the
/// key's live state. The store has the rest.
///
/// It is one allocation, of which a decision looks at the first two cache lines and those of one or two places in the window. The
/// first one is only read. In the second one is everything that an admission writes, so that threads on one key hand one
/// line to each other and no more. The counts of who holds it are on a line of their own, before both.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct CachedKey {
    digest: KeyDigest,
    /// Shared by keys that have the same.
    access: Arc<Access>,
    /// The first instant at which the key is not usable: its expiry, or never.
    usable_until: Timestamp,
    tier: Tier,
    is_revoked: bool,
    /// Whether the digest is that of the current value.
    is_current: bool,
    /// Whether it was asked for since the last search for one to evict.
    asked_for: AtomicBool,
    /// Whether its state is the key's: what `first` says too, but lines away from what every decision looks at.
    is_first: bool,
    state: KeyState,
    /// When the digest leads to the key no more, if it is that of an older value.
    previous_until: Timestamp,
    name: Name,
    id: KeyId,
    organization: OrganizationId,
    /// The one whose state is the key's, if it is another: the first of the key that was in memory.
    first: Option<Arc<Self>>,
    start: KeyStart,
}

/// All but the first word of the state begins with the second line, and the whole takes seven.
#[cfg(not(shuttle))]
const _: () = assert!(std::mem::offset_of!(CachedKey, state) == 56 && size_of::<CachedKey>() == 448);
/// What an answer tells of the key stands together, on the last line.
#[cfg(not(shuttle))]
const _: () = assert!(std::mem::offset_of!(CachedKey, id) == 384);

/// Later than any time there is.
const NEVER: Timestamp = Timestamp::from_unix_micros(i64::MAX);
/// Earlier than any time there is.
const EVER: Timestamp = Timestamp::from_unix_micros(i64::MIN);

impl CachedKey {
    /// The first of a key's in memory, with the key's live state.
    pub(super) fn first(digest: KeyDigest, record: &KeyRecord, access: Arc<Access>, state: KeyState) -> Self {
        let lifecycle = &record.lifecycle;
        let previous = lifecycle.previous(EVER).filter(|previous| previous.value.digest == digest);
        Self {
            digest,
            access,
            usable_until: lifecycle.expires_at().unwrap_or(NEVER),
            tier: record.tier,
            is_revoked: lifecycle.revocation().is_some(),
            is_current: lifecycle.current().digest == digest,
            asked_for: AtomicBool::new(false),
            is_first: true,
            state,
            id: record.id,
            organization: record.organization,
            previous_until: previous.map_or(EVER, |previous| previous.ends_at),
            name: record.name.clone(),
            start: lifecycle.current().start,
            first: None,
        }
    }

    /// One that has its live state in the first.
    pub(super) fn another(
        digest: KeyDigest,
        record: &KeyRecord,
        access: Arc<Access>,
        first: Arc<Self>,
    ) -> Self {
        let unused = KeyState::new();
        Self { is_first: false, first: Some(first), ..Self::first(digest, record, access, unused) }
    }

    /// Whether both say the same of a key.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let said = |key: &Self| (key.digest, key.usable_until, key.tier, key.is_revoked, key.is_current);
        let also = |key: &Self| (key.organization, key.previous_until, key.start);
        said(self) == said(other)
            && also(self) == also(other)
            && self.access == other.access
            && self.name == other.name
    }

    /// The digest under which it is kept: that of the value which was presented.
    pub(crate) const fn digest(&self) -> &KeyDigest {
        &self.digest
    }

    pub(crate) const fn id(&self) -> KeyId {
        self.id
    }

    /// All of a key's have one.
    pub(crate) fn state(&self) -> &KeyState {
        if self.is_first {
            return &self.state;
        }
        self.first.as_ref().map_or(&self.state, |first| &first.state)
    }

    /// Hold on the live state, beyond this one's time in memory.
    pub(crate) fn hold_state(self: &Arc<Self>) -> LiveState {
        LiveState(Arc::clone(self.first.as_ref().unwrap_or(self)))
    }

    pub(crate) fn access(&self) -> &Access {
        &self.access
    }

    pub(crate) const fn tier(&self) -> Tier {
        self.tier
    }

    pub(crate) const fn organization(&self) -> OrganizationId {
        self.organization
    }

    pub(crate) const fn name(&self) -> &Name {
        &self.name
    }

    /// That of the current value.
    pub(crate) const fn start(&self) -> KeyStart {
        self.start
    }

    pub(crate) fn expires_at(&self) -> Option<Timestamp> {
        (self.usable_until != NEVER).then_some(self.usable_until)
    }

    /// When the value it is kept under ended, or does, if that is an older one.
    pub(crate) const fn previous_until(&self) -> Timestamp {
        self.previous_until
    }

    /// As what the key is to be refused at this time; `None` if it is usable.
    pub(crate) fn unusable(&self, at: Timestamp) -> Option<Unusable> {
        if self.is_revoked {
            Some(Unusable::Revoked)
        } else if at >= self.usable_until && self.usable_until != NEVER {
            Some(Unusable::Expired)
        } else {
            None
        }
    }

    /// Which of the key's values it is kept under; `None` if that is no value of the key any more.
    pub(crate) fn generation(&self, at: Timestamp) -> Option<Generation> {
        if self.is_current {
            Some(Generation::Current)
        } else {
            (at < self.previous_until).then_some(Generation::Previous)
        }
    }

    /// Has the processor fetch from memory what a decision is about to look at.
    pub(super) fn approach(&self) {
        self.state.approach();
        // What answers tell of it.
        black_box(self.first.is_some());
    }

    pub(super) fn ask(&self) {
        // Mostly it is set: a look is cheaper than a write to what other threads look at.
        if !self.asked_for.load(Ordering::Relaxed) {
            self.asked_for.store(true, Ordering::Relaxed);
        }
    }

    /// Whether it was asked for since this was last called.
    pub(super) fn take_asked_for(&self) -> bool {
        self.asked_for.swap(false, Ordering::Relaxed)
    }
}

/// Hold on a key's live state, which lies in the first of the key's that was in memory.
#[derive(Debug, Clone)]
pub(crate) struct LiveState(Arc<CachedKey>);

impl LiveState {
    pub(super) fn of_first(first: CachedKey) -> Self {
        Self(Arc::new(first))
    }

    pub(crate) fn id(&self) -> KeyId {
        self.0.id
    }

    pub(super) const fn first(&self) -> &Arc<CachedKey> {
        &self.0
    }

    /// The state, if nobody else has hold of it.
    pub(super) fn get_mut(&mut self) -> Option<&mut KeyState> {
        Arc::get_mut(&mut self.0).map(|first| &mut first.state)
    }
}

impl Deref for LiveState {
    type Target = KeyState;

    fn deref(&self) -> &KeyState {
        &self.0.state
    }
}

/// What keeps a key from being used, whatever is asked of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// Check 2.
    Revoked,
    /// Check 3.
    Expired,
}
