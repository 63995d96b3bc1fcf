use std::path::Path;

use rusqlite::Connection;

use crate::OpenError;

/// The migrations, oldest first. The schema's version is how many were applied, kept in `user_version`.
pub(crate) const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_first.sql"),
    include_str!("../migrations/0002_status_in_index.sql"),
    include_str!("../migrations/0003_checksum.sql"),
];

/// Brings the schema to the version that all of `migrations` make, each of them in a transaction of its own.
pub(crate) fn migrate(connection: &Connection, migrations: &[&str], path: &Path) -> Result<(), OpenError> {
    let applied = version(connection).map_err(OpenError::sqlite(path))?;
    for (version, text) in (1..).zip(migrations).skip_while(|(version, _)| *version <= applied) {
        let apply = || {
            let transaction = connection.unchecked_transaction()?;
            transaction.execute_batch(text)?;
            transaction.pragma_update(None, "user_version", version)?;
            transaction.commit()
        };
        apply().map_err(OpenError::migration(path, version))?;
    }
    Ok(())
}

/// How many migrations were applied.
pub(crate) fn version(connection: &Connection) -> rusqlite::Result<u32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// What the schema consists of, in an order and with spacing that do not depend on how it came about. SQLite's own
/// tables (of statistics) are no part of it.
pub(crate) fn schema(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection
        .prepare("SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")?;
    let rows = statement.query_map([], |row| {
        let (kind, name): (String, String) = (row.get(0)?, row.get(1)?);
        let sql: Option<String> = row.get(2)?;
        let words: Vec<&str> = sql.as_deref().unwrap_or_default().split_whitespace().collect();
        Ok(format!("{kind} {name}: {}", words.join(" ")))
    })?;
    let mut schema = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    schema.sort();
    Ok(schema)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATER: &str =
        "ALTER TABLE organizations ADD COLUMN note TEXT; CREATE TABLE notes (id INTEGER PRIMARY KEY);";

    fn at_first_version() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        migrate(&connection, &MIGRATIONS[..1], Path::new("test")).unwrap();
        connection
    }

    #[test]
    fn a_later_migration_brings_an_older_schema_to_the_newest() {
        let upgraded = at_first_version();
        upgraded.execute("INSERT INTO organizations VALUES (1, zeroblob(16), 'n', 0, 0, 1)", []).unwrap();
        let both = [MIGRATIONS[0], LATER];
        migrate(&upgraded, &both, Path::new("test")).unwrap();

        let fresh = Connection::open_in_memory().unwrap();
        migrate(&fresh, &both, Path::new("test")).unwrap();
        assert_eq!(version(&upgraded).unwrap(), 2);
        assert_eq!(schema(&upgraded).unwrap(), schema(&fresh).unwrap());
        let kept: String =
            upgraded.query_row("SELECT name FROM organizations", [], |row| row.get(0)).unwrap();
        assert_eq!(kept, "n");
    }

    #[test]
    fn a_migration_that_fails_leaves_the_version_before_it() {
        let connection = at_first_version();
        let before = schema(&connection).unwrap();
        let broken = format!("{LATER} CREATE TABLE notes (id INTEGER PRIMARY KEY);");
        let error = migrate(&connection, &[MIGRATIONS[0], &broken], Path::new("test")).unwrap_err();
        assert!(matches!(error, OpenError::Migration { version: 2, .. }), "{error:?}");
        assert_eq!(version(&connection).unwrap(), 1);
        assert_eq!(schema(&connection).unwrap(), before);
    }

    #[test]
    fn migrating_twice_changes_nothing() {
        let connection = at_first_version();
        migrate(&connection, &MIGRATIONS[..1], Path::new("test")).unwrap();
        assert_eq!(version(&connection).unwrap(), 1);
    }
}
