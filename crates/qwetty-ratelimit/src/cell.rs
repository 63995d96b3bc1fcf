use std::fmt;
use std::time::Duration;

use crate::sync::Published;
use crate::window::Window;
use crate::{Level, Moment, Outcome, Quota, WindowSnapshot};

/// The limiter's state for one key, for an owner to keep inside its own entry for that key.
///
/// It is lock-free: any number of threads take from it through `&self`. The quota is passed to every call; when it is
/// another than before, what is counted stays counted and is held against the new quota from that call on.
///
/// `now` is a reading of one monotonic clock. A reading that is older than one the cell has seen does no harm: it counts
/// as the newer one.
pub struct LimiterCell {
    window: Published<Window>,
}

impl LimiterCell {
    /// A cell with nothing counted. It takes no memory beside itself until the first take.
    #[must_use]
    pub fn new() -> Self {
        Self { window: Published::new(None) }
    }

    /// The cell whose snapshot was taken `elapsed` ago, by a clock that may have been set: pass zero if it says less.
    ///
    /// With the quota of the snapshot it goes on exactly as if it had never stopped; with another, as if the quota had
    /// changed now.
    #[must_use]
    pub fn restore(quota: Quota, snapshot: &WindowSnapshot, elapsed: Duration, now: Moment) -> Self {
        Self { window: Published::new(snapshot.window(quota, elapsed, now)) }
    }

    /// Takes `cost` units, all or none.
    pub fn take(&self, quota: Quota, cost: u32, now: Moment) -> Outcome {
        let limit = quota.limit();
        if cost == 0 || cost > limit {
            return Outcome::CostOutOfRange { limit };
        }
        loop {
            let current = self.window.load();
            let outcome = current.as_ref().and_then(|window| window.take(quota, cost, now));
            if let Some(outcome) = outcome {
                return outcome;
            }
            // The window is replaced with this take already in it. So whoever fails to publish a window failed because
            // somebody else's take went through: threads that disagree on the quota cannot keep each other from both.
            let next = match current.as_ref() {
                Some(window) => {
                    window.retire();
                    window.successor(quota, now)
                }
                None => Window::fresh(quota, now),
            };
            if let Some(outcome) = next.take(quota, cost, now)
                && self.window.replace(&current, next)
            {
                return outcome;
            }
        }
    }

    /// What a take at `now` would find. It changes nothing.
    #[must_use]
    pub fn peek(&self, quota: Quota, now: Moment) -> Level {
        let current = self.window.load();
        let level = current.as_ref().and_then(|window| {
            window.peek(quota, now).or_else(|| window.successor(quota, now).peek(quota, now))
        });
        let limit = quota.limit();
        level.unwrap_or(Level { limit, remaining: limit, grows_in: Duration::ZERO })
    }

    /// What is counted, for [`LimiterCell::restore`]; none if nothing is that would still matter at `now`.
    #[must_use]
    pub fn snapshot(&self, now: Moment) -> Option<WindowSnapshot> {
        self.window.load().as_ref().and_then(|window| window.snapshot(now))
    }

    /// Whether everything counted is at least a window old at `now`, so that a new cell would answer the same from `now`
    /// on.
    ///
    /// An owner may then put a new cell in this one's place, if it knows that no take is under way on this one, and gives
    /// the new one no reading older than `now`.
    #[must_use]
    pub fn is_idle(&self, now: Moment) -> bool {
        self.window.load().as_ref().is_none_or(|window| window.is_idle(now))
    }
}

impl Default for LimiterCell {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for LimiterCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LimiterCell").finish_non_exhaustive()
    }
}
