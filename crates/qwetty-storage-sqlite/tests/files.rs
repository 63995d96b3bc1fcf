//! Which files are opened, and which are refused and left as they are.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

use qwetty_storage::{Setup, SetupStore, StoreError};
use qwetty_storage_conformance::durability;
use qwetty_storage_sqlite::{OpenError, Options, SqliteStore};
use rusqlite::Connection;
use tempfile::TempDir;

fn directory() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.db");
    (directory, path)
}

fn open(path: &Path) -> Result<SqliteStore, OpenError> {
    SqliteStore::open(path, Options::default())
}

/// A closed database with something of everything in it.
async fn filled(path: &Path) -> durability::Before {
    let store = open(path).unwrap();
    let before = durability::fill(&store).await;
    store.close().await;
    before
}

/// Changes a closed database with other means than the store.
fn tamper(path: &Path, sql: &str) {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch(sql).unwrap();
    connection.close().unwrap();
}

/// Opening it fails, and what fails leaves the file as it is.
fn refused(path: &Path) -> OpenError {
    let before = fs::read(path).unwrap();
    let error = open(path).unwrap_err();
    assert_eq!(fs::read(path).unwrap(), before, "{error}");
    error
}

#[tokio::test]
async fn a_file_is_opened_by_one_store_at_a_time() {
    let (_directory, path) = directory();
    let store = open(&path).unwrap();
    let error = open(&path).unwrap_err();
    assert!(matches!(&error, OpenError::InUse { path, .. } if path.ends_with("keys.db")), "{error}");
    assert_eq!(store.setup().await.unwrap(), Setup::Empty);
    store.close().await;
    let store = open(&path).unwrap();
    drop(store);
    open(&path).unwrap();
}

#[cfg(unix)]
#[test]
fn another_name_of_the_same_file_is_in_use_too() {
    let (directory, path) = directory();
    let _store = open(&path).unwrap();
    let link = directory.path().join("link.db");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    assert!(matches!(open(&link).unwrap_err(), OpenError::InUse { .. }));
    let hard = directory.path().join("hard.db");
    fs::hard_link(&path, &hard).unwrap();
    assert!(matches!(open(&hard).unwrap_err(), OpenError::Unsuitable { .. }));
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_in_use_is_so_without_its_lock_file_and_under_another_name() {
    let (directory, path) = directory();
    let _store = open(&path).unwrap();
    fs::remove_file(directory.path().join("keys.db.lock")).unwrap();
    assert!(matches!(open(&path).unwrap_err(), OpenError::InUse { .. }));
    let moved = directory.path().join("moved.db");
    fs::rename(&path, &moved).unwrap();
    assert!(matches!(open(&moved).unwrap_err(), OpenError::InUse { .. }));
}

#[tokio::test]
async fn a_closed_store_says_so_and_leaves_one_whole_file() {
    let (_directory, path) = directory();
    let store = open(&path).unwrap();
    durability::fill(&store).await;
    store.close().await;
    store.close().await;
    assert!(matches!(store.setup().await, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.root_announced().await, Err(StoreError::Unavailable(_))));
    assert!(!path.with_extension("db-wal").exists(), "everything is in the file itself");
}

#[cfg(unix)]
#[test]
fn a_new_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (directory, path) = directory();
    let _store = open(&path).unwrap();
    for entry in fs::read_dir(directory.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", entry.path().display());
    }
}

#[tokio::test]
async fn what_a_killed_creation_left_is_made_anew() {
    let (directory, path) = directory();
    let half_built = directory.path().join("keys.db.new");
    fs::write(&half_built, "half").unwrap();
    fs::write(directory.path().join("keys.db.new-journal"), "half").unwrap();
    let store = open(&path).unwrap();
    assert_eq!(store.setup().await.unwrap(), Setup::Empty);
    assert!(!half_built.exists());
    assert!(!directory.path().join("keys.db.new-journal").exists());
}

#[tokio::test]
async fn what_was_not_closed_is_all_there() {
    let (directory, path) = directory();
    let store = open(&path).unwrap();
    let before = durability::fill(&store).await;
    // As a killed process leaves it: the file and its log, as they are at this moment.
    let copy = directory.path().join("copy.db");
    fs::copy(&path, &copy).unwrap();
    fs::copy(directory.path().join("keys.db-wal"), directory.path().join("copy.db-wal")).unwrap();
    let reopened = open(&copy).unwrap();
    durability::everything_is_there(&reopened, &before).await;
}

#[tokio::test]
async fn a_file_without_its_log_is_opened() {
    let (_directory, path) = directory();
    let before = filled(&path).await;
    assert!(!path.with_extension("db-wal").exists());
    durability::everything_is_there(&open(&path).unwrap(), &before).await;
}

