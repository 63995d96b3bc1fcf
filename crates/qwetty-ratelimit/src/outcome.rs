use std::time::Duration;

/// What a window holds at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// The quota's limit, in units.
    pub limit: u32,
    /// Units that a take at this moment would still be given.
    pub remaining: u32,
    /// Time from the `now` that was passed in until `remaining` is larger, if nobody takes meanwhile. It is rounded up,
    /// never down: a take of one unit at `now + grows_in` is admitted. Zero when nothing is counted.
    pub grows_in: Duration,
}

/// The answer to a take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "whoever ignores the outcome limits nothing"]
pub enum Outcome {
    /// The cost was consumed; the level is what is left after it.
    Admitted(Level),
    /// The window has no room for the cost; nothing was consumed.
    Refused(Level),
    /// The cost was 0 or above the limit, so that no window will ever admit it; nothing was consumed.
    CostOutOfRange {
        /// The quota's limit: a cost is 1 to this many units.
        limit: u32,
    },
}
