use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use qwetty_authz::Access;
use qwetty_keys::{Generation, KeyDigest, Status, Timestamp};
use qwetty_ratelimit::Tier;
use qwetty_storage::KeyRecord;

use super::KeyState;

/// A record as a decision uses it, under the digest of one of the key's values, with the key's live state.
///
/// In this order, what a usable key's decision looks at stands next to each other, behind the count of who holds it: two cache
/// lines' worth. The rest of the record is only looked at where it is asked for.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct CachedKey {
    digest: KeyDigest,
    state: Arc<KeyState>,
    /// The first instant at which the key is not usable: for a revoked one, the first there is.
    usable_until: Timestamp,
    /// The record's, in the same memory.
    access: Access,
    tier: Tier,
    /// Whether the digest is that of the current value.
    is_current: bool,
    /// Whether it was asked for since the last search for one to evict.
    asked_for: AtomicBool,
    record: KeyRecord,
}

impl CachedKey {
    pub(super) fn new(digest: KeyDigest, record: KeyRecord, state: Arc<KeyState>) -> Self {
        let lifecycle = &record.lifecycle;
        let usable_until = match lifecycle.revocation() {
            Some(_) => Timestamp::from_unix_micros(i64::MIN),
            None => lifecycle.expires_at().unwrap_or(Timestamp::from_unix_micros(i64::MAX)),
        };
        Self {
            digest,
            state,
            usable_until,
            access: record.access.clone(),
            tier: record.tier,
            is_current: lifecycle.current().digest == digest,
            asked_for: AtomicBool::new(false),
            record,
        }
    }

    /// The digest under which it is kept: that of the value which was presented.
    pub(crate) const fn digest(&self) -> &KeyDigest {
        &self.digest
    }

    pub(crate) const fn record(&self) -> &KeyRecord {
        &self.record
    }

    pub(crate) const fn state(&self) -> &Arc<KeyState> {
        &self.state
    }

    pub(crate) const fn access(&self) -> &Access {
        &self.access
    }

    pub(crate) const fn tier(&self) -> Tier {
        self.tier
    }

    /// As what the key is to be refused at this time; `None` if it is usable.
    pub(crate) fn unusable(&self, at: Timestamp) -> Option<Unusable> {
        if at < self.usable_until {
            return None;
        }
        match self.record.lifecycle.status(at) {
            Status::Active | Status::ExpiringSoon => None,
            Status::Revoked => Some(Unusable::Revoked),
            Status::Expired => Some(Unusable::Expired),
        }
    }

    /// Which of the key's values it is kept under; `None` if that is no value of the key any more.
    pub(crate) fn generation(&self, at: Timestamp) -> Option<Generation> {
        if self.is_current {
            Some(Generation::Current)
        } else {
            self.record.lifecycle.which(&self.digest, at)
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
