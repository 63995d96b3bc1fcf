use std::time::{Duration, Instant};

use qwetty_tests::Server;
use rusqlite::Connection;

use crate::{everything_works, keys_in_use};

/// For how many seconds another process holds the file: until the first change is refused, unless told.
const SECONDS: &str = "QWETTY_LOCKED_SECONDS";

#[tokio::test]
async fn a_lock_of_another_process_is_waited_for_and_refused_in_time() {
    let server = Server::start().await;
    let keys = keys_in_use(&server).await;
    let other = Connection::open(server.database()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (mut root, begun) = (server.root(), Instant::now());
    let least = std::env::var(SECONDS).map_or(0, |seconds| seconds.parse().unwrap());
    loop {
        let asked = Instant::now();
        root.act(&keys[0].path("/revoke")).await.problem(503, "unavailable");
        // One wait for its own commit, and one for that of whoever was there before.
        assert!(asked.elapsed() < Duration::from_secs(20), "no hang: {:?}", asked.elapsed());
        let asked = Instant::now();
        for key in &keys {
            assert_eq!(root.code(&key.value).await, "valid");
        }
        assert!(asked.elapsed() < Duration::from_secs(4), "decisions do not wait: {:?}", asked.elapsed());
        root.get("/api/v1/api-keys").await.expect(200);
        if begun.elapsed() >= Duration::from_secs(least) {
            break;
        }
    }
    // A change that comes shortly before the lock goes is done.
    let (mut late, path) = (server.root(), keys[0].path("/revoke"));
    let waiting = tokio::spawn(async move { late.act(&path).await });
    other.execute_batch("ROLLBACK").unwrap();
    waiting.await.unwrap().expect(200);
    everything_works(server, keys).await;
}

#[tokio::test]
async fn a_start_while_another_process_has_the_lock_loses_nothing() {
    let server = Server::start().await;
    let keys = keys_in_use(&server).await;
    let launch = server.launch().clone();
    let root = server.root_key().to_owned();
    server.kill().await;
    let other = Connection::open(launch.database()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    // It starts, or says why it does not; it makes nothing anew.
    let mut process = launch.spawn();
    let line = process.line().await;
    assert!(line.is_none_or(|line| line.starts_with("listening on")), "no root key");
    process.kill();
    process.ended().await;
    drop(other);
    let server = launch.start().await;
    assert_eq!(server.client(&root).code(&keys[0].value).await, "valid");
}
