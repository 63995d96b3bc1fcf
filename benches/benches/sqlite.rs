//! The SQLite store: the look-up that a decision waits for when its key is not in memory, how fast keys are made, and how long a
//! processor takes to write down how keys were used.

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
use qwetty_benches::{Records, busy, criterion};
use qwetty_keys::{KeyDigest, KeyId, OrganizationId, Timestamp};
use qwetty_ratelimit::{LimiterCell, Moment, Quota, WindowSnapshot};
use qwetty_storage::{
    Action, AuditEvent, DirectoryStore, Hour, HourlyCounts, Insertion, KeyRecord, KeyStore, Organization,
    Outcome, OutcomeCounts, SavedWindow, UsageBatch, UsageRow, UsageStore,
};
use qwetty_storage_sqlite::{Options, SqliteStore};
use rusqlite::{Connection, OptionalExtension, ToSql};
use rustix::time::ClockId;
use tokio::runtime::{Builder, Runtime};

const KEYS: usize = 10_000;
/// Keys that are used in a second.
const USED: usize = 1_000;
/// Keys in a batch, as the engine sends them.
const BATCH: usize = 500;
/// Keys are looked up in an order in which neighbours are far from each other; it has no factor in common with [`KEYS`].
const STRIDE: usize = 3_347;

fn main() {
    // Beside the build, which is on a disk more surely than the system's directory for temporary files.
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut records = Records::seeded(1);
    let organization = records.organization();
    let store = new_store(&runtime, &directory.path().join("keys.db"), &mut records, &organization);
    let digests = fill(&runtime, &store, &mut records, organization.id);

    let mut criterion = criterion();
    look_ups(&mut criterion, &runtime, &store, &digests, &mut records, directory.path());
    insertions(&mut criterion, &runtime, &store, &mut records, organization.id, directory.path());
    let store_of_used = new_store(&runtime, &directory.path().join("used.db"), &mut records, &organization);
    usage(&mut criterion, &runtime, &store_of_used, &mut records, organization.id, directory.path());
    criterion.final_summary();
    runtime.block_on(join_all([store.close(), store_of_used.close()]));
}

fn new_store(
    runtime: &Runtime,
    file: &Path,
    records: &mut Records,
    organization: &Organization,
) -> SqliteStore {
    let store = SqliteStore::open(file, Options::default()).unwrap();
    let founded = records.event(Action::OrganizationCreated, organization.id, None);
    runtime.block_on(store.insert_organization(organization, &founded)).unwrap();
    store
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
    bare(
        &directory.join("bare.db"),
        "CREATE TABLE bare (digest BLOB PRIMARY KEY, body BLOB) WITHOUT ROWID",
        "INSERT INTO bare VALUES (?, zeroblob(300))",
        digests.iter().map(KeyDigest::as_bytes),
    )
}

/// A file with one table, into which a row for each of these keys was inserted.
fn bare(file: &Path, table: &str, insert: &str, keys: impl IntoIterator<Item = impl ToSql>) -> Connection {
    let mut connection = Connection::open(file).unwrap();
    connection.pragma_update(None, "journal_mode", "wal").unwrap();
    connection.execute_batch(table).unwrap();
    let transaction = connection.transaction().unwrap();
    for key in keys {
        transaction.execute(insert, [key]).unwrap();
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

/// Each line is the time that the process has on a processor: most of a flush waits for the disk, and nobody waits for a flush.
fn usage(
    criterion: &mut Criterion,
    runtime: &Runtime,
    store: &SqliteStore,
    records: &mut Records,
    organization: OrganizationId,
    directory: &Path,
) {
    let mut group = criterion.benchmark_group("sqlite/usage");
    group
        .sample_size(60)
        .measurement_time(Duration::from_secs(3))
        .throughput(Throughput::Elements(USED as u64));
    let mut bare = bare_counts(directory);
    group.bench_function("bare_updates", |b| {
        b.iter_custom(|times| {
            processor_time(times, || {
                let transaction = bare.transaction().unwrap();
                let mut update =
                    transaction.prepare_cached("UPDATE bare SET count = count + 1 WHERE id = ?").unwrap();
                for id in 0..USED as i64 {
                    assert_eq!(update.execute([id]).unwrap(), 1);
                }
                drop(update);
                transaction.commit().unwrap();
            })
        });
    });
    let mut keys = new_keys(records, organization, USED);
    // As those are that were made one after the other, and as the engine sends what was counted.
    keys.sort_unstable_by_key(|(record, _)| record.id);
    insert(runtime, store, &keys);
    let (start, window) = (records.now(), LimiterCell::new());
    let (mut seconds, mut sequence) = (0, 0);
    group.bench_function("flush", |b| {
        b.iter_custom(|times| {
            processor_time(times, || {
                seconds += 1;
                let at = start.saturating_add(Duration::from_secs(seconds));
                let saved = snapshot_after_use(&window, seconds);
                for keys in keys.chunks(BATCH) {
                    sequence += 1;
                    let rows = keys.iter().map(|(record, _)| used_row(record.id, at, &saved)).collect();
                    let batch = UsageBatch { writer: 1, sequence, at, rows };
                    runtime.block_on(store.record_usage(&batch)).unwrap();
                }
            })
        });
    });
    group.finish();
}

/// A file of as many rows, each with a count.
fn bare_counts(directory: &Path) -> Connection {
    bare(
        &directory.join("counts.db"),
        "CREATE TABLE bare (id INTEGER PRIMARY KEY, count INTEGER NOT NULL)",
        "INSERT INTO bare VALUES (?, 0)",
        0..USED as i64,
    )
}

/// What a second of use leaves of a key, whose window is this one.
fn used_row(key: KeyId, at: Timestamp, window: &WindowSnapshot) -> UsageRow {
    let mut counts = OutcomeCounts::default();
    counts.add(Outcome::Admitted, 3);
    UsageRow {
        key,
        hours: vec![HourlyCounts { hour: Hour::of(at), counts }],
        last_used_at: Some(at),
        previous_value_last_used_at: None,
        window: Some(SavedWindow { saved_at: at, snapshot: window.clone() }),
    }
}

/// The window of a key that was used three times in this second, and in those before.
fn snapshot_after_use(window: &LimiterCell, second: u64) -> WindowSnapshot {
    let quota: Quota = "1000/3600".parse().unwrap();
    let now = Moment::from_nanos(second * 1_000_000_000);
    for _ in 0..3 {
        let _ = window.take(quota, 1, now);
    }
    window.snapshot(now).unwrap()
}

/// How long the threads of this process ran on a processor while this was done so often.
fn processor_time(times: u64, mut work: impl FnMut()) -> Duration {
    let start = busy(ClockId::ProcessCPUTime);
    (0..times).for_each(|_| work());
    busy(ClockId::ProcessCPUTime) - start
}
