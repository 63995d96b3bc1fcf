use std::fmt;

use qwetty_keys::{KeyId, Timestamp};

use crate::SavedWindow;

/// What a counted decision came to: admitted, or refused by one of checks 2 to 7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Outcome {
    /// Every check passed.
    Admitted = 0,
    /// Check 2.
    Revoked = 1,
    /// Check 3.
    Expired = 2,
    /// Check 4.
    IpNotAllowed = 3,
    /// Check 5.
    InsufficientPermissions = 4,
    /// Check 6.
    ChannelNotAllowed = 5,
    /// Check 7.
    RateLimited = 6,
}

impl Outcome {
    /// Every outcome, in the order of the checks; an outcome's place here is its number.
    pub const ALL: [Self; 7] = [
        Self::Admitted,
        Self::Revoked,
        Self::Expired,
        Self::IpNotAllowed,
        Self::InsufficientPermissions,
        Self::ChannelNotAllowed,
        Self::RateLimited,
    ];

    /// The number that stands for it in a store.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The outcome that a store's number stands for.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// The code of the answer: `valid`, `revoked`, …
    pub const fn code(self) -> &'static str {
        match self {
            Self::Admitted => "valid",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::IpNotAllowed => "ip_not_allowed",
            Self::InsufficientPermissions => "insufficient_permissions",
            Self::ChannelNotAllowed => "channel_not_allowed",
            Self::RateLimited => "rate_limited",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// How many decisions came to each outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OutcomeCounts([u64; Outcome::ALL.len()]);

impl OutcomeCounts {
    /// How many came to this one.
    pub fn get(&self, outcome: Outcome) -> u64 {
        self.0.get(usize::from(outcome.number())).copied().unwrap_or(0)
    }

    /// Counts `count` more of this one.
    pub fn add(&mut self, outcome: Outcome, count: u64) {
        if let Some(counter) = self.0.get_mut(usize::from(outcome.number())) {
            *counter = counter.saturating_add(count);
        }
    }

    /// Counts all of `other` as well.
    pub fn add_all(&mut self, other: &Self) {
        for (outcome, count) in other.iter() {
            self.add(outcome, count);
        }
    }

    /// Admitted decisions.
    pub fn admitted(&self) -> u64 {
        self.get(Outcome::Admitted)
    }

    /// Refused decisions, for whichever reason.
    pub fn denied(&self) -> u64 {
        self.iter().filter(|(outcome, _)| *outcome != Outcome::Admitted).map(|(_, count)| count).sum()
    }

    /// Each outcome that was counted at least once.
    pub fn iter(&self) -> impl Iterator<Item = (Outcome, u64)> + '_ {
        Outcome::ALL.into_iter().map(|outcome| (outcome, self.get(outcome))).filter(|(_, count)| *count > 0)
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }
}

/// A whole hour in UTC, numbered from the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hour(i64);

impl Hour {
    const MICROS: i64 = 3_600_000_000;

    /// The hour that this instant lies in.
    pub const fn of(at: Timestamp) -> Self {
        Self(at.unix_micros().div_euclid(Self::MICROS))
    }

    /// The hour with this number.
    pub const fn from_number(number: i64) -> Self {
        Self(number)
    }

    /// Hours since the Unix epoch.
    pub const fn number(self) -> i64 {
        self.0
    }

    /// Its first instant.
    pub const fn start(self) -> Timestamp {
        Timestamp::from_unix_micros(self.0.saturating_mul(Self::MICROS))
    }

    /// The hour `hours` later; earlier if negative.
    #[must_use]
    pub const fn plus(self, hours: i64) -> Self {
        Self(self.0.saturating_add(hours))
    }
}

/// What one key's decisions came to in one hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HourlyCounts {
    /// The hour.
    pub hour: Hour,
    /// The counts.
    pub counts: OutcomeCounts,
}

/// What is to be added for one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRow {
    /// The key; if it is gone, the row is dropped.
    pub key: KeyId,
    /// Counts to add, each hour at most once.
    pub hours: Vec<HourlyCounts>,
    /// The last admitted call; an older one than is stored changes nothing.
    pub last_used_at: Option<Timestamp>,
    /// Likewise for the older value during an overlap.
    pub previous_value_last_used_at: Option<Timestamp>,
    /// The quota window to keep in place of the saved one.
    pub window: Option<SavedWindow>,
}

/// Counts of many keys, added in one transaction, once: `writer` and `sequence` name the batch, and a
/// store that has applied it ignores it when it comes again. So a batch whose outcome is unknown can be
/// sent again, and no count ever exceeds the truth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageBatch {
    /// Who counts: a number drawn at random when a process starts.
    pub writer: u128,
    /// Which of the writer's batches: 1, 2, 3, …, sent in this order.
    pub sequence: u64,
    /// When it was taken.
    pub at: Timestamp,
    /// What to add, each key at most once.
    pub rows: Vec<UsageRow>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcomes_number_leads_back_to_it() {
        for outcome in Outcome::ALL {
            assert_eq!(Outcome::from_number(outcome.number()), Some(outcome));
        }
        assert_eq!(Outcome::from_number(7), None);
    }

    #[test]
    fn counts_tell_admitted_from_denied() {
        let mut counts = OutcomeCounts::default();
        assert!(counts.is_empty());
        counts.add(Outcome::Admitted, 5);
        counts.add(Outcome::Expired, 2);
        counts.add(Outcome::RateLimited, 1);
        assert_eq!((counts.admitted(), counts.denied()), (5, 3));
        let mut twice = counts;
        twice.add_all(&counts);
        assert_eq!((twice.admitted(), twice.denied()), (10, 6));
    }

    #[test]
    fn an_hour_begins_at_its_first_instant_before_1970_too() {
        for micros in [-1, 0, 3_599_999_999, 3_600_000_000, 1_700_000_000_000_000] {
            let at = Timestamp::from_unix_micros(micros);
            let hour = Hour::of(at);
            assert!(hour.start() <= at && at < hour.plus(1).start(), "{micros}");
        }
    }
}
