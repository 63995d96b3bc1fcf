use std::fs::File;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::OpenError;
use crate::check::{check, check_length};
use crate::connection::open_writer;
use crate::create::{create, use_log};
use crate::location::Location;
use crate::mark::{Mark, Marker};
use crate::migrations::migrate;

/// A database that is ours alone, whole, and at the newest version.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) path: PathBuf,
    pub(crate) log: PathBuf,
    pub(crate) writer: Connection,
    /// On the file beside the database, and on the database. Must outlive every connection.
    pub(crate) locks: (File, Option<File>),
}

/// The first version without the fault by which a reset of the log could lose commits.
const OLDEST_SQLITE: i32 = 3_051_003;

/// Opens the database at `path`, and makes it first if there is none.
pub(crate) fn open(path: &Path, migrations: &[&str]) -> Result<Opened, OpenError> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(OpenError::SqliteTooOld { found: rusqlite::version() });
    }
    let location = Location::resolve(path)?;
    let lock = location.lock()?;
    let is_new = !location.exists()?;
    if is_new {
        create(&location, migrations)?;
    }
    let locks = (lock, location.lock_database()?);
    if !is_new {
        check(&location, &locks.0, Mark::read(&locks.0), migrations)?;
    }
    let path = location.database();
    let sqlite = OpenError::sqlite(path);
    let writer = open_writer(path).map_err(&sqlite)?;
    use_log(&writer, path)?;
    migrate(&writer, migrations, path)?;
    let log = location.beside("-wal");
    let lock = location.beside(".lock");
    Marker::new(&locks.0, &log).clear().map_err(OpenError::io("write to the lock file", &lock))?;
    if checkpoint(&writer).map_err(&sqlite)? {
        check_length(&writer, path)?;
    }
    Ok(Opened { path: path.to_owned(), log, writer, locks })
}

/// Moves everything from the log into the database file. False if a tool that reads the file held up the last of it.
pub(crate) fn checkpoint(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).map(|busy: bool| !busy)
}
