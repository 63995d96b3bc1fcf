use crate::text::RevocationReason;
use crate::timestamp::Timestamp;

/// The part of a key's state that does not follow from the time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Not revoked.
    Live,
    /// Revoked, until it is reactivated.
    Revoked(Revocation),
}

/// When and why a key was revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// The instant of the revocation.
    pub at: Timestamp,
    /// What was given as the reason, if anything.
    pub reason: Option<RevocationReason>,
}
