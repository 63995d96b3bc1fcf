//! The script `two_organizations.sh`, which needs nothing but bash, curl and the root key.
#![allow(missing_docs, clippy::unwrap_used)]

use std::process::{Output, Stdio};

use qwetty_tests::{Server, in_time, tool};
use tokio::process::Command;

async fn script(server: &Server, root_key: &str) -> Output {
    let run = Command::new("bash")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/two_organizations.sh"))
        .args([&format!("http://{}", server.address()), root_key])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    in_time("the script", run).await.unwrap()
}

#[tokio::test]
async fn two_organizations_cannot_cross() {
    if !(tool("bash") && tool("curl")) {
        return;
    }
    let server = Server::start().await;
    // Twice on one server: what is there already does not matter to it.
    for _ in 0..2 {
        let run = script(&server, server.root_key()).await;
        let printed = String::from_utf8_lossy(&run.stdout);
        assert!(run.status.success(), "{printed}{}", String::from_utf8_lossy(&run.stderr));
        assert_eq!(printed.lines().filter(|line| line.starts_with("ok: ")).count(), 8, "{printed}");
    }
}

#[tokio::test]
async fn the_script_ends_at_the_first_surprise() {
    if !(tool("bash") && tool("curl")) {
        return;
    }
    let server = Server::start().await;
    let key = server.root().create(serde_json::json!({})).await;
    let run = script(&server, &key.value).await;
    assert_eq!(run.status.code(), Some(1));
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(said.starts_with("surprise: expected status 201"), "{said}");
    assert!(!said.contains(&key.value));
}
