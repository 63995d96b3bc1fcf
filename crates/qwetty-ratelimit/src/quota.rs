use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use crate::form::Form;
use crate::geometry::Geometry;
use crate::ticks::Ticks;

/// How many units a key may consume in any window of a given length.
///
/// Its text form is `units/seconds`, as in `1000/3600`.
///
/// What a window's arithmetic needs of it is worked out when it is made: make it once and hand out copies.
#[derive(Clone, Copy)]
pub struct Quota {
    window_seconds: u32,
    geometry: Geometry,
    ticks: Ticks,
}

impl Quota {
    /// The largest limit, in units.
    pub const MAX_LIMIT: u32 = 10_000_000;
    /// The longest window, in seconds: a leap year.
    pub const MAX_WINDOW_SECONDS: u32 = 366 * 24 * 3600;

    /// A quota of `limit` units (1 to [`Quota::MAX_LIMIT`]) in any `window_seconds` (1 to
    /// [`Quota::MAX_WINDOW_SECONDS`]).
    ///
    /// # Errors
    ///
    /// [`QuotaError::Limit`] or [`QuotaError::Window`] if the number is outside its range.
    pub const fn new(limit: u32, window_seconds: u32) -> Result<Self, QuotaError> {
        if limit == 0 || limit > Self::MAX_LIMIT {
            return Err(QuotaError::Limit);
        }
        if window_seconds == 0 || window_seconds > Self::MAX_WINDOW_SECONDS {
            return Err(QuotaError::Window);
        }
        Ok(Self::known_good(limit, window_seconds))
    }

    /// For the constants of this crate, whose ranges a test checks, and for what was a quota before.
    pub(crate) const fn known_good(limit: u32, window_seconds: u32) -> Self {
        let Form { slots, tick_bits } = Form::CURRENT;
        Self {
            window_seconds,
            geometry: Geometry::of(limit, slots),
            ticks: Ticks::of(window_seconds, tick_bits),
        }
    }

    /// Units that any one window admits.
    #[must_use]
    pub const fn limit(self) -> u32 {
        self.geometry.limit()
    }

    /// Limit and window in one word, which is not zero.
    pub(crate) const fn identity(&self) -> u64 {
        (self.geometry.limit() as u64) << 32 | self.window_seconds as u64
    }

    /// The quota whose identity this is.
    pub(crate) const fn of_identity(identity: u64) -> Self {
        Self::known_good((identity >> 32) as u32, identity as u32)
    }

    /// How a window cuts the limit into groups.
    pub(crate) const fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// How a window counts time.
    pub(crate) const fn ticks(&self) -> &Ticks {
        &self.ticks
    }

    /// Whether a window can ever have room for `cost`.
    pub(crate) const fn admits(&self, cost: u32) -> bool {
        1 <= cost && cost <= self.limit()
    }

    /// The window's length.
    #[must_use]
    pub const fn window(self) -> Duration {
        Duration::from_secs(self.window_seconds as u64)
    }

    /// The window's length in whole seconds.
    #[must_use]
    pub const fn window_seconds(self) -> u32 {
        self.window_seconds
    }
}

impl PartialEq for Quota {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for Quota {}

impl Hash for Quota {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl fmt::Debug for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Quota")
            .field("limit", &self.limit())
            .field("window_seconds", &self.window_seconds)
            .finish()
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.limit(), self.window_seconds)
    }
}

impl FromStr for Quota {
    type Err = QuotaError;

    fn from_str(text: &str) -> Result<Self, QuotaError> {
        let (limit, window) = text.split_once('/').ok_or(QuotaError::Form)?;
        Self::new(
            number(limit)?.try_into().map_err(|_| QuotaError::Limit)?,
            number(window)?.try_into().map_err(|_| QuotaError::Window)?,
        )
    }
}

/// Digits only, since `u64::from_str` would take a plus sign too; a number too long for a `u64` counts as its largest.
fn number(text: &str) -> Result<u64, QuotaError> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(QuotaError::Form);
    }
    Ok(text.parse().unwrap_or(u64::MAX))
}

/// Why a quota was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum QuotaError {
    /// The text is not `units/seconds`.
    #[error("a quota is written units/seconds, such as 1000/3600")]
    Form,
    /// The limit is outside 1 to [`Quota::MAX_LIMIT`].
    #[error("the limit of a quota is out of range: give 1 to {} units", Quota::MAX_LIMIT)]
    Limit,
    /// The window is outside 1 to [`Quota::MAX_WINDOW_SECONDS`].
    #[error("the window of a quota is out of range: give 1 to {} seconds", Quota::MAX_WINDOW_SECONDS)]
    Window,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ranges_include_their_ends() {
        assert!(Quota::new(1, 1).is_ok());
        assert!(Quota::new(10_000_000, 31_622_400).is_ok());
        assert_eq!(Quota::new(0, 1), Err(QuotaError::Limit));
        assert_eq!(Quota::new(10_000_001, 1), Err(QuotaError::Limit));
        assert_eq!(Quota::new(1, 0), Err(QuotaError::Window));
        assert_eq!(Quota::new(1, 31_622_401), Err(QuotaError::Window));
    }

    #[test]
    fn a_quota_is_its_limit_and_its_window() {
        let quota = Quota::new(1000, 3600).unwrap();
        assert_eq!(quota, Quota::of_identity(quota.identity()));
        assert_ne!(quota, Quota::new(1000, 3601).unwrap());
        assert_ne!(quota, Quota::new(1001, 3600).unwrap());
        assert_eq!(format!("{quota:?}"), "Quota { limit: 1000, window_seconds: 3600 }");
    }

    #[test]
    fn a_hash_tells_limits_and_windows_apart() {
        let hash = |text: &str| {
            let mut hasher = std::hash::DefaultHasher::new();
            text.parse::<Quota>().unwrap().hash(&mut hasher);
            hasher.finish()
        };
        assert_eq!(hash("1000/3600"), hash("1000/3600"));
        assert_ne!(hash("1000/3600"), hash("1000/3601"));
        assert_ne!(hash("1000/3600"), hash("1001/3600"));
    }

    #[test]
    fn text_round_trips() {
        let quota: Quota = "1000/3600".parse().unwrap();
        assert_eq!((quota.limit(), quota.window()), (1000, Duration::from_secs(3600)));
        assert_eq!(quota.to_string(), "1000/3600");
    }

    #[test]
    fn text_of_another_form_is_refused() {
        for text in
            ["", "1000", "1000/", "/3600", "+1000/3600", "1000/3600/1", "1000 / 3600", "1e3/3600", "-1/5"]
        {
            assert_eq!(text.parse::<Quota>(), Err(QuotaError::Form), "{text}");
        }
        assert_eq!("99999999999999999999999/60".parse::<Quota>(), Err(QuotaError::Limit));
        assert_eq!("60/4294967297".parse::<Quota>(), Err(QuotaError::Window));
    }
}
