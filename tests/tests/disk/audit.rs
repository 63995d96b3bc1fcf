use qwetty_tests::Server;
use rusqlite::Connection;
use serde_json::json;

use crate::keys_in_use;

#[tokio::test]
async fn without_an_event_there_is_no_change() {
    let server = Server::start().await;
    let keys = keys_in_use(&server).await;
    let mut root = server.root();
    let everything = "/api/v1/api-keys?limit=100";
    let log = "/api/v1/audit-events?limit=100";
    let before = root.get(log).await.expect(200).text();

    // Put there by another connection while the server runs: what no start would accept.
    let other = Connection::open(server.database()).unwrap();
    other
        .execute_batch(
            "CREATE TRIGGER no_events BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'the log is not to be written'); END",
        )
        .unwrap();
    crate::nothing_changes(&mut root, &keys[0]).await;
    root.put("/api/v1/channels/c", json!({"name": "C", "type": "whatsapp"}))
        .await
        .problem(503, "unavailable");
    root.post("/api/v1/organizations", json!({"name": "O"})).await.problem(503, "unavailable");
    // An attempt to exceed what one holds must be written down, too.
    let fields = json!({"permissions": ["api_keys:manage", "chats:read"]});
    other.execute_batch("DROP TRIGGER no_events").unwrap();
    let manager = root.create(fields).await;
    other
        .execute_batch(
            "CREATE TRIGGER no_events BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'no'); END",
        )
        .unwrap();
    let beyond = json!({"name": "Beyond", "permissions": ["messages:send"]});
    server.client(&manager.value).post("/api/v1/api-keys", beyond).await.problem(503, "unavailable");
    other.execute_batch("DROP TRIGGER no_events").unwrap();

    root.delete(&manager.path("")).await.expect(204);
    let names: Vec<_> = root.get(everything).await.expect(200).data().as_array().unwrap().clone();
    assert_eq!(names.len(), 3);
    let after = root.get(log).await.expect(200).json();
    let added = ["key.deleted", "key.created"];
    for (event, action) in after["data"].as_array().unwrap().iter().zip(added) {
        assert_eq!(event["action"], action);
    }
    let before: serde_json::Value = serde_json::from_str(before.split_once(' ').unwrap().1).unwrap();
    assert_eq!(after["data"].as_array().unwrap()[2..], before["data"].as_array().unwrap()[..]);
}
