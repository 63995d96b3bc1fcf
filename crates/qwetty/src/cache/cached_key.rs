use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use qwetty_keys::{Generation, KeyDigest, Timestamp};
use qwetty_storage::KeyRecord;

use super::KeyState;

/// A record as a decision uses it, under the digest of one of the key's values, with the key's live state.
///
/// In this order, what finds a key and counts who holds it share a cache line.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct CachedKey {
    digest: KeyDigest,
    state: Arc<KeyState>,
    /// Whether it was asked for since the last search for one to evict.
    asked_for: AtomicBool,
    /// Whether the digest is that of the current value.
    is_current: bool,
    record: KeyRecord,
}

impl CachedKey {
    pub(super) fn new(digest: KeyDigest, record: KeyRecord, state: Arc<KeyState>) -> Self {
        let is_current = record.lifecycle.current().digest == digest;
        Self { digest, state, asked_for: AtomicBool::new(false), is_current, record }
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
