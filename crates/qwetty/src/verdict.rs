use std::fmt;
use std::sync::Arc;

use qwetty_authz::{Access, Grants};
use qwetty_keys::{Generation, KeyDigest, KeyId, KeyStart, Name, OrganizationId, Timestamp};
use qwetty_ratelimit::{Level, Quota, Tier};
use qwetty_storage::Outcome;

use crate::cache::CachedKey;
use crate::grants::grants;
use crate::sync::Held;

/// What a decision came to. A failure to decide is not a verdict but an error, and admits nothing.
#[derive(Debug)]
pub enum Verdict {
    /// Every check passed.
    Allow(VerifiedKey),
    /// The first check that failed.
    Deny(Denial),
}

/// A key that passed every check of one decision. Only the [`Verifier`](crate::Verifier) makes one, so code that takes
/// one as an argument can only be reached by an authorized caller.
///
/// As it comes out of a decision it is for the time of a request: who holds it is noted with the thread that decided, which has few
/// places for that, and decides slower while they are taken. What is kept for longer should be a clone.
pub struct VerifiedKey {
    key: Held<CachedKey>,
    generation: Generation,
    standing: Option<Standing>,
}

impl VerifiedKey {
    pub(crate) fn new(key: Held<CachedKey>, generation: Generation, standing: Option<Standing>) -> Self {
        Self { key, generation, standing }
    }

    /// Its id.
    pub fn id(&self) -> KeyId {
        self.key.id()
    }

    /// The organization that owns it.
    pub fn organization(&self) -> OrganizationId {
        self.key.organization()
    }

    /// Its name.
    pub fn name(&self) -> &Name {
        self.key.name()
    }

    /// The first characters of its current value.
    pub fn start(&self) -> KeyStart {
        self.key.start()
    }

    /// What it may do, on which channels, from where.
    pub fn access(&self) -> &Access {
        self.key.access()
    }

    /// Which quota it has.
    pub fn tier(&self) -> Tier {
        self.key.tier()
    }

    /// The first instant at which it no longer works; `None` is never.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.key.expires_at()
    }

    /// Whether the current value was presented, or an older one during its overlap.
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// Its quota after this call; `None` if the decision was not charged.
    pub fn standing(&self) -> Option<&Standing> {
        self.standing.as_ref()
    }

    /// The digest of the value that was presented.
    pub(crate) fn digest(&self) -> &KeyDigest {
        self.key.digest()
    }

    /// What it may grant to others.
    pub fn grants(&self) -> Grants {
        grants(self.access(), self.tier(), self.expires_at())
    }
}

impl Clone for VerifiedKey {
    fn clone(&self) -> Self {
        Self { key: cloned(&self.key), ..*self }
    }
}

impl fmt::Debug for VerifiedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedKey").field("id", &self.id()).field("standing", &self.standing).finish()
    }
}

/// How a key stands against its quota at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The tier that gives the quota.
    pub tier: Tier,
    /// The quota.
    pub quota: Quota,
    /// What is left of it.
    pub level: Level,
    /// Wall-clock time of the decision.
    pub at: Timestamp,
}

/// A refusal: the first check that failed, and what may be said of the key.
#[derive(Debug, Clone)]
pub struct Denial {
    /// Which check.
    pub code: DenialCode,
    /// Whose value it was; `None` with [`DenialCode::NotFound`].
    pub key: Option<KeyIdentity>,
    /// The quota; only with [`DenialCode::RateLimited`].
    pub standing: Option<Standing>,
}

/// What names a key to those who run it.
pub struct KeyIdentity(Held<CachedKey>);

impl KeyIdentity {
    pub(crate) fn of(key: Held<CachedKey>) -> Self {
        Self(key)
    }

    /// Its id.
    pub fn id(&self) -> KeyId {
        self.0.id()
    }

    /// The organization that owns it.
    pub fn organization(&self) -> OrganizationId {
        self.0.organization()
    }

    /// Its name.
    pub fn name(&self) -> &Name {
        self.0.name()
    }
}

impl Clone for KeyIdentity {
    fn clone(&self) -> Self {
        Self(cloned(&self.0))
    }
}

impl fmt::Debug for KeyIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyIdentity")
            .field("id", &self.id())
            .field("name", self.name())
            .finish_non_exhaustive()
    }
}

fn cloned(key: &Held<CachedKey>) -> Held<CachedKey> {
    Held::from_inner(Arc::clone(key))
}

/// The checks, in their order, by what failing them is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DenialCode {
    /// Check 1: malformed, unknown, or (for a caller bound to one organization) another organization's.
    NotFound,
    /// Check 2.
    Revoked,
    /// Check 3.
    Expired,
    /// Check 4.
    IpNotAllowed,
    /// Check 5.
    InsufficientPermissions,
    /// Check 6.
    ChannelNotAllowed,
    /// Check 7.
    RateLimited,
}

impl DenialCode {
    /// The code of the answer.
    pub const fn as_str(self) -> &'static str {
        match self.counted_as() {
            None => "not_found",
            Some(outcome) => outcome.code(),
        }
    }

    /// What it counts as in the key's usage; `None` where there is no key to count it to.
    pub const fn counted_as(self) -> Option<Outcome> {
        match self {
            Self::NotFound => None,
            Self::Revoked => Some(Outcome::Revoked),
            Self::Expired => Some(Outcome::Expired),
            Self::IpNotAllowed => Some(Outcome::IpNotAllowed),
            Self::InsufficientPermissions => Some(Outcome::InsufficientPermissions),
            Self::ChannelNotAllowed => Some(Outcome::ChannelNotAllowed),
            Self::RateLimited => Some(Outcome::RateLimited),
        }
    }
}

impl fmt::Display for DenialCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
