//! The SQLite store: the look-up that a decision waits for when its key is not in memory, and how fast keys are made.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a bench that cannot be set up says so by panicking"
)]

use std::fs::File;
use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput};
use futures_util::future::join_all;
use qwetty_benches::{Records, criterion};
use qwetty_keys::{KeyDigest, OrganizationId};
use qwetty_storage::{Action, AuditEvent, DirectoryStore, Insertion, KeyRecord, KeyStore};
use qwetty_storage_sqlite::{Options, SqliteStore};
use rusqlite::{Connection, OptionalExtension};
use tokio::runtime::{Builder, Runtime};

const KEYS: usize = 10_000;
/// Keys are looked up in an order in which neighbours are far from each other; it has no factor in common with [`KEYS`].
const STRIDE: usize = 3_347;

fn main() {
    // Beside the build, which is on a disk more surely than the system's directory for temporary files.
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut records = Records::seeded(1);
    let organization = records.organization();
    let store = SqliteStore::open(directory.path().join("keys.db"), Options::default()).unwrap();
    let founded = records.event(Action::OrganizationCreated, organization.id, None);
    runtime.block_on(store.insert_organization(&organization, &founded)).unwrap();
    let digests = fill(&runtime, &store, &mut records, organization.id);

    let mut criterion = criterion();
    look_ups(&mut criterion, &runtime, &store, &digests, &mut records, directory.path());
    insertions(&mut criterion, &runtime, &store, &mut records, organization.id, directory.path());
    criterion.final_summary();
    runtime.block_on(store.close());
}

/// Stores [`KEYS`] keys, and gives their digests in the order of the look-ups.
fn fill(
    runtime: &Runtime,
    store: &SqliteStore,
    records: &mut Records,
    organization: OrganizationId,
) -> Vec<KeyDigest> {
    let mut digests = Vec::with_capacity(KEYS);
    while digests.len() < KEYS {
        let keys = new_keys(records, organization, 500.min(KEYS - digests.len()));
        digests.extend(keys.iter().map(|(record, _)| record.lifecycle.current().digest));
        insert(runtime, store, &keys);
    }
    (0..KEYS).filter_map(|turn| digests.get(turn * STRIDE % KEYS).copied()).collect()
}

fn look_ups(
    criterion: &mut Criterion,
    runtime: &Runtime,
    store: &SqliteStore,
    digests: &[KeyDigest],
    records: &mut Records,
    directory: &Path,
) {
    let mut group = criterion.benchmark_group("sqlite/find");
    let bare = bare_table(directory, digests);
    let mut select = bare.prepare("SELECT body FROM bare WHERE digest = ?").unwrap();
    let mut turns = digests.iter().cycle();
    group.bench_function("bare_sqlite", |b| {
        b.iter(|| {
            let digest = turns.next().unwrap();
            let body: Option<Vec<u8>> =
                select.query_row([digest.as_bytes()], |row| row.get(0)).optional().unwrap();
            assert!(body.is_some());
            body
        });
    });
    let mut turns = digests.iter().cycle();
    group.bench_function("stored", |b| {
        b.iter(|| {
            let found = runtime.block_on(store.find(turns.next().unwrap())).unwrap();
            assert!(found.is_some());
            found
        });
    });
    let organization = records.organization().id;
    let strangers: Vec<KeyDigest> =
        (0..1_000).map(|_| records.key(organization).record.lifecycle.current().digest).collect();
    let mut turns = strangers.iter().cycle();
    group.bench_function("not_stored", |b| {
        b.iter(|| {
            let found = runtime.block_on(store.find(turns.next().unwrap())).unwrap();
            assert!(found.is_none());
        });
    });
    group.finish();
}

/// A file of as many rows of about the size of a key, for a look-up by an index and nothing more: on the caller's own thread,
/// from one table, nothing parsed.
fn bare_table(directory: &Path, digests: &[KeyDigest]) -> Connection {
    let mut connection = Connection::open(directory.join("bare.db")).unwrap();
    connection.pragma_update(None, "journal_mode", "wal").unwrap();
    connection.execute_batch("CREATE TABLE bare (digest BLOB PRIMARY KEY, body BLOB) WITHOUT ROWID").unwrap();
    let transaction = connection.transaction().unwrap();
    for digest in digests {
        transaction.execute("INSERT INTO bare VALUES (?, zeroblob(300))", [digest.as_bytes()]).unwrap();
    }
    transaction.commit().unwrap();
    connection
}

fn insertions(
    criterion: &mut Criterion,
    runtime: &Runtime,
    store: &SqliteStore,
    records: &mut Records,
    organization: OrganizationId,
    directory: &Path,
) {
    let mut group = criterion.benchmark_group("sqlite/insert");
    // A sample is one wait for the disk at least.
    group.sample_size(100).measurement_time(Duration::from_secs(3));
    let mut file = File::create(directory.join("bare")).unwrap();
    group.bench_function("bare_append_and_sync", |b| {
        b.iter(|| {
            file.write_all(black_box(&[7; 4096])).unwrap();
            file.sync_data().unwrap();
        });
    });
    for callers in [1, 64] {
        let plural = if callers == 1 { "" } else { "s" };
        group.throughput(Throughput::Elements(callers));
        let callers = usize::try_from(callers).unwrap();
        group.bench_function(format!("{callers}_caller{plural}"), |b| {
            b.iter_batched(
                || new_keys(records, organization, callers),
                |keys| insert(runtime, store, &keys),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

fn new_keys(
    records: &mut Records,
    organization: OrganizationId,
    count: usize,
) -> Vec<(KeyRecord, AuditEvent)> {
    let make = |_| {
        let record = records.key(organization).record;
        let event = records.event(Action::KeyCreated, organization, Some(record.id));
        (record, event)
    };
    (0..count).map(make).collect()
}

/// Stores each key as a caller of its own, and returns when all of them are on the disk.
fn insert(runtime: &Runtime, store: &SqliteStore, keys: &[(KeyRecord, AuditEvent)]) {
    let insertions = keys.iter().map(|(record, event)| store.insert(record, event));
    for inserted in runtime.block_on(join_all(insertions)) {
        assert_eq!(inserted.unwrap(), Insertion::Done);
    }
}
