use std::path::Path;

use qwetty_storage::fold;
use rusqlite::config::DbConfig;
use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, OpenFlags};

/// The application id in the header of our files: "qwty".
pub(crate) const APPLICATION_ID: i32 = 0x7177_7479;

/// Room for every statement there is, most of them forms of the key list.
const CACHED_STATEMENTS: usize = 128;

/// SQLite checks the shape of every page that it reads, runs no code that a schema brings along, and waits out a tool
/// that looks into the file.
const EVERYWHERE: &str =
    "PRAGMA busy_timeout = 5000; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;
    PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384;";

/// The one connection that writes. It fails if the file does not exist.
pub(crate) fn open_writer(path: &Path) -> rusqlite::Result<Connection> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // FULL: a commit is on the disk before it is answered. Changes move from the log into the file by 32 MiB of it, since
    // the same pages change again and again.
    connection.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA journal_size_limit = 67108864;
        PRAGMA wal_autocheckpoint = 8192;",
    )?;
    Ok(connection)
}

/// A connection that cannot write.
pub(crate) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.execute_batch("PRAGMA query_only = ON;")?;
    Ok(connection)
}

fn open(path: &Path, access: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.execute_batch(EVERYWHERE)?;
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    // Or some statements would be planned anew for each value that they are asked with, which takes far longer than running them.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    add_functions(&connection)?;
    Ok(connection)
}

/// `fold(text)`, for searches: the product's own case folding, which SQLite's `lower` is not.
fn add_functions(connection: &Connection) -> rusqlite::Result<()> {
    let flags =
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_DIRECTONLY;
    connection.create_scalar_function("fold", 1, flags, |context| {
        Ok(context.get::<Option<String>>(0)?.map(|text| fold(&text)))
    })
}