#[test]
fn a_log_without_its_file_is_a_lost_database() {
    for suffix in ["db-wal", "db-shm"] {
        let (_directory, path) = directory();
        let left_over = path.with_extension(suffix);
        fs::write(&left_over, "log").unwrap();
        let error = open(&path).unwrap_err();
        assert!(matches!(error, OpenError::Lost { .. }), "{error}");
        assert!(!path.exists());
        assert_eq!(fs::read(&left_over).unwrap(), b"log");
    }
}

#[test]
fn an_empty_file_is_refused() {
    let (_directory, path) = directory();
    fs::write(&path, "").unwrap();
    assert!(matches!(refused(&path), OpenError::Damaged { .. }));
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let (_directory, path) = directory();
    for content in [&b"x"[..], b"not a database", &[0; 5000], &[0xff; 5000]] {
        fs::write(&path, content).unwrap();
        let error = refused(&path);
        assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
    }
}

#[test]
fn a_path_that_is_no_file_is_refused() {
    let (directory, path) = directory();
    assert!(matches!(open(directory.path()).unwrap_err(), OpenError::Unsuitable { .. }));
    assert!(matches!(open(&path.join("under/it.db")).unwrap_err(), OpenError::Io { .. }));
    assert!(matches!(open(Path::new("")).unwrap_err(), OpenError::Unsuitable { .. }));
}

#[test]
fn a_database_of_another_program_is_refused() {
    let (_directory, path) = directory();
    tamper(&path, "CREATE TABLE notes (id INTEGER PRIMARY KEY)");
    assert!(matches!(refused(&path), OpenError::Foreign { .. }));
    tamper(&path, "PRAGMA application_id = 77; PRAGMA user_version = 1");
    assert!(matches!(refused(&path), OpenError::Foreign { .. }));
}

#[tokio::test]
async fn a_newer_database_is_refused() {
    let (_directory, path) = directory();
    filled(&path).await;
    tamper(&path, "PRAGMA user_version = 4");
    let error = refused(&path);
    assert!(matches!(error, OpenError::Newer { found: 4, known: 3, .. }), "{error}");
}

#[tokio::test]
async fn a_database_of_the_first_version_is_brought_to_the_newest() {
    let (_directory, path) = directory();
    let before = filled(&path).await;
    tamper(
        &path,
        "DROP INDEX keys_by_created_at;
         CREATE INDEX keys_by_created_at ON keys (organization, created_at, id);
         ALTER TABLE keys DROP COLUMN checksum;
         PRAGMA user_version = 1",
    );
    let store = open(&path).unwrap();
    durability::everything_is_there(&store, &before).await;
    store.close().await;
    let connection = Connection::open(&path).unwrap();
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 3);
}

#[tokio::test]
async fn a_database_without_a_version_is_refused() {
    for version in ["0", "-1"] {
        let (_directory, path) = directory();
        filled(&path).await;
        tamper(&path, &format!("PRAGMA user_version = {version}"));
        assert!(matches!(refused(&path), OpenError::Damaged { .. }));
    }
}

#[tokio::test]
async fn a_database_with_other_tables_is_refused() {
    for change in [
        "DROP INDEX keys_by_name",
        "CREATE TABLE extra (id INTEGER PRIMARY KEY)",
        "ALTER TABLE keys ADD COLUMN extra TEXT",
        "CREATE TRIGGER extra AFTER UPDATE ON keys BEGIN DELETE FROM events; END",
    ] {
        let (_directory, path) = directory();
        filled(&path).await;
        tamper(&path, change);
        let error = refused(&path);
        assert!(matches!(error, OpenError::Damaged { .. }), "{change}: {error}");
    }
}

#[tokio::test]
async fn statistics_and_compaction_do_no_harm() {
    let (_directory, path) = directory();
    let before = filled(&path).await;
    tamper(&path, "ANALYZE; VACUUM;");
    durability::everything_is_there(&open(&path).unwrap(), &before).await;
}

#[tokio::test]
async fn a_file_that_is_cut_off_is_refused() {
    let (_directory, path) = directory();
    filled(&path).await;
    let whole = fs::read(&path).unwrap();
    let cuts = (1..whole.len()).step_by(3001).chain([16, 99, 100, 512, 4096, whole.len() - 1]);
    for length in cuts {
        fs::write(&path, &whole[..length]).unwrap();
        let error = refused(&path);
        let told = matches!(error, OpenError::Damaged { .. } | OpenError::Foreign { .. });
        assert!(told, "{length} of {}: {error}", whole.len());
    }
}

#[tokio::test]
async fn a_file_with_overwritten_pages_is_refused() {
    let (_directory, path) = directory();
    filled(&path).await;
    let whole = fs::read(&path).unwrap();
    for page in 1..whole.len() / 4096 {
        let mut damaged = whole.clone();
        damaged[page * 4096..][..512].fill(0xa5);
        fs::write(&path, &damaged).unwrap();
        let error = refused(&path);
        assert!(matches!(error, OpenError::Damaged { .. }), "page {page}: {error}");
    }
}

