//! Usage: counted in memory on the decision path, flushed to the store in batches beside it.

mod counters;
mod flusher;

pub(crate) use self::counters::{Pending, UsageCounters};
pub(crate) use self::flusher::{Flusher, View};
