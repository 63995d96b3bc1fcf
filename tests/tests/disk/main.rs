//! A disk that is full, files that are moved, locked, written over or not to be written to: a loud 503 or a refusal to start;
//! never an empty database in the place of a full one, never a second root key, never a false admission, no hang.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a promise has a time, and figures are told"
)]

mod audit;
mod damaged;
mod full;
mod locked;
mod moved;

use qwetty_tests::{Client, Fault, FaultyDisk, Launch, NewKey, Server, demanded, eventually};
use serde_json::json;

/// A server whose disk fails when the test says so; `None` where there can be none.
async fn on_a_faulty_disk() -> Option<(Server, FaultyDisk)> {
    let launch = Launch::serve();
    let disk = FaultyDisk::new(&launch.database());
    if !demanded("a C compiler, on Linux", disk.is_some()) {
        return None;
    }
    let disk = disk?;
    let database = launch.database();
    let server = disk.launch(launch).with(["--database", database.to_str().unwrap()]).start().await;
    Some((server, disk))
}

/// Two keys, both in the server's memory.
async fn keys_in_use(server: &Server) -> [NewKey; 2] {
    let mut root = server.root();
    let keys = [root.create(json!({})).await, root.create(json!({})).await];
    for key in &keys {
        assert_eq!(root.code(&key.value).await, "valid");
    }
    keys
}

/// Every change is refused with 503, and has not happened; decisions go on.
async fn nothing_changes(root: &mut Client, key: &NewKey) {
    let create = json!({"name": "Lost", "permissions": ["chats:read"]});
    root.post("/api/v1/api-keys", create).await.problem(503, "unavailable");
    root.act(&key.path("/revoke")).await.problem(503, "unavailable");
    root.act(&key.path("/regenerate")).await.problem(503, "unavailable");
    root.patch(&key.path(""), json!({"name": "Other"})).await.problem(503, "unavailable");
    root.delete(&key.path("")).await.problem(503, "unavailable");
    assert_eq!(root.code(&key.value).await, "valid", "a change that was refused has not happened");
}

/// Changes are possible again, without a restart, and last.
async fn everything_works(server: Server, keys: [NewKey; 2]) {
    let mut root = server.root();
    let [revoked, renewed] = keys;
    root.act(&revoked.path("/revoke")).await.expect(200);
    assert_eq!(root.code(&revoked.value).await, "revoked");
    let new = NewKey::from(root.act(&renewed.path("/regenerate")).await.expect(200));
    let server = server.crash().await;
    let mut root = server.root();
    assert_eq!(root.code(&revoked.value).await, "revoked");
    assert_eq!(root.code(&renewed.value).await, "not_found");
    assert_eq!(root.code(&new.value).await, "valid");
    let listed = root.get("/api/v1/api-keys?limit=100").await.expect(200).data();
    assert_eq!(listed.as_array().unwrap().len(), 3, "no key whose making was refused: {listed}");
}

#[tokio::test]
async fn a_disk_that_fails_for_a_while_fails_changes_alone() {
    for fault in [Fault::Broken, Fault::Full, Fault::ReadOnly] {
        let Some((server, disk)) = on_a_faulty_disk().await else { return };
        let keys = keys_in_use(&server).await;
        let mut root = server.root();
        disk.fails(FaultyDisk::WRITE | FaultyDisk::SYNC | FaultyDisk::TRUNCATE, 1..u64::MAX, fault);
        nothing_changes(&mut root, &keys[0]).await;
        disk.works(FaultyDisk::ALL);
        everything_works(server, keys).await;
    }
}

