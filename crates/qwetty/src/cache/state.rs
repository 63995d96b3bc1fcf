use std::fmt;

use qwetty_keys::Timestamp;
use qwetty_ratelimit::{LimiterCell, Quota};
use qwetty_storage::SavedWindow;

use crate::clock::Now;
use crate::sync::{AtomicBool, AtomicI64, Ordering};
use crate::usage::UsageCounters;

/// What lives with a key beside its record: its quota window, what is not yet flushed of its usage, and the latest end
/// of it that was told. All values of a key, older and newer, share one.
///
/// In this order, what an admission writes and looks at stands next to each other.
#[repr(C)]
pub(crate) struct KeyState {
    /// The latest end of the key or of an older value, in microseconds, that an answer told to be over.
    ended_at: AtomicI64,
    /// Whether the key waits in the flusher's queue.
    queued: AtomicBool,
    usage: UsageCounters,
    limiter: LimiterCell,
}

impl KeyState {
    /// The state of a key that was never used.
    pub(super) fn new() -> Self {
        Self {
            ended_at: AtomicI64::new(i64::MIN),
            queued: AtomicBool::new(false),
            usage: UsageCounters::new(),
            limiter: LimiterCell::new(),
        }
    }

    /// The state of a key that had none, with its window as it was saved, not to be judged by an earlier time than
    /// `ended_at`.
    pub(crate) fn restore(quota: Quota, window: Option<SavedWindow>, ended_at: Timestamp, now: Now) -> Self {
        Self {
            ended_at: AtomicI64::new(ended_at.unix_micros()),
            limiter: restored(quota, window, now),
            ..Self::new()
        }
    }

    /// Has the processor fetch from memory what a decision is about to look at.
    pub(super) fn approach(&self) {
        // Loads whose values nobody waits for.
        self.queued.load(Ordering::Relaxed);
        self.limiter.approach();
    }

    pub(crate) fn limiter(&self) -> &LimiterCell {
        &self.limiter
    }

    pub(crate) fn usage(&self) -> &UsageCounters {
        &self.usage
    }

    /// Whether the caller is to queue the key for the flusher: it was not queued yet.
    pub(crate) fn enqueue(&self) -> bool {
        !self.queued.load(Ordering::SeqCst) && !self.queued.swap(true, Ordering::SeqCst)
    }

    /// To be called before the counters are drained, so that what is counted meanwhile queues the key again.
    pub(crate) fn dequeue(&self) {
        self.queued.store(false, Ordering::SeqCst);
    }

    /// The time by which this key is judged: never before an end of it that an answer of this run told, so that setting the
    /// clock back does not make it usable again.
    pub(crate) fn judged_at(&self, wall: Timestamp) -> Timestamp {
        wall.max(Timestamp::from_unix_micros(self.ended_at.load(Ordering::SeqCst)))
    }

    /// Whether this end, or a later one, was told.
    pub(super) fn has_told(&self, end: Timestamp) -> bool {
        self.ended_at.load(Ordering::SeqCst) >= end.unix_micros()
    }

    /// The key, or one of its older values, ended then, and an answer is about to tell.
    ///
    /// It is the end that is kept, and not how late it is: a clock that is wrong by years then takes no more from the key than it
    /// told, and a later expiry makes the key usable again once the clock is right.
    pub(super) fn tell_end(&self, end: Timestamp) {
        self.ended_at.fetch_max(end.unix_micros(), Ordering::SeqCst);
    }
}

impl fmt::Debug for KeyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyState").finish_non_exhaustive()
    }
}

/// The limiter of a key whose window was saved, or never needed to be.
pub(crate) fn restored(quota: Quota, window: Option<SavedWindow>, now: Now) -> LimiterCell {
    window.map_or_else(LimiterCell::new, |saved| {
        let elapsed = now.wall.saturating_duration_since(saved.saved_at);
        LimiterCell::restore(quota, &saved.snapshot, elapsed, now.moment)
    })
}
