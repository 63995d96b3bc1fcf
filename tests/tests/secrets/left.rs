//! What a run leaves behind: files, metrics, the database.

use qwetty_tests::{Client, Launch};
use rusqlite::Connection;
use rusqlite::types::ValueRef;

use crate::needles::Needles;

/// The columns that hold digests, and nothing else does.
const DIGESTS: [(&str, &str); 2] = [("keys", "digest"), ("keys", "previous_digest")];

pub(crate) async fn assert_metrics_without(secrets: &Needles, launch: &Launch) {
    let log = std::fs::read_to_string(launch.directory().join("log")).unwrap();
    let address = log
        .lines()
        .find(|line| line.contains("serving metrics"))
        .and_then(|line| line.split("address=").nth(1))
        .expect("the log names the address of the metrics");
    let metrics = Client::new(address.trim().parse().unwrap()).get("/metrics").await.expect(200);
    assert!(metrics.text().contains("qwetty_"));
    secrets.assert_absent(&metrics.body, "a metric");
}

/// The database and what belongs to it may hold digests, and no file a value. The settings hold the pepper.
pub(crate) fn assert_files_without(secrets: &Needles, values: &Needles, launch: &Launch) {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(launch.directory()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let bytes = std::fs::read(&path).unwrap();
        match &*name {
            "qwetty.toml" => {}
            "qwetty.db" | "qwetty.db-wal" | "qwetty.db-shm" => values.assert_absent(&bytes, &name),
            "log" => {
                secrets.assert_absent(&bytes, &name);
                let log = String::from_utf8_lossy(&bytes);
                assert!(log.contains("DEBUG") && log.contains("qwetty_server"), "it is talkative");
                for (level, library) in
                    [("DEBUG", "h2"), ("TRACE", "h2"), ("DEBUG", "hyper"), ("TRACE", "hyper")]
                {
                    let said = |line: &str| line.contains(level) && line.contains(&format!(" {library}::"));
                    assert!(!log.lines().any(said), "{library} says at {level} what it read");
                }
            }
            _ => secrets.assert_absent(&bytes, &name),
        }
        names.push(name);
    }
    assert!(
        names.iter().any(|name| name == "log") && names.iter().any(|name| name == "qwetty.db"),
        "{names:?}"
    );
}

/// Asserts that digests are in their two columns and in no other, in the database and in a backup of it.
pub(crate) fn assert_digests_where_they_belong(secrets: &Needles, launch: &Launch) {
    let backup = launch.directory().join("backup.db");
    let database = Connection::open(launch.database()).unwrap();
    database.execute("VACUUM INTO ?1", [backup.to_str().unwrap()]).unwrap();
    for connection in [database, Connection::open(backup).unwrap()] {
        assert_eq!(
            columns_with(secrets, &connection),
            DIGESTS.map(|(table, column)| format!("{table}.{column}"))
        );
    }
}

fn columns_with(secrets: &Needles, connection: &Connection) -> Vec<String> {
    let mut names =
        connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").unwrap();
    let tables: Vec<String> = names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let mut found = Vec::new();
    for table in tables {
        let mut all = connection.prepare(&format!("SELECT * FROM \"{table}\"")).unwrap();
        let columns: Vec<String> = all.column_names().map(str::to_owned).collect();
        let mut rows = all.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for (index, column) in columns.iter().enumerate() {
                let bytes = match row.get_ref(index).unwrap() {
                    ValueRef::Blob(bytes) | ValueRef::Text(bytes) => bytes,
                    ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => continue,
                };
                let name = format!("{table}.{column}");
                if secrets.find(bytes).is_some() && !found.contains(&name) {
                    found.push(name);
                }
            }
        }
    }
    found.sort();
    found
}
