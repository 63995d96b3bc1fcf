use std::hash::BuildHasher;

use qwetty_keys::{KeyId, Timestamp};

use crate::sync::{AtomicI64, Ordering, RandomState, places};

/// How many latest times are kept.
const STRIPES: usize = places(4096);

/// When keys whose state is gone were last refused because their time was over, so that the clock cannot be set back behind
/// it.
///
/// Many keys share one time, which takes the same memory however many keys there are. It errs on the side of refusing, and
/// only after the clock was set back: then a key is judged by the latest refusal of any that it shares with.
#[derive(Debug)]
pub(super) struct Refusals {
    latest: Box<[AtomicI64]>,
    hasher: RandomState,
}

impl Refusals {
    pub(super) fn new() -> Self {
        Self { latest: (0..STRIPES).map(|_| AtomicI64::new(i64::MIN)).collect(), hasher: RandomState::new() }
    }

    /// A time before which the key is not to be judged.
    pub(super) fn latest(&self, id: KeyId) -> Timestamp {
        Timestamp::from_unix_micros(self.stripe(id).load(Ordering::SeqCst))
    }

    pub(super) fn note(&self, id: KeyId, refused_at: Timestamp) {
        self.stripe(id).fetch_max(refused_at.unix_micros(), Ordering::SeqCst);
    }

    #[expect(clippy::indexing_slicing, reason = "a stripe is a remainder of the number of stripes")]
    fn stripe(&self, id: KeyId) -> &AtomicI64 {
        &self.latest[usize::try_from(self.hasher.hash_one(id)).unwrap_or(0) % STRIPES]
    }
}
