use crate::Quota;
use crate::geometry::Geometry;
use crate::sync::SLOTS;
use crate::ticks::Ticks;

/// What the places and ages of a window are measured in. Snapshots outlive releases, so they say by which form they were
/// written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Form {
    /// The most groups that a ring has.
    pub(crate) slots: u32,
    /// A window has at most so many powers of two of ticks.
    pub(crate) tick_bits: u32,
}

impl Form {
    /// That of the windows of this release.
    ///
    /// 55 groups fill the 256 bytes of a cell, and 2^22 ticks are fine enough for a window to begin to the millisecond in an hour
    /// and coarse enough for 32 bits to count a thousand windows.
    pub(crate) const CURRENT: Self = Self { slots: SLOTS as u32, tick_bits: 22 };

    /// Every form that there has been, in the order of the versions of snapshots, the first of which is 1.
    const ALL: [Self; 2] = [Self { slots: 60, tick_bits: 28 }, Self::CURRENT];

    pub(crate) fn of_version(version: u8) -> Option<Self> {
        Self::ALL.get(usize::from(version).checked_sub(1)?).copied()
    }

    pub(crate) fn version(self) -> u8 {
        (1..).zip(Self::ALL).find(|&(_, form)| form == self).map_or(0, |(version, _)| version)
    }

    pub(crate) const fn geometry(self, quota: Quota) -> Geometry {
        Geometry::of(quota.limit(), self.slots)
    }

    pub(crate) const fn ticks(self, quota: Quota) -> Ticks {
        Ticks::of(quota.window_seconds(), self.tick_bits)
    }
}
