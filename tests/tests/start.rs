//! What a start needs and makes: one process a file, the root key once, and no file that is not its own. Contract
//! section 6.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::net::TcpListener;
use std::path::Path;

use qwetty_tests::{Launch, Server, assert_key_value, eventually};
use rusqlite::Connection;
use serde_json::{Value, json};

const ME: &str = "/api/v1/me";

#[tokio::test]
async fn the_first_start_makes_an_organization_and_a_root_key_that_may_do_everything() {
    let server = Server::start().await;
    assert_key_value(server.root_key());
    let root = server.root().get(ME).await.expect(200).data();
    assert_eq!((&root["tier"], &root["status"]), (&json!("admin"), &json!("active")));
    for unrestricted in ["expiresAt", "channelScopes", "ipWhitelist", "createdBy"] {
        assert!(root[unrestricted].is_null(), "{unrestricted}");
    }
    let catalogue = server.root().get("/api/v1/permissions").await.expect(200).data();
    let all: Vec<&Value> = catalogue.as_array().unwrap().iter().map(|entry| &entry["name"]).collect();
    assert_eq!(root["permissions"], json!(all));
    let organizations = server.root().get("/api/v1/organizations").await.expect(200).data();
    assert_eq!(
        (&organizations[0]["name"], &organizations[0]["id"]),
        (&json!("Default"), &root["organizationId"])
    );
    assert_eq!(organizations.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_second_process_on_the_file_refuses_and_says_so() {
    let server = Server::start().await;
    for second in [server.launch().clone(), server.launch().root_key()] {
        let ended = second.run().await;
        assert!(ended.code.is_some_and(|code| code != 0), "{ended:?}");
        assert!(ended.log.contains("qwetty.db is in use by another process"), "{}", ended.log);
        assert_eq!(ended.printed, [""; 0]);
    }
    server.root().get(ME).await.expect(200);
    let server = server.crash().await;
    server.root().get(ME).await.expect(200);
}

#[tokio::test]
async fn the_root_key_is_printed_once_ever() {
    let server = Server::start().await;
    let (launch, root) = (server.launch().clone(), server.root_key().to_owned());
    let ended = server.stop().await;
    assert_eq!(ended.root_keys(), [root.as_str()]);
    assert!(ended.printed[1].starts_with("listening on http://127.0.0.1:"), "{ended:?}");
    assert_eq!(ended.printed.len(), 2);
    for _ in 0..2 {
        let server = launch.start().await;
        server.client(&root).get(ME).await.expect(200);
        let ended = server.kill().await;
        assert_eq!(ended.printed.len(), 1, "{ended:?}");
    }
}

#[tokio::test]
async fn a_first_start_that_is_killed_loses_no_root_key() {
    for round in 0..24 {
        let launch = Launch::serve();
        let mut first = launch.spawn();
        match round % 4 {
            0 => {}
            1 => eventually("the file", async || launch.database().exists().then_some(())).await,
            2 => drop(first.line().await),
            _ => {
                for _ in 0..round * 500 {
                    tokio::task::yield_now().await;
                }
            }
        }
        first.kill();
        let killed = first.ended().await;
        let server = launch.start().await;
        let seen = killed.root_keys().into_iter().chain(server.printed_root_key());
        let mut usable = 0;
        for value in seen {
            usable += usize::from(server.client(value).get(ME).await.status == 200);
        }
        assert_eq!(
            usable,
            1,
            "somebody has seen the one root key: {killed:?} {:?}",
            server.printed_root_key()
        );
    }
}

#[tokio::test]
async fn a_first_start_that_cannot_listen_loses_no_root_key() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let launch = Launch::serve();
    let ended = launch.clone().with(["--listen", &address]).run().await;
    assert!(ended.code.is_some_and(|code| code != 0) && ended.log.contains(&address), "{ended:?}");
    let server = launch.start().await;
    server.root().get(ME).await.expect(200);
}

#[tokio::test]
async fn the_root_key_subcommand_issues_another_one() {
    let server = Server::start().await;
    let (launch, first) = (server.launch().clone(), server.root_key().to_owned());
    server.stop().await;
    let ended = launch.root_key().run().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let [second] = ended.root_keys()[..] else { panic!("one root key: {ended:?}") };
    assert_eq!(ended.printed.len(), 1);
    let server = launch.start().await;
    let keys = [&first, second].map(|value| server.client(value));
    let mut objects = Vec::new();
    for mut client in keys {
        objects.push(client.get(ME).await.expect(200).data());
    }
    assert_ne!(objects[0]["id"], objects[1]["id"]);
    for member in ["permissions", "tier", "expiresAt", "organizationId", "createdBy"] {
        assert_eq!(objects[0][member], objects[1][member], "{member}");
    }
    let path = format!("/api/v1/audit-events?keyId={}", objects[1]["id"].as_str().unwrap());
    let events = server.client(second).get(&path).await.expect(200).data();
    assert_eq!((&events[0]["action"], &events[0]["actor"]), (&json!("key.created"), &Value::Null));
    assert_eq!(events.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_root_key_subcommand_makes_no_database() {
    let launch = Launch::serve();
    let ended = launch.root_key().run().await;
    assert!(ended.code.is_some_and(|code| code != 0), "{ended:?}");
    assert!(ended.log.contains("qwetty.db") && ended.root_keys().is_empty(), "{ended:?}");
    assert!(!launch.database().exists());
}

/// A database with a root key and some keys in it, whole and closed.
async fn database() -> Launch {
    let server = Server::start().await;
    let mut root = server.root();
    for _ in 0..20 {
        root.create(json!({"description": "x".repeat(500)})).await;
    }
    let launch = server.launch().clone();
    server.stop().await;
    launch
}

/// Both subcommands refuse the file with a message that has `word` in it, and leave it as it is.
async fn refused(launch: &Launch, what: &str, words: &[&str]) {
    let before = std::fs::read(launch.database()).unwrap();
    for refusing in [launch.clone(), launch.root_key()] {
        let ended = refusing.run().await;
        assert!(ended.code.is_some_and(|code| code != 0), "{what}: {ended:?}");
        assert_eq!(ended.printed, [""; 0], "{what}");
        assert!(ended.log.contains("qwetty.db"), "{what}: {ended:?}");
        assert!(words.iter().any(|word| ended.log.contains(word)), "{what}: {ended:?}");
        assert_eq!(std::fs::read(launch.database()).unwrap(), before, "{what} was changed");
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_of_ours_is_refused_and_left_alone() {
    let launch = Launch::serve();
    for (what, content) in [
        ("an empty file", &b""[..]),
        ("text", b"not a database, but somebody's notes\n"),
        ("a page of zeros", &[0; 4096]),
        ("a lone header", b"SQLite format 3\0"),
    ] {
        std::fs::write(launch.database(), content).unwrap();
        refused(&launch, what, &["not a database of this program", "damaged"]).await;
    }
    std::fs::remove_file(launch.database()).unwrap();
    let foreign = Connection::open(launch.database()).unwrap();
    foreign.execute_batch("CREATE TABLE keys (id INTEGER); INSERT INTO keys VALUES (1)").unwrap();
    foreign.close().unwrap();
    refused(&launch, "somebody else's database", &["not a database of this program"]).await;
}

#[tokio::test]
async fn a_damaged_or_truncated_file_is_refused_and_left_alone() {
    let launch = database().await;
    let whole = std::fs::read(launch.database()).unwrap();
    let half = whole.len() / 2 / 4096 * 4096;
    let overwritten = |from: usize, length: usize| {
        let mut bytes = whole.clone();
        bytes[from..from + length].fill(0xA5);
        bytes
    };
    for (what, content) in [
        ("half of it", whole[..half].to_vec()),
        ("its first page", whole[..4096].to_vec()),
        ("all but its last page", whole[..whole.len() - 4096].to_vec()),
        ("a broken header", overwritten(0, 16)),
        ("a broken schema page", overwritten(100, 200)),
        ("a broken page in the middle", overwritten(half, 4096)),
        ("a broken last page", overwritten(whole.len() - 4096, 4096)),
    ] {
        std::fs::write(launch.database(), content).unwrap();
        refused(&launch, what, &["damaged", "not a database of this program"]).await;
    }
    std::fs::write(launch.database(), whole).unwrap();
    launch.start().await.stop().await;
}

#[tokio::test]
async fn a_newer_file_is_refused_and_left_alone() {
    let launch = database().await;
    newer(&launch.database());
    refused(&launch, "a newer file", &["use a newer program"]).await;
}

fn newer(path: &Path) {
    let connection = Connection::open(path).unwrap();
    let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    connection.pragma_update(None, "user_version", version + 1).unwrap();
    // Back into the file, so that its bytes are all there is.
    connection.pragma_update(None, "journal_mode", "DELETE").unwrap();
    connection.close().unwrap();
}
