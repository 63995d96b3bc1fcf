use std::collections::BTreeMap;

use qwetty_authz::administration;
use qwetty_keys::{KeyId, Timestamp};
use qwetty_storage::{Hour, HourlyCounts, OutcomeCounts};
use thiserror::Error;

use super::{Caller, KeyManager, ManageError};
use crate::cache::restored;
use crate::verdict::Standing;

const DEFAULT_HOURS: i64 = 24;
const MOST_HOURS: i64 = 90 * 24;

/// Whole hours, one after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HourRange {
    from: Hour,
    to: Hour,
}

/// A range of hours that cannot be reported on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RangeError {
    /// It ends before it begins, or at once.
    #[error("the query parameter from must be before to")]
    Empty,
    /// It is longer than usage is kept.
    #[error("the query parameters from and to must lie at most 90 days apart")]
    TooLong,
    /// An end of it, in whole hours, is no time that RFC 3339 can write.
    #[error("the range from `from` to `to` must lie in the years 0000 to 9999")]
    OutOfCalendar,
}

impl HourRange {
    /// The hours that lie at least partly between two instants; 24 up to `to`, or from `from`, if the other is not given, and the
    /// last 24, the running one included, if neither is.
    ///
    /// # Errors
    ///
    /// [`RangeError`] unless it is at least one hour and at most 90 days, all of them in the years 0000 to 9999.
    pub fn new(from: Option<Timestamp>, to: Option<Timestamp>, now: Timestamp) -> Result<Self, RangeError> {
        let range = match (from.map(Hour::of), to.map(end_of)) {
            (Some(from), Some(to)) => Self { from, to },
            (Some(from), None) => Self { from, to: end_of(now).max(from.plus(1)) },
            (None, Some(to)) => Self { from: to.plus(-DEFAULT_HOURS), to },
            (None, None) => {
                let to = Hour::of(now).plus(1);
                Self { from: to.plus(-DEFAULT_HOURS), to }
            }
        };
        match range.to.number().saturating_sub(range.from.number()) {
            ..=0 => Err(RangeError::Empty),
            1..=MOST_HOURS if !(is_writable(range.from()) && is_writable(range.to())) => {
                Err(RangeError::OutOfCalendar)
            }
            1..=MOST_HOURS => Ok(range),
            _ => Err(RangeError::TooLong),
        }
    }

    /// The first instant.
    pub const fn from(self) -> Timestamp {
        self.from.start()
    }

    /// The first instant after it.
    pub const fn to(self) -> Timestamp {
        self.to.start()
    }

    fn hours(self) -> impl Iterator<Item = Hour> {
        (self.from.number()..self.to.number()).map(Hour::from_number)
    }

    fn contains(self, hour: Hour) -> bool {
        (self.from..self.to).contains(&hour)
    }
}

/// The first hour that begins at or after an instant.
fn end_of(at: Timestamp) -> Hour {
    let hour = Hour::of(at);
    if hour.start() == at { hour } else { hour.plus(1) }
}

/// An instant that cannot be written shows as another one.
fn is_writable(at: Timestamp) -> bool {
    Timestamp::from(at.to_offset_date_time()) == at
}

/// What a key was used for in a range of hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageReport {
    /// The key.
    pub key: KeyId,
    /// The hours.
    pub range: HourRange,
    /// All hours together.
    pub totals: OutcomeCounts,
    /// Every hour of the range, those without a count included.
    pub points: Vec<HourlyCounts>,
}

