use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::location::private;

/// Why a database file was not opened. Nothing was written to it, except by a migration that failed half way, and that
/// was undone.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process, or another store of this one, has the file open.
    #[error("{} is in use by another process: stop that one first (lock file {})", path.display(), lock.display())]
    InUse {
        /// The database file.
        path: PathBuf,
        /// The lock file that the other one holds.
        lock: PathBuf,
    },
    /// The file is gone, but what SQLite keeps beside it is there.
    #[error(
        "{} does not exist, but {} does: the database was moved or deleted; put it back, or move the left-over away \
         to begin anew", path.display(), left_over.display()
    )]
    Lost {
        /// The database file that should be there.
        path: PathBuf,
        /// What is there.
        left_over: PathBuf,
    },
    /// The path cannot name one database file that is ours alone.
    #[error("{} cannot be opened as a database: {fault}", path.display())]
    Unsuitable {
        /// The path.
        path: PathBuf,
        /// What is wrong with it, and the fix.
        fault: &'static str,
    },
    /// The file is not a database of this program.
    #[error("{} is not a database of this program: {fault}; name another file", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What gives it away.
        fault: String,
    },
    /// The file was a database of this program and is no longer whole.
    #[error("{} is damaged: {fault}; restore it from a backup", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: String,
    },
    /// A newer version of this program wrote the file.
    #[error(
        "{} has schema version {found}, and this program knows versions up to {known}: use a newer program",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version of its schema.
        found: u32,
        /// The newest version that this program knows.
        known: u32,
    },
    /// A migration failed; the file is as it was before that migration.
    #[error(
        "{} could not be brought to schema version {version}: {source}{}", path.display(), told(system.as_ref())
    )]
    Migration {
        /// The file.
        path: PathBuf,
        /// The version that the migration leads to.
        version: u32,
        /// What SQLite says.
        source: rusqlite::Error,
        /// What the operating system says, if it refuses the same without SQLite.
        system: Option<io::Error>,
    },
    /// SQLite is older than the version in which a fault that loses commits was mended.
    #[error(
        "this program needs SQLite 3.51.3 or later and was built with {found}: build it with the bundled one"
    )]
    SqliteTooOld {
        /// The version that this program was built with.
        found: &'static str,
    },
    /// SQLite could not work with the file: permissions, disk, locked by a tool.
    #[error("{} could not be opened: {source}{}", path.display(), told(system.as_ref()))]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
        /// What the operating system says, if it refuses the same without SQLite.
        system: Option<io::Error>,
    },
    /// The operating system refused something.
    #[error("could not {doing} {}: {source}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl OpenError {
    /// For `map_err` on what was tried with `path`.
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, path: path.to_owned(), source }
    }

    /// For `map_err` on what SQLite was asked to do with `path`. An answer of the wrong type is damage too.
    pub(crate) fn sqlite(path: &Path) -> impl Fn(rusqlite::Error) -> Self {
        move |source| match source.sqlite_error_code() {
            Some(rusqlite::ErrorCode::NotADatabase) => {
                Self::Foreign { path: path.to_owned(), fault: source.to_string() }
            }
            Some(rusqlite::ErrorCode::DatabaseCorrupt) | None => Self::damaged(path, source),
            _ => {
                let system = refusal(path, &source);
                Self::Sqlite { path: path.to_owned(), source, system }
            }
        }
    }

    /// For `map_err` on the migration of `path` to `version`.
    pub(crate) fn migration(path: &Path, version: u32) -> impl FnOnce(rusqlite::Error) -> Self {
        move |source| {
            let system = refusal(path, &source);
            Self::Migration { path: path.to_owned(), version, source, system }
        }
    }

    pub(crate) fn damaged(path: &Path, fault: impl ToString) -> Self {
        Self::Damaged { path: path.to_owned(), fault: fault.to_string().replace('\n', "; ") }
    }
}

fn told(system: Option<&io::Error>) -> String {
    system.map(|error| format!(" (writing there: {error})")).unwrap_or_default()
}

/// What SQLite keeps to itself: why the system does not let it write, found by writing some bytes beside the file.
fn refusal(path: &Path, source: &rusqlite::Error) -> Option<io::Error> {
    use rusqlite::ErrorCode::{CannotOpen, DiskFull, PermissionDenied, ReadOnly, SystemIoFailure};
    let code = source.sqlite_error_code()?;
    if !matches!(code, CannotOpen | DiskFull | PermissionDenied | ReadOnly | SystemIoFailure) {
        return None;
    }
    let mut beside = path.to_owned().into_os_string();
    beside.push(".trial");
    let trial = private(OpenOptions::new().write(true).create(true).truncate(true))
        .open(&beside)
        .and_then(|mut file| file.write_all(&[0; 4 * 4096]).and_then(|()| file.sync_all()));
    let _ = fs::remove_file(&beside);
    // The disk may have room for new files and the one file be protected.
    trial.and_then(|()| OpenOptions::new().write(true).open(path).map(drop)).err()
}
