use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use qwetty_keys::KeyDigest;
use qwetty_storage::KeyRecord;

use super::KeyState;

/// A record as a decision uses it, under the digest of one of the key's values, with the key's live state.
#[derive(Debug)]
pub(crate) struct CachedKey {
    digest: KeyDigest,
    /// Whether it was asked for since the last search for one to evict.
    asked_for: AtomicBool,
    state: Arc<KeyState>,
    record: KeyRecord,
}

impl CachedKey {
    pub(super) const fn new(digest: KeyDigest, record: KeyRecord, state: Arc<KeyState>) -> Self {
        Self { digest, asked_for: AtomicBool::new(false), state, record }
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
