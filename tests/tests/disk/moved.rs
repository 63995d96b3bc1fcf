use std::fs;

use qwetty_tests::{Launch, Server};

use crate::{keys_in_use, nothing_changes};

/// Both subcommands refuse to start, print nothing and name the file.
async fn is_refused(launch: &Launch) {
    for refusing in [launch.clone(), launch.root_key()] {
        let ended = refusing.run().await;
        assert!(ended.code.is_some_and(|code| code != 0), "{ended:?}");
        assert_eq!(ended.printed, [""; 0]);
        assert!(ended.log.contains("qwetty.db"), "{ended:?}");
    }
}

#[tokio::test]
async fn a_deleted_database_takes_no_change_and_is_not_made_anew() {
    for is_killed in [false, true] {
        let server = Server::start().await;
        let keys = keys_in_use(&server).await;
        let launch = server.launch().clone();
        let mut root = server.root();
        fs::remove_file(server.database()).unwrap();
        nothing_changes(&mut root, &keys[0]).await;
        server.anyone().get("/readyz").await.expect(503);
        server.anyone().get("/healthz").await.expect(200);
        if is_killed {
            server.kill().await;
        } else {
            server.terminate();
            server.ended().await;
        }
        is_refused(&launch).await;
        assert!(!launch.database().exists());
    }
}

#[tokio::test]
async fn a_deleted_log_takes_no_change() {
    let server = Server::start().await;
    let keys = keys_in_use(&server).await;
    fs::remove_file(server.database().with_extension("db-wal")).unwrap();
    nothing_changes(&mut server.root(), &keys[0]).await;
}

#[tokio::test]
async fn a_database_that_is_moved_and_put_back_goes_on() {
    let server = Server::start().await;
    let keys = keys_in_use(&server).await;
    let (here, there) = (server.database(), server.database().with_extension("moved"));
    fs::rename(&here, &there).unwrap();
    nothing_changes(&mut server.root(), &keys[0]).await;
    fs::copy(&there, &here).unwrap();
    nothing_changes(&mut server.root(), &keys[0]).await;
    fs::rename(&there, &here).unwrap();
    server.anyone().get("/readyz").await.expect(200);
    crate::everything_works(server, keys).await;
}
