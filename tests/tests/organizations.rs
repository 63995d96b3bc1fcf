//! Organizations and their channels.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use qwetty_tests::{Organization, Server, assert_time};
use serde_json::{Value, json};

const ORGANIZATIONS: &str = "/api/v1/organizations";
const UNKNOWN: &str = "/api/v1/organizations/org_01k9z3b6yqf8r9n2m4t5v6w7x8";

fn path(object: &Value) -> String {
    format!("{ORGANIZATIONS}/{}", object["id"].as_str().unwrap())
}

fn names(list: &Value) -> Vec<&str> {
    list["data"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_organization_is_made_read_renamed_and_deleted() {
    let server = Server::start().await;
    let mut root = server.root();
    let answer = root.post(ORGANIZATIONS, json!({"name": "  Acme \"A\"  "})).await.expect(201);
    let made = answer.data();
    assert_eq!(answer.header("location"), Some(&*path(&made)));
    assert_eq!(made.as_object().unwrap().len(), 4, "{made}");
    assert_eq!(made["name"], "Acme \"A\"");
    assert_eq!(made["createdAt"], made["updatedAt"]);
    assert_time(&made["createdAt"]);
    assert!(made["id"].as_str().unwrap().starts_with("org_"));
    assert_eq!(root.get(&path(&made)).await.expect(200).data(), made);

    let renamed = root.patch(&path(&made), json!({"name": "Acme"})).await.expect(200).data();
    assert_eq!((&renamed["name"], &renamed["createdAt"]), (&json!("Acme"), &made["createdAt"]));
    assert_ne!(renamed["updatedAt"], made["updatedAt"]);
    for unchanged in [json!({}), json!({"name": "Acme"})] {
        assert_eq!(root.patch(&path(&made), unchanged).await.expect(200).data(), renamed);
    }

    assert!(root.delete(&path(&made)).await.expect(204).body.is_empty());
    root.get(&path(&made)).await.problem(404, "not_found");
    root.patch(&path(&made), json!({"name": "Acme"})).await.problem(404, "not_found");
    root.delete(&path(&made)).await.problem(404, "not_found");
}

#[tokio::test]
async fn names_keep_their_rule() {
    let server = Server::start().await;
    let mut root = server.root();
    let made = root.post(ORGANIZATIONS, json!({"name": "é".repeat(100)})).await.expect(201).data();
    for name in [
        json!(""),
        json!(" "),
        json!("é".repeat(101)),
        json!("a\nb"),
        json!("a\u{202e}b"),
        json!(1),
        Value::Null,
    ] {
        let body = json!({"name": name});
        assert_eq!(root.post(ORGANIZATIONS, body.clone()).await.faulty(), ["name"], "{name}");
        assert_eq!(root.patch(&path(&made), body).await.faulty(), ["name"], "{name}");
        let channel = json!({"name": name, "type": "whatsapp"});
        assert_eq!(root.put("/api/v1/channels/wa", channel).await.faulty(), ["name"], "{name}");
    }
    assert_eq!(root.post(ORGANIZATIONS, json!({})).await.faulty(), ["name"]);
    assert_eq!(root.post(ORGANIZATIONS, json!({"name": "A", "id": "org_1"})).await.faulty(), ["id"]);
    assert_eq!(root.patch(&path(&made), json!({"id": "org_1"})).await.faulty(), ["id"]);
    root.act(ORGANIZATIONS).await.problem(400, "malformed_request");
}

#[tokio::test]
async fn what_is_no_organization_is_not_found() {
    let server = Server::start().await;
    let mut root = server.root();
    for path in [UNKNOWN, "/api/v1/organizations/1", "/api/v1/organizations/key_01k9z3b6yqf8r9n2m4t5v6w7x8"] {
        root.get(path).await.problem(404, "not_found");
        root.patch(path, json!({"name": "A"})).await.problem(404, "not_found");
        root.delete(path).await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn organizations_are_listed_by_age_and_searched_by_name() {
    let server = Server::start().await;
    let mut root = server.root();
    for name in ["Alpha", "100% Beta", "ÉTOILE"] {
        root.post(ORGANIZATIONS, json!({"name": name})).await.expect(201);
    }
    let all = root.get(ORGANIZATIONS).await.expect(200).json();
    assert_eq!(names(&all), ["ÉTOILE", "100% Beta", "Alpha", "Default"]);
    assert_eq!(all["meta"], json!({"page": 1, "limit": 10, "total": 4, "totalPages": 1}));
    for (query, expected, total) in [
        ("order=asc", &["Default", "Alpha", "100% Beta", "ÉTOILE"][..], 4),
        ("order=desc&limit=3&page=2", &["Default"], 4),
        ("page=2", &[], 4),
        ("search=%25", &["100% Beta"], 1),
        ("search=%C3%A9toile", &["ÉTOILE"], 1),
        ("search=A_p", &[], 0),
        ("search=", &["ÉTOILE", "100% Beta", "Alpha", "Default"], 4),
    ] {
        let list = root.get(&format!("{ORGANIZATIONS}?{query}")).await.expect(200).json();
        assert_eq!((names(&list), &list["meta"]["total"]), (expected.to_vec(), &json!(total)), "{query}");
    }
    for query in
        ["sort=name", "limit=0", "limit=101", "page=0", "order=up", "organizationId=org_1", "page=1&page=1"]
    {
        root.get(&format!("{ORGANIZATIONS}?{query}")).await.problem(400, "malformed_request");
    }
}

#[tokio::test]
async fn an_organization_with_keys_stays_and_one_without_takes_its_channels_along() {
    let server = Server::start().await;
    let mut root = server.root();
    let mut acme = Organization::new(&server, "Acme").await;
    acme.channel("wa").await;
    let organization = format!("{ORGANIZATIONS}/{}", acme.id);
    let conflict = root.delete(&organization).await.problem(409, "conflict").json();
    assert!(conflict["detail"].as_str().unwrap().contains("keys"), "{conflict}");
    root.act(&acme.key.path("/revoke")).await.expect(200);
    root.delete(&organization).await.problem(409, "conflict");
    let channels = format!("/api/v1/channels?organizationId={}", acme.id);
    assert_eq!(root.get(&channels).await.expect(200).json()["meta"]["total"], 1, "nothing is half deleted");

    root.delete(&acme.key.path("")).await.expect(204);
    root.delete(&organization).await.expect(204);
    root.get(&organization).await.problem(404, "not_found");
    root.get(&channels).await.problem(404, "not_found");
    root.get(&format!("/api/v1/api-keys?organizationId={}", acme.id)).await.problem(404, "not_found");
    let key = json!({"name": "A", "permissions": ["chats:read"], "organizationId": acme.id});
    root.post("/api/v1/api-keys", key).await.problem(404, "not_found");
    let channel = json!({"name": "A", "type": "whatsapp"});
    let path = format!("/api/v1/channels/wa?organizationId={}", acme.id);
    root.put(&path, channel).await.problem(404, "not_found");
}

#[tokio::test]
async fn an_organization_and_its_channels_outlive_a_restart() {
    let server = Server::start().await;
    let mut acme = Organization::new(&server, "Acme").await;
    let channel = acme.channel("wa").await;
    let organization = format!("{ORGANIZATIONS}/{}", acme.id);
    let before = server.root().get(&organization).await.expect(200).data();
    let server = server.crash().await;
    assert_eq!(server.root().get(&organization).await.expect(200).data(), before);
    let channels = server.client(&acme.key.value).get("/api/v1/channels").await.expect(200).data();
    assert_eq!(channels, json!([channel]));
}

#[tokio::test]
async fn an_operator_acts_in_any_organization_that_it_names_and_in_its_own_otherwise() {
    let server = Server::start().await;
    let mut root = server.root();
    let mut acme = Organization::new(&server, "Acme").await;
    let named = format!("organizationId={}", acme.id);
    let channel = json!({"name": "Main", "type": "instagram"});
    root.put(&format!("/api/v1/channels/wa?{named}"), channel).await.expect(200);
    let fields = json!({"name": "By root", "organizationId": acme.id, "channelScopes": ["wa"]});
    let key = root.create(fields).await;
    assert_eq!(key.object["organizationId"], json!(acme.id));

    let keys = root.get(&format!("/api/v1/api-keys?{named}&order=asc")).await.expect(200).json();
    assert_eq!(names(&keys), ["Acme admin", "By root"]);
    assert_eq!(names(&acme.admin.get("/api/v1/api-keys?order=asc").await.expect(200).json()), names(&keys));
    let own = root.get("/api/v1/api-keys").await.expect(200).json();
    assert_eq!(own["meta"]["total"], 1, "its own organization alone");
    assert_eq!(root.get("/api/v1/channels").await.expect(200).json()["meta"]["total"], 0);

    root.patch(&key.path(""), json!({"name": "Renamed"})).await.expect(200);
    root.get(&key.path("/usage")).await.expect(200);
    let verdict = root.verify(&key.value, json!({"channel": "wa"})).await;
    assert_eq!((&verdict["code"], &verdict["organizationId"]), (&json!("valid"), &json!(acme.id)));
    root.delete(&format!("/api/v1/channels/wa?{named}")).await.expect(204);
    root.delete("/api/v1/channels/wa").await.problem(404, "not_found");
}

#[tokio::test]
async fn a_key_scoped_to_a_channel_reaches_that_channel_alone() {
    let server = Server::start().await;
    let mut root = server.root();
    let acme = Organization::new(&server, "Acme").await;
    let channel = json!({"name": "Main", "type": "instagram"});
    for path in ["/api/v1/channels/wa", "/api/v1/channels/ig"] {
        root.put(path, channel.clone()).await.expect(200);
    }
    let permissions = ["channels:manage", "organizations:manage"];
    let key =
        root.create(json!({"permissions": permissions, "channelScopes": ["wa"], "tier": "admin"})).await;
    let mut scoped = server.client(&key.value);
    let renamed = json!({"name": "Renamed", "type": "instagram"});
    scoped.put("/api/v1/channels/wa", renamed.clone()).await.expect(200);
    scoped.put("/api/v1/channels/ig", renamed.clone()).await.problem(403, "channel_not_allowed");
    scoped.put("/api/v1/channels/new", renamed.clone()).await.problem(403, "channel_not_allowed");
    scoped.delete("/api/v1/channels/ig").await.problem(403, "channel_not_allowed");
    let another = format!("/api/v1/channels/wa?organizationId={}", acme.id);
    root.put(&another, channel).await.expect(200);
    scoped.put(&another, renamed).await.problem(403, "channel_not_allowed");
    scoped.delete(&another).await.problem(403, "channel_not_allowed");
    scoped.delete("/api/v1/channels/wa").await.expect(204);
}

#[tokio::test]
async fn a_channel_is_saved_saved_again_and_deleted() {
    let server = Server::start().await;
    let mut acme = Organization::new(&server, "Acme").await;
    let made = acme.channel("wa.Main_1-x").await;
    let path = "/api/v1/channels/wa.Main_1-x";
    assert_eq!(made["organizationId"], json!(acme.id));
    assert_eq!((&made["id"], &made["type"]), (&json!("wa.Main_1-x"), &json!("whatsapp")));
    assert_eq!(made.as_object().unwrap().len(), 6, "{made}");
    assert_eq!(acme.channel("wa.Main_1-x").await, made, "saving the same changes nothing");
    let body = json!({"name": "Other", "type": "web_chat"});
    let saved = acme.admin.put(path, body).await.expect(200).data();
    assert_eq!((&saved["name"], &saved["type"]), (&json!("Other"), &json!("web_chat")));
    assert_eq!(saved["createdAt"], made["createdAt"]);
    assert_ne!(saved["updatedAt"], made["updatedAt"]);
    acme.admin.delete(path).await.expect(204);
    acme.admin.delete(path).await.problem(404, "not_found");
}

#[tokio::test]
async fn channels_keep_their_rules() {
    let server = Server::start().await;
    let mut admin = Organization::new(&server, "Acme").await.admin;
    let body = json!({"name": "A", "type": "whatsapp"});
    let longest = "x".repeat(64);
    for id in ["a", ".", "-_.", "%41", &longest] {
        admin.put(&format!("/api/v1/channels/{id}"), body.clone()).await.expect(200);
    }
    let too_long = "x".repeat(65);
    for id in ["a%20b", "%C3%A9", "a%2Fb", "a%00", "a:b", &too_long] {
        let path = format!("/api/v1/channels/{id}");
        assert_eq!(admin.put(&path, body.clone()).await.faulty(), ["id"], "{id}");
        admin.delete(&path).await.problem(404, "not_found");
    }
    for kind in ["whatsapp", "instagram", "web_chat"] {
        admin.put("/api/v1/channels/a", json!({"name": "A", "type": kind})).await.expect(200);
    }
    let put = |body| ("/api/v1/channels/a", body);
    for (body, faulty) in [
        (json!({"name": "A", "type": "Whatsapp"}), &["type"][..]),
        (json!({"name": "A", "type": null}), &["type"]),
        (json!({"name": "A", "type": ["whatsapp"]}), &["type"]),
        (json!({}), &["name", "type"]),
        (json!({"name": "", "type": "sms", "id": "a"}), &["id", "name", "type"]),
        (json!([]), &["body"]),
    ] {
        let (path, body) = put(body);
        assert_eq!(admin.put(path, body.clone()).await.faulty(), faulty, "{body}");
    }
}

#[tokio::test]
async fn channels_are_listed_by_age_and_searched_by_name_and_id() {
    let server = Server::start().await;
    let mut admin = Organization::new(&server, "Acme").await.admin;
    for (id, name) in [("wa_1", "Sales"), ("ig-1", "Über uns"), ("web", "SALES 2")] {
        let body = json!({"name": name, "type": "whatsapp"});
        admin.put(&format!("/api/v1/channels/{id}"), body).await.expect(200);
    }
    for (query, expected) in [
        ("", &["SALES 2", "Über uns", "Sales"][..]),
        ("order=asc", &["Sales", "Über uns", "SALES 2"]),
        ("limit=1&page=2", &["Über uns"]),
        ("search=sales", &["SALES 2", "Sales"]),
        ("search=%C3%BCBER", &["Über uns"]),
        ("search=IG-", &["Über uns"]),
        ("search=_", &["Sales"]),
        ("search=%25", &[]),
    ] {
        let list = admin.get(&format!("/api/v1/channels?{query}")).await.expect(200).json();
        assert_eq!(names(&list), expected, "{query}");
    }
    for query in ["type=whatsapp", "sort=name", "organizationId=1"] {
        admin.get(&format!("/api/v1/channels?{query}")).await.problem(400, "malformed_request");
    }
}

#[tokio::test]
async fn whoever_reads_keys_lists_channels_and_saves_none() {
    let server = Server::start().await;
    let mut acme = Organization::new(&server, "Acme").await;
    acme.channel("wa").await;
    let reader = acme.admin.create(json!({"permissions": ["api_keys:read"]})).await;
    let mut reader = server.client(&reader.value);
    assert_eq!(reader.get("/api/v1/channels").await.expect(200).json()["meta"]["total"], 1);
    let body = json!({"name": "A", "type": "whatsapp"});
    reader.put("/api/v1/channels/wa", body).await.problem(403, "insufficient_permissions");
    reader.delete("/api/v1/channels/wa").await.problem(403, "insufficient_permissions");
}

#[tokio::test]
async fn a_deleted_channel_leaves_its_keys_just_as_restricted() {
    let server = Server::start().await;
    let mut acme = Organization::new(&server, "Acme").await;
    acme.channel("wa").await;
    acme.channel("ig").await;
    let key = acme.admin.create(json!({"channelScopes": ["wa"]})).await;
    acme.admin.delete("/api/v1/channels/wa").await.expect(204);

    assert_eq!(acme.admin.key(&key.id).await["channelScopes"], json!(["wa"]));
    let ig = acme.admin.verify(&key.value, json!({"channel": "ig"})).await;
    assert_eq!(ig["code"], "channel_not_allowed");
    assert_eq!(acme.admin.verify(&key.value, json!({})).await["channelScopes"], json!(["wa"]));

    // Other settings of the key can still change; the channel that is gone cannot be chosen again.
    acme.admin.patch(&key.path(""), json!({"name": "Renamed"})).await.expect(200);
    let again = acme.admin.patch(&key.path(""), json!({"channelScopes": ["wa"]})).await;
    assert_eq!(again.faulty(), ["channelScopes[0]"]);
    assert_eq!(acme.admin.key(&key.id).await["channelScopes"], json!(["wa"]));
}
