use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Which files the database's names led to when it was opened. What is written to a file that was moved or deleted since is
/// lost with it, and another one in its place is not the one that is written to.
#[derive(Debug)]
pub(crate) struct Presence {
    files: Vec<(PathBuf, Identity)>,
}

type Identity = (u64, u64);

/// A name leads to another file, or to none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "the database file or its log was moved, deleted or replaced while it was open: put it back and restart"
)]
pub(crate) struct Gone;

impl Presence {
    /// These files, as they are now.
    pub(crate) fn of(files: impl IntoIterator<Item = PathBuf>) -> io::Result<Self> {
        let files = files.into_iter().map(|path| Ok((path.clone(), identity(&path)?)));
        Ok(Self { files: files.collect::<io::Result<_>>()? })
    }

    /// Makes sure that the names still lead to them.
    pub(crate) fn check(&self) -> Result<(), Gone> {
        let is_there =
            |(path, known): &(PathBuf, Identity)| identity(path).is_ok_and(|found| found == *known);
        if self.files.iter().all(is_there) {
            return Ok(());
        }
        Err(Gone)
    }
}

#[cfg(unix)]
fn identity(path: &Path) -> io::Result<Identity> {
    use std::os::unix::fs::MetadataExt;
    let metadata = fs::metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

/// Elsewhere an open file cannot be deleted.
#[cfg(not(unix))]
fn identity(path: &Path) -> io::Result<Identity> {
    fs::metadata(path).map(|_| (0, 0))
}
