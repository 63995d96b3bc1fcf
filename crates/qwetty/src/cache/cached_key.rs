use std::sync::Arc;

use qwetty_authz::Access;
use qwetty_keys::{Generation, KeyDigest, KeyStart, Name, OrganizationId, Timestamp};
use qwetty_ratelimit::Tier;
use qwetty_storage::KeyRecord;

use super::KeyState;
use crate::sync::{AtomicBool, Ordering};

/// What decisions, and whoever was let in by one, look at of a record: under the digest of one of the key's values, with the
/// key's live state. The store has the rest.
///
/// In this order, what a usable key's decision looks at stands next to each other, behind the count of who holds it: two cache
/// lines' worth.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct CachedKey {
    digest: KeyDigest,
    state: Arc<KeyState>,
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
    organization: OrganizationId,
    /// When the digest leads to the key no more, if it is that of an older value.
    previous_until: Timestamp,
    name: Name,
    start: KeyStart,
}

/// Later than any time there is.
const NEVER: Timestamp = Timestamp::from_unix_micros(i64::MAX);
/// Earlier than any time there is.
const EVER: Timestamp = Timestamp::from_unix_micros(i64::MIN);

impl CachedKey {
    pub(super) fn new(
        digest: KeyDigest,
        record: KeyRecord,
        access: Arc<Access>,
        state: Arc<KeyState>,
    ) -> Self {
        let KeyRecord { organization, name, tier, lifecycle, .. } = record;
        let previous = lifecycle.previous(EVER).filter(|previous| previous.value.digest == digest);
        Self {
            digest,
            state,
            access,
            usable_until: lifecycle.expires_at().unwrap_or(NEVER),
            tier,
            is_revoked: lifecycle.revocation().is_some(),
            is_current: lifecycle.current().digest == digest,
            asked_for: AtomicBool::new(false),
            organization,
            previous_until: previous.map_or(EVER, |previous| previous.ends_at),
            name,
            start: lifecycle.current().start,
        }
    }

    /// The digest under which it is kept: that of the value which was presented.
    pub(crate) const fn digest(&self) -> &KeyDigest {
        &self.digest
    }

    pub(crate) const fn state(&self) -> &Arc<KeyState> {
        &self.state
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

/// What keeps a key from being used, whatever is asked of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// Check 2.
    Revoked,
    /// Check 3.
    Expired,
}
