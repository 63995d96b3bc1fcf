use std::time::Duration;

use crate::ring::Ring;
use crate::snapshot::Entry;
use crate::{Level, Moment, Outcome, Quota, WindowSnapshot};

/// A ring, and what is remembered behind it. Whatever replaces one is built from it once it is sealed.
pub(crate) struct Window {
    ring: Ring,
    surplus: Option<Box<Surplus>>,
}

#[cfg(not(loom))]
const _: () = assert!(size_of::<Window>() == 256);

/// What was live under a larger limit and has no place in the ring, newest first: older than all in the ring, it decides
/// nothing there, but it counts again once the limit is raised.
struct Surplus {
    entries: Vec<Entry>,
}

impl Window {
    /// A window whose quota and origin the first take decides.
    pub(crate) fn not_begun() -> Self {
        Self { ring: Ring::not_begun(), surplus: None }
    }

    pub(crate) fn new(ring: Ring, surplus: Vec<Entry>) -> Self {
        let surplus = (!surplus.is_empty()).then(|| Box::new(Surplus { entries: surplus }));
        Self { ring, surplus }
    }

    /// The ring alone, if there is nothing behind it.
    #[expect(
        clippy::result_large_err,
        reason = "both are kept where they are given back, and neither is a failure"
    )]
    pub(crate) fn into_ring(self) -> Result<Ring, Self> {
        if self.surplus.is_none() { Ok(self.ring) } else { Err(self) }
    }

    /// The window that continues a sealed `ring`, which has no surplus, under `quota`.
    pub(crate) fn continuing(ring: &Ring, quota: Quota, now: Moment) -> Self {
        successor(ring, &[], quota, now)
    }

    /// The window that continues `self` under `quota`, once nobody takes from it any more.
    pub(crate) fn successor(&self, quota: Quota, now: Moment) -> Self {
        successor(&self.ring, self.surplus(), quota, now)
    }

    /// Begins the window as [`Ring::begin`] does.
    pub(crate) fn begin(&self, quota: Quota, now: Moment) {
        self.ring.begin(quota, now);
    }

    pub(crate) fn is_begun(&self) -> bool {
        self.ring.is_begun()
    }

    /// Takes as [`Ring::take`] does.
    #[inline(always)]
    pub(crate) fn take(&self, quota: &Quota, cost: u32, now: Moment) -> Option<Outcome> {
        self.ring.take(quota, cost, now)
    }

    /// What a take at `now` would find here, or in the successor that it would make.
    pub(crate) fn peek(&self, quota: &Quota, now: Moment) -> Option<Level> {
        self.ring.peek(quota, now).or_else(|| self.successor(*quota, now).ring.peek(quota, now))
    }

    pub(crate) fn snapshot(&self, now: Moment) -> Option<WindowSnapshot> {
        self.ring.snapshot(self.surplus(), now)
    }

    pub(crate) fn is_idle(&self, now: Moment) -> bool {
        self.ring.is_idle(now)
    }

    /// Seals the window, which has begun: nothing is admitted to it from now on.
    pub(crate) fn retire(&self) {
        self.ring.retire();
    }

    /// Seals the window as [`Ring::retire_if_idle`] does.
    pub(crate) fn retire_if_idle(&self, now: Moment) -> bool {
        self.ring.retire_if_idle(now)
    }

    fn surplus(&self) -> &[Entry] {
        self.surplus.as_ref().map_or(&[], |surplus| &surplus.entries)
    }
}

fn successor(ring: &Ring, surplus: &[Entry], quota: Quota, now: Moment) -> Window {
    ring.snapshot(surplus, now)
        .and_then(|snapshot| snapshot.window(quota, Duration::ZERO, now))
        .unwrap_or_else(|| Window::new(Ring::empty(quota, now.max(ring.origin())), Vec::new()))
}
