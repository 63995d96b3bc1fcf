use std::fmt::Display;

use qwetty_storage::StoreError;
use rusqlite::ErrorCode;

use crate::presence::Gone;

/// Why a job on one of the store's threads failed.
#[derive(Debug)]
pub(crate) enum Fault {
    /// SQLite did not do it.
    Sqlite(rusqlite::Error),
    /// What was read is no record of ours.
    Damaged { what: &'static str, fault: String },
    /// The commit that it shared failed: what SQLite says.
    NotCommitted(String),
    /// The file is not where it was.
    Gone(Gone),
    /// It was not done, or broke off.
    Failed(&'static str),
}

impl Fault {
    pub(crate) fn damaged(what: &'static str, fault: impl Display) -> Self {
        Self::Damaged { what, fault: fault.to_string() }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<Gone> for Fault {
    fn from(error: Gone) -> Self {
        Self::Gone(error)
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Sqlite(error) => match error.sqlite_error_code() {
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                    Self::damaged("database", error)
                }
                _ => Self::unavailable(error),
            },
            Fault::Damaged { what, fault } => Self::Damaged { what, fault },
            Fault::NotCommitted(error) => Self::unavailable(format!("the commit failed: {error}")),
            Fault::Gone(error) => Self::unavailable(error),
            Fault::Failed(message) => Self::unavailable(message),
        }
    }
}
