use std::time::Duration;

/// How long the old value of a key still works beside the new one after a regeneration: none to seven days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Overlap(u32);

impl Overlap {
    /// The old value dies at once.
    pub const NONE: Self = Self(0);

    /// The longest overlap: seven days, in seconds.
    pub const MAX_SECONDS: u32 = 7 * 24 * 60 * 60;

    /// An overlap of 0 to 604800 seconds.
    ///
    /// # Errors
    ///
    /// [`OverlapError`] above that.
    pub fn from_seconds(seconds: u64) -> Result<Self, OverlapError> {
        match u32::try_from(seconds) {
            Ok(seconds) if seconds <= Self::MAX_SECONDS => Ok(Self(seconds)),
            _ => Err(OverlapError),
        }
    }

    pub(crate) fn duration(self) -> Duration {
        Duration::from_secs(self.0.into())
    }
}

/// The overlap is longer than seven days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an overlap is 0 to 604800 seconds (seven days)")]
pub struct OverlapError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lasts_up_to_seven_days() {
        assert_eq!(Overlap::from_seconds(0), Ok(Overlap::NONE));
        assert_eq!(Overlap::from_seconds(604_800).unwrap().duration(), Duration::from_secs(604_800));
        assert_eq!(Overlap::from_seconds(604_801), Err(OverlapError));
        assert_eq!(Overlap::from_seconds(1 << 32), Err(OverlapError));
    }
}
