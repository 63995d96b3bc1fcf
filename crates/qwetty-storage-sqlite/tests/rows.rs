//! What stands in the file: how much of it, and what becomes of a row that is damaged while the store is open.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use futures_util::future::join_all;
use qwetty_storage::{
    Action, AuditStore, DirectoryStore, EventQuery, Insertion, KeyRecord, KeyStore, Page, StoreError,
    UsageStore,
};
use qwetty_storage_conformance::fixtures::{Fixtures, permissions, text, usage_row};
use qwetty_storage_sqlite::{Options, SqliteStore};
use rusqlite::Connection;

/// A store with one key that has a saved window, and a connection past it.
async fn with_one_key() -> (SqliteStore, Connection, KeyRecord, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.db");
    let store = SqliteStore::open(&path, Options::default()).unwrap();
    let mut make = Fixtures::default();
    let organization = make.organization();
    let event = make.event(Action::OrganizationCreated, organization.id);
    store.insert_organization(&organization, &event).await.unwrap();
    let record = make.key(organization.id);
    let event = make.key_event(Action::KeyCreated, &record);
    assert_eq!(store.insert(&record, &event).await.unwrap(), Insertion::Done);
    let mut row = usage_row(record.id);
    row.window = Some(make.window());
    store.record_usage(&make.batch(vec![row])).await.unwrap();
    let past_it = Connection::open(&path).unwrap();
    past_it.execute_batch("PRAGMA ignore_check_constraints = ON").unwrap();
    (store, past_it, record, directory)
}

#[tokio::test]
async fn a_damaged_key_is_damaged_however_it_is_read() {
    for damage in [
        "permissions = ''",
        "permissions = 'chats:read '",
        "channels = ''",
        "channels = '* '",
        "networks = ''",
        "networks = '10.0.0.1/8'",
        "name = ''",
        "tier = 'gold'",
        "start = ''",
        "revision = -1",
        "previous_digest = zeroblob(32)",
        "revocation_reason = 'none'",
        "created_by = zeroblob(3)",
    ] {
        let (store, past_it, record, _directory) = with_one_key().await;
        past_it.execute_batch(&format!("UPDATE keys SET {damage}")).unwrap();
        for read in [
            store.find(&record.lifecycle.current().digest).await.map(|_| ()),
            store.get(record.id).await.map(|_| ()),
        ] {
            let Err(StoreError::Damaged { what, fault }) = read else { panic!("{damage}: {read:?}") };
            assert_eq!(what, "key", "{damage}: {fault}");
        }
    }
}

#[tokio::test]
async fn a_damaged_window_does_not_pass_for_an_empty_one() {
    let (store, past_it, record, _directory) = with_one_key().await;
    past_it.execute_batch("UPDATE windows SET snapshot = x'00'").unwrap();
    let found = store.find(&record.lifecycle.current().digest).await;
    assert!(matches!(found, Err(StoreError::Damaged { .. })), "{found:?}");
}

#[tokio::test]
async fn a_damaged_event_is_not_left_out_of_its_log() {
    for damage in ["action = 'key.stolen'", "changes = '{'", "address = '1.2.3'", "actor_name = 'x'"] {
        let (store, past_it, record, _directory) = with_one_key().await;
        past_it.execute_batch(&format!("UPDATE events SET {damage}")).unwrap();
        let page = Page { offset: 0, limit: 10 };
        let query = EventQuery { organization: record.organization, key: None, action: None, page };
        let read = store.events(&query).await;
        assert!(matches!(read, Err(StoreError::Damaged { .. })), "{damage}: {read:?}");
    }
}

#[tokio::test]
async fn a_plain_key_takes_less_than_five_hundred_bytes() {
    const KEYS: u64 = 4000;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.db");
    let store = SqliteStore::open(&path, Options::default()).unwrap();
    let mut make = Fixtures::default();
    let organization = make.organization();
    let event = make.event(Action::OrganizationCreated, organization.id);
    store.insert_organization(&organization, &event).await.unwrap();
    let mut keys = Vec::new();
    for number in 0..KEYS {
        let mut record = make.key(organization.id);
        record.name = text(&format!("CRM Integration {number}"));
        record.access.permissions = permissions(&["chats:read", "messages:send"]);
        record.created_by = Some(make.key_id());
        let event = make.key_event(Action::KeyCreated, &record);
        keys.push((record, event));
    }
    for some in keys.chunks(500) {
        for answer in join_all(some.iter().map(|(record, event)| store.insert(record, event))).await {
            assert_eq!(answer.unwrap(), Insertion::Done);
        }
    }
    // The log of what was done to the keys is kept as long as its retention says, and no part of the keys.
    let end = text("2100-01-01T00:00:00Z");
    assert_eq!(store.forget_events(end).await.unwrap(), KEYS + 1);
    store.close().await;
    let file = Connection::open(&path).unwrap();
    let number = |pragma| -> u64 {
        file.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0)).unwrap().unsigned_abs()
    };
    let used = (number("page_count") - number("freelist_count")) * number("page_size");
    assert!(used / KEYS <= 500, "{} bytes a key", used / KEYS);
}