#[tokio::test]
async fn what_fails_only_to_reach_the_disk_is_taken_back_for_good() {
    let Some((server, disk)) = on_a_faulty_disk().await else { return };
    let mut root = server.root();
    let key = root.create(json!({})).await;
    root.act(&key.path("/revoke")).await.expect(200);
    // The change is written to the log, and then the disk does not confirm it.
    disk.fails(FaultyDisk::SYNC, 1..u64::MAX, Fault::Broken);
    root.act(&key.path("/reactivate")).await.problem(503, "unavailable");
    // It is revoked as it is, and yet this cannot be promised.
    root.act(&key.path("/revoke")).await.problem(503, "unavailable");
    disk.works(FaultyDisk::ALL);
    root.act(&key.path("/revoke")).await.expect(200);
    let server = server.crash().await;
    assert_eq!(server.root().code(&key.value).await, "revoked");
}

#[tokio::test]
async fn what_no_failed_change_was_about_is_read_on() {
    let Some((server, disk)) = on_a_faulty_disk().await else { return };
    let [one, other] = keys_in_use(&server).await;
    let mut root = server.root();
    disk.fails(FaultyDisk::WRITE | FaultyDisk::SYNC, 1..u64::MAX, Fault::Full);
    assert_eq!(root.code(&one.value).await, "valid");
    // What was counted cannot be written, and the balancer is told.
    eventually("not ready", async || (server.anyone().get("/readyz").await.status == 503).then_some(()))
        .await;
    server.anyone().get("/healthz").await.expect(200);
    let usage = format!("/api/v1/api-keys/{}/usage", one.id);
    for call in [&one.path(""), &other.path(""), &usage, "/api/v1/me", "/api/v1/api-keys"] {
        root.get(call).await.expect(200);
    }
    root.act(&one.path("/reactivate")).await.expect(200);
    // A change that failed may come back with a crash, or not: its key alone is in doubt.
    root.act(&one.path("/revoke")).await.problem(503, "unavailable");
    root.get(&one.path("")).await.problem(503, "unavailable");
    root.act(&one.path("/reactivate")).await.problem(503, "unavailable");
    for call in [&other.path(""), "/api/v1/me", "/api/v1/api-keys"] {
        root.get(call).await.expect(200);
    }
    server.anyone().get("/readyz").await.problem(503, "unavailable");
    disk.works(FaultyDisk::ALL);
    server.anyone().get("/readyz").await.expect(200);
    assert_eq!(root.key(&one.id).await["status"], "active");
    everything_works(server, [one, other]).await;
}

#[tokio::test]
async fn a_file_that_may_not_be_written_to_is_no_start() {
    let Some((server, disk)) = on_a_faulty_disk().await else { return };
    let launch = server.launch().clone();
    server.kill().await;
    for (fault, system) in [
        (Fault::ReadOnly, "Read-only file system"),
        (Fault::Full, "No space left on device"),
        (Fault::Broken, "Input/output error"),
    ] {
        disk.fails(FaultyDisk::CHANGES - FaultyDisk::OPEN, 1..u64::MAX, fault);
        is_no_start(&launch, system).await;
    }
    disk.works(FaultyDisk::ALL);
    launch.start().await;
}

#[tokio::test]
async fn a_first_start_that_cannot_write_says_why() {
    for (operations, fault, system) in [
        (FaultyDisk::WRITE, Fault::Full, "No space left on device"),
        (FaultyDisk::CHANGES, Fault::ReadOnly, "Read-only file system"),
    ] {
        let launch = Launch::serve();
        let disk = FaultyDisk::new(&launch.database());
        if !demanded("a C compiler, on Linux", disk.is_some()) {
            return;
        }
        let disk = disk.unwrap();
        let database = launch.database();
        let launch = disk.launch(launch).with(["--database", database.to_str().unwrap()]);
        disk.fails(operations, 1..u64::MAX, fault);
        is_no_start(&launch, system).await;
        disk.works(FaultyDisk::ALL);
        launch.start().await;
    }
}

/// The start is refused, with the file and what the system says.
async fn is_no_start(launch: &Launch, system: &str) {
    let ended = launch.run().await;
    assert!(ended.code.is_some_and(|code| code != 0) && ended.printed == [""; 0], "{ended:?}");
    assert!(ended.log.contains("qwetty.db") && ended.log.contains(system), "{system}: {ended:?}");
}
