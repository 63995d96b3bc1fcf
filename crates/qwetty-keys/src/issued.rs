use crate::digest::KeyDigest;
use crate::start::KeyStart;
use crate::timestamp::Timestamp;

/// What is kept of a key value that was issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IssuedValue {
    /// The digest by which the value is found.
    pub digest: KeyDigest,
    /// The start of the value, for people to recognise it by.
    pub start: KeyStart,
}

/// The older value of a key that was regenerated with an overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreviousValue {
    /// The older value.
    pub value: IssuedValue,
    /// The first instant at which it no longer works.
    pub ends_at: Timestamp,
}

/// Which of a key's two values one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Generation {
    /// The value issued last.
    Current,
    /// The one before it, during an overlap.
    Previous,
}
