use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::path::Path;

use rusqlite::Connection;

use crate::OpenError;
use crate::connection::{APPLICATION_ID, open_writer};
use crate::location::{Location, private, sync_directory};
use crate::migrations::migrate;

/// What SQLite leaves beside a database file.
const SIDE_FILES: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Makes an empty database where there is none.
///
/// It is built under another name and put in place whole, so a file with the database's name is always a whole one,
/// and one that is not must be damaged. Whatever a crash leaves under the other name was never in use.
pub(crate) fn create(location: &Location, migrations: &[&str]) -> Result<(), OpenError> {
    for suffix in SIDE_FILES {
        let left_over = location.beside(suffix);
        if left_over.exists() {
            return Err(OpenError::Lost { path: location.database().to_owned(), left_over });
        }
    }
    let new = location.beside(".new");
    remove(&new)?;
    for suffix in SIDE_FILES {
        remove(&location.beside(&format!(".new{suffix}")))?;
    }
    // SQLite gives what it keeps beside the file the same permissions.
    private(OpenOptions::new().write(true).create_new(true))
        .open(&new)
        .map_err(OpenError::io("create", &new))?;

    build(&new, migrations)?;

    File::open(&new).and_then(|file| file.sync_all()).map_err(OpenError::io("sync", &new))?;
    fs::rename(&new, location.database()).map_err(OpenError::io("rename", &new))?;
    sync_directory(location.directory()).map_err(OpenError::io("sync", location.directory()))
}

fn build(path: &Path, migrations: &[&str]) -> Result<(), OpenError> {
    let sqlite = OpenError::sqlite(path);
    let connection = open_writer(path).map_err(&sqlite)?;
    connection.pragma_update(None, "application_id", APPLICATION_ID).map_err(&sqlite)?;
    migrate(&connection, migrations, path)?;
    // Last, so that everything before it stands in the file itself; the mode is kept in the file's header.
    use_log(&connection, path)?;
    connection.close().map_err(|(_, error)| sqlite(error))
}

/// Turns on the write-ahead log, in which a commit is one append and readers do not wait for it.
pub(crate) fn use_log(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let mode: String = connection
        .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
        .map_err(OpenError::sqlite(path))?;
    if mode != "wal" {
        let fault = "its file system shares no memory between processes, as the log needs; use a local disk";
        return Err(OpenError::Unsuitable { path: path.to_owned(), fault });
    }
    Ok(())
}

fn remove(path: &Path) -> Result<(), OpenError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(OpenError::io("remove the left-over", path)(error))
        }
        _ => Ok(()),
    }
}