#[tokio::test]
async fn a_row_that_refers_to_nothing_is_refused() {
    let (_directory, path) = directory();
    filled(&path).await;
    tamper(&path, "PRAGMA foreign_keys = OFF; DELETE FROM organizations");
    assert!(matches!(refused(&path), OpenError::Damaged { .. }));
}

#[tokio::test]
async fn a_log_with_a_flipped_bit_is_refused() {
    let (directory, path) = directory();
    let store = open(&path).unwrap();
    durability::fill(&store).await;
    let (copy, log) = (directory.path().join("copy.db"), directory.path().join("copy.db-wal"));
    let (file, whole) = (fs::read(&path).unwrap(), fs::read(directory.path().join("keys.db-wal")).unwrap());
    for at in [0, 8, 20, 30, 40, 100, 5000, whole.len() / 2] {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        fs::write(&copy, &file).unwrap();
        fs::write(&log, &damaged).unwrap();
        let error = refused(&copy);
        assert!(matches!(error, OpenError::Damaged { .. }), "{at}: {error}");
        assert_eq!(fs::read(&log).unwrap(), damaged, "it is left for whoever can mend it");
    }
}

#[tokio::test]
async fn a_file_that_went_away_takes_no_change_and_comes_back() {
    for name in ["keys.db", "keys.db-wal"] {
        let (directory, path) = directory();
        let store = open(&path).unwrap();
        store.root_announced().await.unwrap();
        let (here, there) = (directory.path().join(name), directory.path().join("moved"));
        fs::rename(&here, &there).unwrap();
        for _ in 0..2 {
            assert!(matches!(store.root_announced().await, Err(StoreError::Unavailable(_))), "{name}");
            assert!(matches!(store.setup().await, Err(StoreError::Unavailable(_))), "{name}");
            fs::write(&here, "another file").unwrap();
        }
        fs::rename(&there, &here).unwrap();
        store.root_announced().await.unwrap();
        assert_eq!(store.setup().await.unwrap(), Setup::Empty);
    }
}

#[tokio::test]
async fn a_log_that_lost_its_end_is_refused_by_the_mark_beside_it() {
    let (directory, path) = directory();
    let store = open(&path).unwrap();
    let before = durability::fill(&store).await;
    let copy = directory.path().join("copy.db");
    let put = |log: &[u8]| {
        fs::copy(&path, &copy).unwrap();
        fs::copy(directory.path().join("keys.db.lock"), directory.path().join("copy.db.lock")).unwrap();
        fs::write(directory.path().join("copy.db-wal"), log).unwrap();
    };
    let whole = fs::read(directory.path().join("keys.db-wal")).unwrap();
    for length in [20, 32, whole.len() / 2, whole.len() - 1] {
        put(&whole[..length]);
        let error = refused(&copy);
        assert!(matches!(error, OpenError::Damaged { .. }), "{length}: {error}");
    }
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    put(&flipped);
    assert!(matches!(refused(&copy), OpenError::Damaged { .. }));
    put(&whole);
    let reopened = open(&copy).unwrap();
    durability::everything_is_there(&reopened, &before).await;
    // Whoever looks into a file that a crash left, with a tool, moves its log into it.
    reopened.close().await;
    put(&whole);
    tamper(&copy, "SELECT 1; PRAGMA wal_checkpoint(TRUNCATE)");
    durability::everything_is_there(&open(&copy).unwrap(), &before).await;
}

#[tokio::test]
async fn a_log_that_is_gone_is_missed() {
    let (directory, path) = directory();
    let log = directory.path().join("keys.db-wal");
    let store = open(&path).unwrap();
    durability::fill(&store).await;
    // As a crash leaves it.
    let copy = directory.path().join("copy.db");
    let put = || {
        for (from, to) in [("keys.db", "copy.db"), ("keys.db.lock", "copy.db.lock")] {
            fs::copy(directory.path().join(from), directory.path().join(to)).unwrap();
        }
    };
    put();
    for empty in [false, true] {
        if empty {
            fs::write(directory.path().join("copy.db-wal"), b"").unwrap();
        }
        let error = refused(&copy);
        assert!(error.to_string().contains("copy.db.lock"), "{error}");
    }
    // Once it is closed, everything is in the file.
    store.close().await;
    assert_eq!(fs::metadata(&log).map_or(0, |log| log.len()), 0);
    put();
    open(&copy).unwrap();
    open(&path).unwrap();
}

#[tokio::test]
async fn that_the_root_key_was_told_is_in_the_file_itself() {
    let (directory, path) = directory();
    let store = open(&path).unwrap();
    durability::fill(&store).await;
    assert_eq!(store.setup().await.unwrap(), Setup::Complete);
    let copy = directory.path().join("copy.db");
    fs::copy(&path, &copy).unwrap();
    assert_eq!(open(&copy).unwrap().setup().await.unwrap(), Setup::Complete);
}
