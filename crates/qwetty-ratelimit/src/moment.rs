use std::time::Duration;

/// A reading of the caller's monotonic clock: nanoseconds since an origin of that clock's choice, zero included.
///
/// Only differences between moments of one clock mean anything. The limiter never reads a clock itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(u64);

impl Moment {
    /// The moment `nanos` nanoseconds after the clock's origin.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the clock's origin.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The moment `later` after this one; the last moment there is, if that lies beyond it.
    #[must_use]
    pub fn saturating_add(self, later: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(later.as_nanos()).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addition_stops_at_the_last_moment() {
        assert_eq!(Moment::from_nanos(5).saturating_add(Duration::from_nanos(7)), Moment::from_nanos(12));
        assert_eq!(Moment::from_nanos(5).saturating_add(Duration::MAX), Moment::from_nanos(u64::MAX));
    }
}
