use std::error::Error;

use thiserror::Error;

/// Why a store could not answer. The caller fails closed: no decision is an admission, and a change
/// that met an error may or may not have happened, so what is cached about it must be read again.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store did not answer: disk full, locked, closed, out of reach. It may answer later.
    #[error("the store is unavailable: {0}")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// The store answered with something that is not a record of ours. It will not mend itself.
    #[error("the store holds a damaged {what}: {fault}")]
    Damaged {
        /// What was read: `key`, `audit event`, …
        what: &'static str,
        /// What is wrong with it; never contains a key value or a digest.
        fault: String,
    },
}

impl StoreError {
    /// Wraps a backend's own error.
    pub fn unavailable(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable(error.into())
    }

    /// Something read back breaks a rule that it kept when it was written.
    pub fn damaged(what: &'static str, fault: impl std::fmt::Display) -> Self {
        Self::Damaged { what, fault: fault.to_string() }
    }
}