impl KeyManager {
    /// What a key was used for, hour by hour, what is not flushed yet included.
    ///
    /// # Errors
    ///
    /// [`ManageError::InsufficientPermissions`], [`ManageError::NotFound`], [`ManageError::Unavailable`].
    pub async fn usage(
        &self,
        caller: &Caller,
        id: KeyId,
        range: HourRange,
    ) -> Result<UsageReport, ManageError> {
        caller.must_hold(&self.core, administration::API_KEYS_READ)?;
        let view = self.core.flusher.view().await;
        let stored = self.core.store.get(id).await?.ok_or(ManageError::NotFound)?;
        self.must_see(caller, &stored.record)?;
        let counted = self.core.store.usage(id, range.from, range.to).await?;
        let state = self.core.cache.state(id);
        let pending = view.pending(id, state.as_deref());
        let mut by_hour: BTreeMap<Hour, OutcomeCounts> =
            range.hours().map(|hour| (hour, OutcomeCounts::default())).collect();
        for HourlyCounts { hour, counts } in counted.into_iter().chain(pending.hours) {
            if range.contains(hour) {
                by_hour.entry(hour).or_default().add_all(&counts);
            }
        }
        let mut totals = OutcomeCounts::default();
        for counts in by_hour.values() {
            totals.add_all(counts);
        }
        let points = by_hour.into_iter().map(|(hour, counts)| HourlyCounts { hour, counts }).collect();
        Ok(UsageReport { key: id, range, totals, points })
    }

    /// How a key stands against its quota now. Nothing is taken or counted.
    ///
    /// # Errors
    ///
    /// [`ManageError::InsufficientPermissions`], [`ManageError::NotFound`], [`ManageError::Unavailable`].
    pub async fn standing(&self, caller: &Caller, id: KeyId) -> Result<Standing, ManageError> {
        let record = self.get(caller, id).await?.record;
        let (tier, now) = (record.tier, self.core.now());
        let quota = self.core.quotas.get(tier);
        let level = match self.core.cache.state(id) {
            Some(state) => state.limiter().peek(quota, now.moment),
            // No decision has met the key since it came up, or for a window: what is saved is what counts.
            None => {
                let found = self.core.store.find(&record.lifecycle.current().digest).await?;
                let window = found.and_then(|found| found.window);
                restored(quota, window, now).peek(quota, now.moment)
            }
        };
        Ok(Standing { tier, quota, level, at: now.wall })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000_000;

    fn at(hours: i64, micros: i64) -> Timestamp {
        Timestamp::from_unix_micros(hours * HOUR + micros)
    }

    fn hours(from: Option<Timestamp>, to: Option<Timestamp>) -> Result<(i64, i64), RangeError> {
        let range = HourRange::new(from, to, at(1000, 5))?;
        Ok((range.from.number(), range.to.number()))
    }

    #[test]
    fn nothing_given_is_the_last_24_hours_with_the_running_one() {
        assert_eq!(hours(None, None), Ok((977, 1001)));
    }

    #[test]
    fn hours_that_are_touched_are_in() {
        assert_eq!(hours(Some(at(10, 1)), Some(at(12, 0))), Ok((10, 12)));
        assert_eq!(hours(Some(at(10, 0)), Some(at(12, 1))), Ok((10, 13)));
    }

    #[test]
    fn one_end_implies_the_other() {
        assert_eq!(hours(Some(at(990, 0)), None), Ok((990, 1001)));
        assert_eq!(hours(None, Some(at(100, 0))), Ok((76, 100)));
        assert_eq!(hours(Some(at(2000, 0)), None), Ok((2000, 2001)));
    }

    #[test]
    fn a_range_is_an_hour_to_90_days() {
        assert_eq!(hours(Some(at(10, 0)), Some(at(10, 0))), Err(RangeError::Empty));
        assert_eq!(hours(Some(at(11, 0)), Some(at(10, 0))), Err(RangeError::Empty));
        assert_eq!(hours(Some(at(0, 0)), Some(at(2160, 0))), Ok((0, 2160)));
        assert_eq!(hours(Some(at(0, 0)), Some(at(2160, 1))), Err(RangeError::TooLong));
    }
    #[test]
    fn a_range_ends_with_the_calendar() {
        let (first, end): (Timestamp, Timestamp) =
            ("0000-01-01T00:00:00Z".parse().unwrap(), "9999-12-31T23:00:00Z".parse().unwrap());
        assert!(hours(Some(first), Some(at(Hour::of(first).number() + 1, 0))).is_ok());
        assert!(hours(Some(at(Hour::of(end).number() - 1, 0)), Some(end)).is_ok());
        assert_eq!(hours(None, Some(first)), Err(RangeError::OutOfCalendar));
        assert_eq!(hours(Some(end), None), Err(RangeError::OutOfCalendar));
    }
}
