use std::fs::{self, File};
use std::path::Path;

use rusqlite::Connection;

use crate::OpenError;
use crate::connection::{APPLICATION_ID, open_reader};
use crate::location::Location;
use crate::log;
use crate::mark::Mark;
use crate::migrations::{migrate, schema, version};

/// Files up to this size, in bytes, are read whole when they are opened: in about a second at most.
const CHECKED_WHOLE: u64 = 64 * 1024 * 1024;

/// Makes sure that an existing file is a whole database of ours that these migrations lead to. It only reads.
pub(crate) fn check(
    location: &Location,
    lock: &File,
    mark: Option<Mark>,
    migrations: &[&str],
) -> Result<(), OpenError> {
    let path = location.database();
    let size = size(path)?;
    if size == 0 {
        return Err(OpenError::damaged(path, "it is empty"));
    }
    let log = location.beside("-wal");
    if size_or_zero(&log) == 0 && mark.is_some_and(|mark| mark.frames > 0) && is_older(path, lock) {
        let fault = format!(
            "its log (-wal) is gone, with changes that are not in the file: put it back, or restore a backup \
             and remove {}",
            location.beside(".lock").display()
        );
        return Err(OpenError::damaged(path, fault));
    }
    // Before SQLite looks at it, and moves what is left of it into the file.
    if !log::is_whole(&log, mark).map_err(OpenError::io("read", &log))? {
        return Err(OpenError::damaged(path, "its log (-wal) is damaged or cut off"));
    }
    let sqlite = |source| match OpenError::sqlite(path)(source) {
        // A mark is made in a database of ours alone.
        OpenError::Foreign { .. } if mark.is_some() => OpenError::damaged(
            path,
            "it was a database of this program, and does not begin like a database any more: it was cut off or written over",
        ),
        error => error,
    };
    let connection = open_reader(path).map_err(&sqlite)?;

    let application: i32 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(&sqlite)?;
    if application != APPLICATION_ID {
        let fault = format!("its application id is {application:#x}, ours is {APPLICATION_ID:#x}");
        return Err(OpenError::Foreign { path: path.to_owned(), fault });
    }
    let found = version(&connection).map_err(&sqlite)?;
    let known = u32::try_from(migrations.len()).unwrap_or(u32::MAX);
    if found > known {
        return Err(OpenError::Newer { path: path.to_owned(), found, known });
    }
    let applied = usize::try_from(found).ok().and_then(|found| migrations.get(..found)).unwrap_or_default();
    if applied.is_empty() {
        return Err(OpenError::damaged(path, "it has no schema version"));
    }
    if schema(&connection).map_err(&sqlite)? != schema_of(applied, path)? {
        let fault = format!("its tables are not those of schema version {found}");
        return Err(OpenError::damaged(path, fault));
    }
    // Pages that are only in the log yet may lie past the end of the file.
    if size_or_zero(&log) == 0 {
        check_length(&connection, path)?;
    }
    if size <= CHECKED_WHOLE {
        check_whole(&connection, path)?;
    }
    connection.close().map_err(|(_, error)| sqlite(error))
}

/// Makes sure that the file is as long as its header says. Its log must be empty.
pub(crate) fn check_length(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let number = |pragma| -> rusqlite::Result<u64> {
        connection
            .pragma_query_value(None, pragma, |row| row.get::<_, i64>(0))
            .map(|number| number.unsigned_abs())
    };
    let pages = number("page_count").map_err(OpenError::sqlite(path))?;
    let page_size = number("page_size").map_err(OpenError::sqlite(path))?;
    let (expected, found) = (pages.saturating_mul(page_size), size(path)?);
    if found < expected {
        return Err(OpenError::damaged(path, format!("it has {found} bytes of {expected}")));
    }
    Ok(())
}

fn check_whole(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let sqlite = OpenError::sqlite(path);
    let fault: String =
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(&sqlite)?;
    if fault != "ok" {
        return Err(OpenError::damaged(path, fault));
    }
    let mut orphans = connection.prepare("PRAGMA foreign_key_check").map_err(&sqlite)?;
    if orphans.exists([]).map_err(&sqlite)? {
        return Err(OpenError::damaged(path, "a row refers to one that is missing"));
    }
    Ok(())
}

/// The schema that these migrations make.
fn schema_of(migrations: &[&str], path: &Path) -> Result<Vec<String>, OpenError> {
    let made = Connection::open_in_memory().map_err(OpenError::sqlite(path))?;
    migrate(&made, migrations, path)?;
    schema(&made).map_err(OpenError::sqlite(path))
}

fn size(path: &Path) -> Result<u64, OpenError> {
    fs::metadata(path).map(|metadata| metadata.len()).map_err(OpenError::io("look at", path))
}

/// Whether the database was not written to since the mark was. A tool that moves the log into it, and so leaves none, writes to
/// it; and so does one that puts a backup in its place.
fn is_older(database: &Path, lock: &File) -> bool {
    let times = (fs::metadata(database), lock.metadata());
    let (Ok(database), Ok(lock)) = times else { return false };
    database.modified().ok().zip(lock.modified().ok()).is_some_and(|(database, lock)| database <= lock)
}

fn size_or_zero(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}
