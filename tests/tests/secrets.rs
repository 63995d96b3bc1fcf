//! A key value is in one response and nowhere else, contract section 1: not in the database, a log or a metric.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::Path;

use http::Method;
use qwetty_tests::{Call, Launch, NewKey, Server};
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use serde_json::json;

const KEYS: &str = "/api/v1/api-keys";

/// Calls of every kind, with values in every place where one can be put. Gives every value that was issued.
async fn busy(server: &Server) -> Vec<String> {
    let mut root = server.root();
    let mut values = vec![server.root_key().to_owned()];
    for number in 0..5 {
        let key = root.create(json!({"description": format!("number {number}")})).await;
        let other = NewKey::from(root.post(&key.path("/regenerate"), json!({"overlapSeconds": 600})).await);
        let third = NewKey::from(root.act(&key.path("/regenerate")).await.expect(200));
        for value in [&key.value, &other.value, &third.value] {
            root.code(value).await;
            server.client(value).get("/api/v1/me").await;
        }
        values.extend([key.value, other.value, third.value]);
    }
    let key = root.create(json!({})).await;
    let value = &key.value;
    root.act(&key.path("/revoke")).await.expect(200);
    server.client(value).get("/api/v1/me").await.problem(401, "invalid_api_key");

    // Wherever a value is put by mistake, the answer does not repeat it.
    for misplaced in [
        Call::new(Method::GET, &format!("{KEYS}?key={value}")),
        Call::new(Method::GET, &format!("{KEYS}?{value}=1")),
        Call::new(Method::GET, &format!("{KEYS}?status={value}")),
        Call::new(Method::GET, &format!("{KEYS}?page={value}")),
        Call::new(Method::GET, &format!("{KEYS}?organizationId={value}")),
        Call::new(Method::GET, &format!("{KEYS}?search={value}")),
        Call::new(Method::GET, &format!("{KEYS}?search=%zz{value}")),
        Call::new(Method::GET, &format!("{KEYS}/{value}")),
        Call::new(Method::GET, &format!("/{value}")),
        Call::new(Method::POST, KEYS).header("x-api-key", value).json(&json!({})),
        Call::new(Method::POST, KEYS).json(&json!({"name": "A", "permissions": [value]})),
        Call::new(Method::POST, KEYS).json(&json!({"name": "A", "permissions": [], "key": value})),
        Call::new(Method::POST, KEYS).json(&json!({"name": "A", "permissions": ["chats:read"], value: 1})),
        Call::new(Method::POST, KEYS)
            .json(&json!({"tier": value, "expiresAt": value, "ipWhitelist": [value]})),
        Call::new(Method::POST, KEYS).json(&json!({"channelScopes": [value], "organizationId": value})),
        Call::new(Method::POST, "/api/v1/verify")
            .json(&json!({"key": value, "cost": 0, "permissions": [value]})),
        Call::new(Method::POST, "/api/v1/verify").json(&json!({"key": value, "channel": value, "ip": value})),
        Call::new(Method::POST, "/api/v1/verify").json(&json!({"key": value, value: value})),
        Call::new(Method::POST, "/api/v1/verify").body("application/json", format!("{{\"key\": \"{value}\"")),
        Call::new(Method::POST, "/api/v1/verify").body("text/plain", value.clone()),
        Call::new(Method::PUT, &format!("/api/v1/channels/{value}?{value}")).json(&json!({"name": "A"})),
    ] {
        let answer = root.send(misplaced).await;
        assert!(!answer.text().contains(&value[4..47]), "{answer:?}");
        for header in answer.headers.values() {
            assert!(!header.to_str().unwrap().contains(&value[4..47]), "{answer:?}");
        }
    }
    let mut raw = server.raw().await;
    raw.send(format!("GET /api/v1/me?{value} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {value}\r\nAuthorization: Bearer {value}\r\n\r\n"))
        .await;
    raw.answer().await.problem(400, "malformed_request");
    let mut raw = server.raw().await;
    raw.send(format!("{value} {value}\r\n{value}\r\n\r\n")).await;
    assert!(!raw.answer().await.text().contains(&value[4..47]));
    root.delete(&key.path("")).await.expect(204);
    values.push(key.value);
    values
}

/// Asserts that no value is in the bytes, neither whole nor its secret part alone.
fn assert_without(values: &[String], bytes: &[u8], what: &str) {
    for value in values {
        let secret = &value.as_bytes()[4..47];
        assert!(!bytes.windows(secret.len()).any(|window| window == secret), "{what} holds a key value");
    }
}

fn assert_files_without(values: &[String], directory: &Path) -> usize {
    let files: Vec<_> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    for file in &files {
        assert_without(values, &std::fs::read(file).unwrap(), &file.display().to_string());
    }
    files.len()
}

#[tokio::test]
async fn no_file_log_metric_or_audit_event_holds_a_value() {
    let launch = Launch::serve().env("QWETTY_LOG", "trace").with(["--metrics-listen", "127.0.0.1:0"]);
    let server = launch.start().await;
    let values = busy(&server).await;
    let log = std::fs::read_to_string(launch.directory().join("log")).unwrap();
    let metrics = log
        .lines()
        .find(|line| line.contains("serving metrics"))
        .and_then(|line| line.split("address=").nth(1))
        .expect("the log names the address of the metrics");
    let mut scraper = qwetty_tests::Client::new(metrics.trim().parse().unwrap());
    let metrics = scraper.get("/metrics").await.expect(200);
    assert!(metrics.text().contains("qwetty_"));
    assert_without(&values, &metrics.body, "a metric");
    let mut page = 1;
    loop {
        let events =
            server.root().get(&format!("/api/v1/audit-events?limit=100&page={page}")).await.expect(200);
        assert_without(&values, &events.body, "an audit event");
        if events.data() == json!([]) {
            break;
        }
        page += 1;
    }
    assert!(page > 1, "there were events");

    // While it runs, its WAL is there; and what a crash leaves behind.
    assert!(launch.directory().join("qwetty.db-wal").exists());
    assert!(assert_files_without(&values, launch.directory()) >= 3);
    let server = server.crash().await;
    assert_files_without(&values, launch.directory());
    server.stop().await;
    assert_files_without(&values, launch.directory());
    let log = std::fs::read_to_string(launch.directory().join("log")).unwrap();
    assert_no_digests(&log, &launch.database());
}

/// A digest in a log would tell which entries belong to one key, and be half of a search for its value.
fn assert_no_digests(log: &str, database: &Path) {
    let log = log.to_lowercase();
    let digests = digests(database);
    assert!(digests.len() >= 6, "the database holds a digest of each key");
    for digest in digests {
        let hexadecimal: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let listed: Vec<String> = digest.iter().map(u8::to_string).collect();
        for form in [&hexadecimal[..16], &listed[..8].join(", ")] {
            assert!(!log.contains(form), "the log holds a digest");
        }
    }
}

/// Whatever the tables hold that has the length of a digest.
fn digests(database: &Path) -> Vec<Vec<u8>> {
    let connection = Connection::open(database).unwrap();
    let mut names = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").unwrap();
    let tables: Vec<String> = names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let mut found = Vec::new();
    for table in tables {
        let mut all = connection.prepare(&format!("SELECT * FROM \"{table}\"")).unwrap();
        let columns = all.column_count();
        let mut rows = all.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for column in 0..columns {
                if let ValueRef::Blob(bytes) = row.get_ref(column).unwrap()
                    && bytes.len() == 32
                {
                    found.push(bytes.to_vec());
                }
            }
        }
    }
    found
}
