#![allow(missing_docs, clippy::unwrap_used)]

use qwetty_storage_conformance::conformance_suite;
use qwetty_storage_sqlite::{Options, SqliteStore};
use tempfile::TempDir;

async fn fresh() -> (SqliteStore, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(directory.path().join("keys.db"), Options::default()).unwrap();
    (store, directory)
}

async fn reopen(store: SqliteStore, directory: &TempDir) -> SqliteStore {
    store.close().await;
    SqliteStore::open(directory.path().join("keys.db"), Options::default()).unwrap()
}

conformance_suite!(fresh, reopen);
