use qwetty_authz::Access;
use qwetty_keys::{Description, KeyId, Lifecycle, Name, OrganizationId, Timestamp};
use qwetty_ratelimit::{Tier, WindowSnapshot};

/// How often a record was replaced; the comparand of every compare-and-swap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(u64);

impl Revision {
    /// The revision of a record that was never replaced.
    pub const FIRST: Self = Self(1);

    /// The revision a store wrote down.
    pub const fn from_u64(number: u64) -> Self {
        Self(number)
    }

    /// The number to write down.
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The revision of the record that replaces this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// One key as it is stored: everything but its usage. It holds digests, never a key value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// The key's id, for good.
    pub id: KeyId,
    /// The organization that owns it, for good.
    pub organization: OrganizationId,
    /// What people call it.
    pub name: Name,
    /// What people say of it.
    pub description: Option<Description>,
    /// What it may do, on which channels, from where.
    pub access: Access,
    /// Which quota it has.
    pub tier: Tier,
    /// Its values, its expiry and whether it is revoked.
    pub lifecycle: Lifecycle,
    /// When it was made.
    pub created_at: Timestamp,
    /// When anything of it last changed; usage is no change.
    pub updated_at: Timestamp,
    /// The key that made it; `None` for a root key.
    pub created_by: Option<KeyId>,
    /// Counts the record's replacements.
    pub revision: Revision,
}

/// What a key was used for so far, as far as it is flushed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UsageTotals {
    /// Admitted calls.
    pub request_count: u64,
    /// Calls refused by checks 2 to 7.
    pub denied_count: u64,
    /// The last admitted call.
    pub last_used_at: Option<Timestamp>,
    /// The last admitted call that presented an older value during its overlap.
    pub previous_value_last_used_at: Option<Timestamp>,
}

/// A key with its usage, as management reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// The key.
    pub record: KeyRecord,
    /// Its usage.
    pub usage: UsageTotals,
}

/// A key with its saved window, as a decision reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundKey {
    /// The key.
    pub record: KeyRecord,
    /// What its quota window held when it was last saved.
    pub window: Option<SavedWindow>,
}

/// A quota window as it was at one instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedWindow {
    /// Wall-clock time of the snapshot; the ages in it count from here.
    pub saved_at: Timestamp,
    /// The admissions that were still counted.
    pub snapshot: WindowSnapshot,
}
