#![doc = include_str!("../README.md")]

mod admission;
mod cell;
mod entries;
mod form;
mod geometry;
mod head;
mod keyed;
mod moment;
mod outcome;
mod quota;
mod ring;
mod snapshot;
mod sync;
mod ticks;
mod tier;
mod window;

pub use cell::LimiterCell;
pub use keyed::KeyedLimiter;
pub use moment::Moment;
pub use outcome::{Level, Outcome};
pub use quota::{Quota, QuotaError};
pub use snapshot::{SnapshotError, WindowSnapshot};
pub use tier::{Tier, TierQuotas, UnknownTier};
