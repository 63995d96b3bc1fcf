use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use qwetty_keys::{KeyId, OrganizationId, Status, Timestamp};

use crate::Search;

/// A part of a list: `limit` items after the first `offset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// How many items to pass over.
    pub offset: u64,
    /// How many items at most.
    pub limit: u32,
}

/// Which way a list runs. Ties are broken by id, the same way; nulls are last either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Smallest, or oldest, first.
    Ascending,
    /// Largest, or newest, first.
    #[default]
    Descending,
}

/// What a list of keys is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeySort {
    /// When the key was made.
    #[default]
    CreatedAt,
    /// Its name, case folded.
    Name,
    /// Its expiry; keys without one last.
    ExpiresAt,
    /// Its last admitted call; keys never used last.
    LastUsedAt,
    /// Its admitted calls.
    RequestCount,
}

impl KeySort {
    /// Every sort.
    pub const ALL: [Self; 5] =
        [Self::CreatedAt, Self::Name, Self::ExpiresAt, Self::LastUsedAt, Self::RequestCount];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CreatedAt => "createdAt",
            Self::Name => "name",
            Self::ExpiresAt => "expiresAt",
            Self::LastUsedAt => "lastUsedAt",
            Self::RequestCount => "requestCount",
        }
    }
}

impl fmt::Display for KeySort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for KeySort {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|sort| sort.as_str() == text).ok_or(())
    }
}

/// Which of an organization's keys, in which order, which part of them.
#[derive(Debug, Clone)]
pub struct KeyQuery {
    /// Whose keys.
    pub organization: OrganizationId,
    /// Only those whose name, description or start contains this.
    pub search: Option<Search>,
    /// Only those with this status at `now`.
    pub status: Option<Status>,
    /// The instant for which a status is derived.
    pub now: Timestamp,
    /// Keys whose status is derived for a later instant, of whichever organization: none, unless the clock was set back after
    /// a key was told to be over.
    pub judged_later: BTreeMap<KeyId, Timestamp>,
    /// What to sort by.
    pub sort: KeySort,
    /// Which way.
    pub order: Order,
    /// Which part.
    pub page: Page,
}

impl KeyQuery {
    /// The instant for which this key's status is derived.
    pub fn judged_at(&self, id: KeyId) -> Timestamp {
        self.judged_later.get(&id).copied().unwrap_or(self.now)
    }
}

/// A page of a list, and how long the whole list is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing<T> {
    /// The items of the page asked for; empty past the end.
    pub items: Vec<T>,
    /// How many items all pages hold together.
    pub total: u64,
}
