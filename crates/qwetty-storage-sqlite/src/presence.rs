use std::fs;
use std::fs::Metadata;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use thiserror::Error;

/// Which files the database's names led to when it was opened. What is written to a file that was moved or deleted since is
/// lost with it, and another one in its place is not the one that is written to.
#[derive(Debug)]
pub(crate) struct Presence {
    files: [(PathBuf, Identity); 2],
    /// How long the database file ever was. It becomes no shorter: nothing is taken out of it.
    length: AtomicU64,
}

type Identity = (u64, u64);

/// The files are no longer what was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum Gone {
    /// A name leads to another file, or to none.
    #[error(
        "the database file or its log was moved, deleted or replaced while it was open: put it back and restart"
    )]
    Moved,
    /// There is less in the file than there was.
    #[error(
        "the database file was cut off while it was open: restart, and if that is refused, restore it from a backup"
    )]
    CutOff,
}

impl Presence {
    /// The database and its log, as they are now.
    pub(crate) fn of(database: PathBuf, log: PathBuf) -> io::Result<Self> {
        let (found, of_log) = (fs::metadata(&database)?, fs::metadata(&log)?);
        let files = [(database, identity(&found)), (log, identity(&of_log))];
        Ok(Self { files, length: AtomicU64::new(found.len()) })
    }

    /// Makes sure that the names still lead to them, and that the database is as long as it was.
    pub(crate) fn check(&self) -> Result<(), Gone> {
        let [database, log] = &self.files;
        let is_there = |(path, known): &(PathBuf, Identity)| {
            fs::metadata(path).ok().filter(|found| identity(found) == *known)
        };
        let (Some(database), Some(_)) = (is_there(database), is_there(log)) else { return Err(Gone::Moved) };
        if database.len() < self.length.fetch_max(database.len(), Ordering::SeqCst) {
            return Err(Gone::CutOff);
        }
        Ok(())
    }
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

/// Elsewhere an open file cannot be deleted.
#[cfg(not(unix))]
fn identity(_: &Metadata) -> Identity {
    (0, 0)
}
