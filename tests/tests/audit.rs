//! The audit log: who did what to which key.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use qwetty_tests::{Answer, Client, Launch, NewKey, Organization, Server, assert_time, from_now};
use serde_json::{Value, json};

const EVENTS: &str = "/api/v1/audit-events";

/// What a name may hold that would break out of a record written without care.
const HOSTILE: &str = r#""},{"action":"key.deleted","x":"'); DROP TABLE events; --\u000a<b>%0A${jndi}"#;

async fn events(client: &mut Client, query: &str) -> Vec<Value> {
    let list = client.get(&format!("{EVENTS}?limit=100&{query}")).await.expect(200).json();
    let events = list["data"].as_array().unwrap().clone();
    for event in &events {
        assert_event(event);
    }
    events
}

/// What a call added to the log of the caller's organization: exactly one event, on top.
struct Log {
    client: Client,
    length: u64,
}

impl Log {
    async fn of(client: Client) -> Self {
        let mut log = Self { client, length: 0 };
        log.length = log.total().await;
        log
    }

    async fn total(&mut self) -> u64 {
        self.client.get(&format!("{EVENTS}?limit=1")).await.expect(200).json()["meta"]["total"]
            .as_u64()
            .unwrap()
    }

    /// The one event that this answer left behind; it has the answer's request id.
    async fn event(&mut self, answer: &Answer) -> Value {
        self.length += 1;
        assert_eq!(self.total().await, self.length, "one event for {}", answer.text());
        let event = events(&mut self.client, "").await.remove(0);
        assert_eq!(event["requestId"].as_str(), answer.header("x-request-id"));
        event
    }

    async fn unchanged(&mut self) {
        assert_eq!(self.total().await, self.length);
    }
}

fn assert_event(event: &Value) {
    let mut members: Vec<&String> = event.as_object().unwrap().keys().collect();
    members.sort();
    let expected = [
        "action",
        "actor",
        "address",
        "at",
        "changes",
        "channelId",
        "id",
        "keyId",
        "organizationId",
        "requestId",
    ];
    assert_eq!(members, expected);
    assert!(event["id"].as_str().unwrap().starts_with("evt_"));
    assert_time(&event["at"]);
    for change in event["changes"].as_object().unwrap().values() {
        assert_eq!(change.as_object().unwrap().len(), 2, "{event}");
        assert_ne!(change["from"], change["to"], "{event}");
    }
}

fn actor(key: &NewKey) -> Value {
    json!({"keyId": key.id, "name": key.object["name"]})
}

fn change(from: impl Into<Value>, to: impl Into<Value>) -> Value {
    json!({"from": from.into(), "to": to.into()})
}

#[tokio::test]
async fn each_change_of_a_key_is_told_with_old_and_new_values() {
    let server = Server::start().await;
    let mut acme = Organization::new(&server, "Acme").await;
    acme.channel("wa").await;
    let mut log = Log::of(server.client(&acme.key.value)).await;
    let admin = &mut acme.admin;

    let expires_at = from_now(864_000.0);
    let fields = json!({
        "name": "CRM", "description": "two\nlines", "permissions": ["messages:send", "chats:read"],
        "channelScopes": ["wa"], "ipWhitelist": ["10.0.0.0/8"], "expiresAt": expires_at, "tier": "admin",
    });
    let answer = admin.post("/api/v1/api-keys", fields).await.expect(201);
    let key = NewKey::from(answer.clone());
    let event = log.event(&answer).await;
    assert_eq!(event["action"], "key.created");
    assert_eq!(event["actor"], actor(&acme.key));
    assert_eq!(event["organizationId"], json!(acme.id));
    assert_eq!((&event["keyId"], &event["channelId"]), (&json!(key.id), &Value::Null));
    assert_eq!(event["address"], "127.0.0.1");
    assert!(event["at"].as_str() >= key.object["createdAt"].as_str());
    for field in
        ["name", "description", "permissions", "channelScopes", "ipWhitelist", "expiresAt", "tier", "start"]
    {
        assert_eq!(event["changes"][field], change(Value::Null, key.object[field].clone()), "{field}");
    }

    let patch =
        json!({"name": "CRM 2", "channelScopes": null, "tier": "standard", "description": "two\nlines"});
    let answer = admin.patch(&key.path(""), patch).await.expect(200);
    let event = log.event(&answer).await;
    assert_eq!(event["action"], "key.updated");
    let changes = json!({
        "name": change("CRM", "CRM 2"), "channelScopes": change(json!(["wa"]), Value::Null),
        "tier": change("admin", "standard"),
    });
    assert_eq!(event["changes"], changes);

    let answer = admin.post(&key.path("/regenerate"), json!({"overlapSeconds": 60})).await.expect(200);
    let renewed = answer.data();
    let event = log.event(&answer).await;
    let changes = json!({
        "start": change(key.object["start"].clone(), renewed["start"].clone()),
        "regeneratedAt": change(Value::Null, renewed["regeneratedAt"].clone()),
        "previousValueExpiresAt": change(Value::Null, renewed["previousValueExpiresAt"].clone()),
    });
    assert_eq!((&event["action"], &event["changes"]), (&json!("key.regenerated"), &changes));

    let answer = admin.post(&key.path("/revoke"), json!({"reason": "leaked"})).await.expect(200);
    let revoked = answer.data();
    let event = log.event(&answer).await;
    assert_eq!(event["action"], "key.revoked");
    assert_eq!(event["changes"]["revokedAt"], change(Value::Null, revoked["revokedAt"].clone()));
    assert_eq!(event["changes"]["revocationReason"], change(Value::Null, "leaked"));

    let answer = admin.act(&key.path("/reactivate")).await.expect(200);
    let event = log.event(&answer).await;
    assert_eq!(event["action"], "key.reactivated");
    assert_eq!(event["changes"]["revokedAt"], change(revoked["revokedAt"].clone(), Value::Null));
    assert_eq!(event["changes"]["revocationReason"], change("leaked", Value::Null));

    let answer = admin.delete(&key.path("")).await.expect(204);
    let event = log.event(&answer).await;
    assert_eq!((&event["action"], &event["keyId"]), (&json!("key.deleted"), &json!(key.id)));
    assert_eq!(event["changes"]["name"], change("CRM 2", Value::Null));
    assert_eq!(event["changes"]["ipWhitelist"], change(json!(["10.0.0.0/8"]), Value::Null));
}

#[tokio::test]
async fn each_change_of_a_channel_is_told() {
    let server = Server::start().await;
    let mut acme = Organization::new(&server, "Acme").await;
    let mut log = Log::of(server.client(&acme.key.value)).await;
    let path = "/api/v1/channels/wa";
    let answer = acme.admin.put(path, json!({"name": "A", "type": "whatsapp"})).await.expect(200);
    let made = log.event(&answer).await;
    let answer = acme.admin.put(path, json!({"name": "B", "type": "whatsapp"})).await.expect(200);
    let renamed = log.event(&answer).await;
    let answer = acme.admin.delete(path).await.expect(204);
    let deleted = log.event(&answer).await;
    let nothing = Value::Null;
    for (event, action, changes) in [
        (
            made,
            "channel.saved",
            json!({"name": change(nothing.clone(), "A"), "type": change(nothing.clone(), "whatsapp")}),
        ),
        (renamed, "channel.saved", json!({"name": change("A", "B")})),
        (
            deleted,
            "channel.deleted",
            json!({"name": change("B", nothing.clone()), "type": change("whatsapp", nothing.clone())}),
        ),
    ] {
        assert_eq!((&event["action"], &event["channelId"]), (&json!(action), &json!("wa")));
        assert_eq!((&event["keyId"], &event["actor"]), (&Value::Null, &actor(&acme.key)));
        assert_eq!(event["changes"], changes);
    }
}

#[tokio::test]
async fn events_of_an_organization_stand_in_its_own_log_and_outlive_it() {
    let server = Server::start().await;
    let mut root = server.root();
    let mut own = Log::of(server.root()).await;
    let made = root.post("/api/v1/organizations", json!({"name": "A"})).await.expect(201).data();
    let id = made["id"].as_str().unwrap();
    let organization = format!("/api/v1/organizations/{id}");
    root.patch(&organization, json!({"name": "B"})).await.expect(200);
    let query = format!("organizationId={id}");
    let actions = |events: &[Value]| events.iter().map(|event| event["action"].clone()).collect::<Vec<_>>();
    assert_eq!(actions(&events(&mut root, &query).await), ["organization.updated", "organization.created"]);

    root.delete(&organization).await.expect(204);
    let log = events(&mut root, &query).await;
    assert_eq!(actions(&log), ["organization.deleted", "organization.updated", "organization.created"]);
    let changes: Vec<&Value> = log.iter().map(|event| &event["changes"]["name"]).collect();
    assert_eq!(changes, [&change("B", Value::Null), &change("A", "B"), &change(Value::Null, "A")]);
    let me = root.get("/api/v1/me").await.expect(200).data();
    for event in &log {
        assert_eq!(event["organizationId"], json!(id));
        assert_eq!(event["actor"], json!({"keyId": me["id"], "name": me["name"]}));
    }
    own.unchanged().await;
    root.get(&format!("{EVENTS}?organizationId=org_01k9z3b6yqf8r9n2m4t5v6w7x8"))
        .await
        .problem(404, "not_found");
}

#[tokio::test]
async fn the_first_start_is_told_without_an_actor() {
    let server = Server::start().await;
    let mut root = server.root();
    let me = root.get("/api/v1/me").await.expect(200).data();
    let log = events(&mut root, "").await;
    let created: Vec<&Value> = log.iter().filter(|event| event["action"] == "key.created").collect();
    assert_eq!(created.len(), 1);
    assert_eq!((&created[0]["keyId"], &created[0]["actor"]), (&me["id"], &Value::Null));
    assert_eq!((&created[0]["address"], &created[0]["requestId"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn what_changes_nothing_is_not_told() {
    let server = Server::start().await;
    let mut acme = Organization::new(&server, "Acme").await;
    acme.channel("wa").await;
    let admin = &mut acme.admin;
    let key = admin.create(json!({"description": "d", "ipWhitelist": ["10.0.0.0/8"]})).await;
    let revoked = admin.create(json!({})).await;
    admin.act(&revoked.path("/revoke")).await.expect(200);
    let mut log = Log::of(server.client(&acme.key.value)).await;

    let before = admin.key(&key.id).await;
    for patch in [
        json!({}),
        json!({"name": " A key "}),
        json!({"description": "d", "expiresAt": null, "channelScopes": null, "tier": "standard"}),
        json!({"ipWhitelist": ["10.0.0.0/8", "10.0.0.0/8"], "permissions": ["chats:read", "chats:read"]}),
    ] {
        let answer = admin.patch(&key.path(""), patch.clone()).await.expect(200);
        assert_eq!(answer.data()["updatedAt"], before["updatedAt"], "{patch}");
    }
    admin.act(&key.path("/reactivate")).await.expect(200);
    admin.post(&revoked.path("/revoke"), json!({"reason": "again"})).await.expect(200);
    admin.put("/api/v1/channels/wa", json!({"name": "Channel wa", "type": "whatsapp"})).await.expect(200);
    let organization = format!("/api/v1/organizations/{}", acme.id);
    server.root().patch(&organization, json!({"name": "Acme"})).await.expect(200);

    // Nor is what fails, or reads, or decides.
    admin.patch(&key.path(""), json!({"name": ""})).await.expect(422);
    admin.act(&revoked.path("/regenerate")).await.problem(409, "key_revoked");
    admin.delete("/api/v1/api-keys/key_1").await.expect(404);
    admin.get("/api/v1/api-keys").await.expect(200);
    admin.code(&revoked.value).await;
    log.unchanged().await;
}

#[tokio::test]
async fn a_refused_grant_is_told() {
    let server = Server::start().await;
    let mut acme = Organization::new(&server, "Acme").await;
    let weak = acme.admin.create(json!({"name": "Weak", "permissions": ["api_keys:manage"]})).await;
    let target = acme.admin.create(json!({"name": "Target"})).await;
    let mut log = Log::of(server.client(&acme.key.value)).await;
    let mut caller = server.client(&weak.value);

    let body = json!({"name": "More", "permissions": ["audit:read"]});
    let answer = caller.post("/api/v1/api-keys", body).await.problem(403, "exceeds_caller");
    let event = log.event(&answer).await;
    assert_eq!((&event["action"], &event["keyId"]), (&json!("key.grant_refused"), &Value::Null));
    assert_eq!(event["actor"], actor(&weak));
    assert_eq!(event["organizationId"], json!(acme.id));
    assert_eq!(event["changes"]["permissions"], change(Value::Null, json!(["audit:read"])));

    let patch = json!({"tier": "admin"});
    let answer = caller.patch(&target.path(""), patch).await.problem(403, "exceeds_caller");
    let event = log.event(&answer).await;
    assert_eq!((&event["action"], &event["keyId"]), (&json!("key.grant_refused"), &json!(target.id)));
    assert_eq!(event["changes"]["tier"], change("standard", "admin"));

    for call in ["/regenerate", "/reactivate"] {
        let answer = caller.act(&target.path(call)).await.problem(403, "exceeds_caller");
        let event = log.event(&answer).await;
        assert_eq!((&event["action"], &event["keyId"]), (&json!("key.grant_refused"), &json!(target.id)));
    }
    let answer = caller.delete(&weak.path("")).await.problem(403, "exceeds_caller");
    let event = log.event(&answer).await;
    assert_eq!((&event["action"], &event["keyId"]), (&json!("key.grant_refused"), &json!(weak.id)));
}

#[tokio::test]
async fn no_name_forges_a_record() {
    let server = Server::start().await;
    let mut acme = Organization::new(&server, "Acme").await;
    let mut log = Log::of(server.client(&acme.key.value)).await;
    let name = HOSTILE.trim();
    let fields = json!({"name": name, "description": format!("{name}\n{name}"), "permissions": Organization::PERMISSIONS});
    let answer = acme.admin.post("/api/v1/api-keys", fields.clone()).await.expect(201);
    let key = NewKey::from(answer.clone());
    let event = log.event(&answer).await;
    assert_eq!(event["action"], "key.created");
    assert_eq!(event["changes"]["name"]["to"], name);
    assert_eq!(event["changes"]["description"]["to"], fields["description"]);

    // The same name as that of an actor, of a channel, and as a reason.
    let mut forger = server.client(&key.value);
    let answer =
        forger.put("/api/v1/channels/wa", json!({"name": name, "type": "whatsapp"})).await.expect(200);
    let event = log.event(&answer).await;
    assert_eq!((&event["actor"]["name"], &event["changes"]["name"]["to"]), (&json!(name), &json!(name)));
    let answer =
        forger.post(&key.path("/revoke"), json!({"reason": format!("\"}},{{\r\n{name}")})).await.expect(200);
    let event = log.event(&answer).await;
    assert_eq!(event["changes"]["revocationReason"]["to"], format!("\"}},{{\r\n{name}"));
}

#[tokio::test]
async fn a_name_with_a_line_break_is_refused_and_leaves_nothing() {
    let server = Server::start().await;
    let mut acme = Organization::new(&server, "Acme").await;
    let mut log = Log::of(server.client(&acme.key.value)).await;
    for breaking in ["a\nb", "a\rb", "a\u{85}b", "a\u{b}b", "a\0b", "a\u{1b}[2Kb", "a\u{202e}b", "a\u{200b}b"]
    {
        let body = json!({"name": breaking, "permissions": ["chats:read"]});
        assert_eq!(acme.admin.post("/api/v1/api-keys", body).await.faulty(), ["name"], "{breaking:?}");
        let body = json!({"name": breaking, "type": "whatsapp"});
        assert_eq!(acme.admin.put("/api/v1/channels/wa", body).await.faulty(), ["name"], "{breaking:?}");
    }
    log.unchanged().await;
}

#[tokio::test]
async fn events_outlive_their_key_and_keep_its_name() {
    let server = Server::start().await;
    let mut acme = Organization::new(&server, "Acme").await;
    let key = acme.admin.create(json!({"name": "Short-lived"})).await;
    acme.admin.delete(&key.path("")).await.expect(204);
    let server = server.restart().await;
    let mut admin = server.client(&acme.key.value);
    let log = events(&mut admin, &format!("keyId={}", key.id)).await;
    let told: Vec<(&Value, &Value)> =
        log.iter().map(|event| (&event["action"], &event["changes"]["name"])).collect();
    assert_eq!(
        told,
        [
            (&json!("key.deleted"), &change("Short-lived", Value::Null)),
            (&json!("key.created"), &change(Value::Null, "Short-lived")),
        ]
    );
}

#[tokio::test]
async fn an_actor_keeps_the_name_that_it_had() {
    let server = Server::start().await;
    let mut acme = Organization::new(&server, "Acme").await;
    let fields = json!({"name": "Before", "permissions": ["channels:manage"]});
    let key = acme.admin.create(fields).await;
    let mut caller = server.client(&key.value);
    caller.put("/api/v1/channels/a", json!({"name": "A", "type": "whatsapp"})).await.expect(200);
    acme.admin.patch(&key.path(""), json!({"name": "After"})).await.expect(200);
    caller.put("/api/v1/channels/b", json!({"name": "B", "type": "whatsapp"})).await.expect(200);
    let log = events(&mut acme.admin, "action=channel.saved").await;
    let names: Vec<&Value> = log.iter().map(|event| &event["actor"]["name"]).collect();
    assert_eq!(names, ["After", "Before"]);
}

#[tokio::test]
async fn the_address_is_the_clients_behind_a_trusted_proxy() {
    let server = Launch::serve().with(["--trusted-proxy", "127.0.0.1"]).start().await;
    let mut root = server.root();
    let mut log = Log::of(server.root()).await;
    for (forwarded, address) in [
        ("203.0.113.9", json!("203.0.113.9")),
        ("1.1.1.1, [2001:DB8::1]:80", json!("2001:db8::1")),
        ("::ffff:192.0.2.7", json!("192.0.2.7")),
        ("nobody", Value::Null),
    ] {
        let body = json!({"name": "A", "permissions": ["chats:read"]});
        let call = qwetty_tests::Call::new(http::Method::POST, "/api/v1/api-keys").json(&body);
        let answer = root.send(call.header("x-forwarded-for", forwarded)).await.expect(201);
        assert_eq!(log.event(&answer).await["address"], address, "{forwarded}");
    }
}

#[tokio::test]
async fn the_log_is_read_by_page_newest_first_and_filtered() {
    let server = Server::start().await;
    let mut acme = Organization::new(&server, "Acme").await;
    let mut keys = Vec::new();
    for number in 0..12 {
        let key = acme.admin.create(json!({"name": format!("Key {number}")})).await;
        acme.admin.act(&key.path("/revoke")).await.expect(200);
        keys.push(key);
    }
    let all = events(&mut acme.admin, "").await;
    assert!(all.windows(2).all(|pair| pair[0]["at"].as_str() >= pair[1]["at"].as_str()), "newest first");
    assert_eq!(all.len(), 2 + 24, "the organization's own two and two of each key");

    let mut paged = Vec::new();
    for page in 1..=4 {
        let list = acme.admin.get(&format!("{EVENTS}?limit=8&page={page}")).await.expect(200).json();
        assert_eq!(list["meta"], json!({"page": page, "limit": 8, "total": 26, "totalPages": 4}));
        paged.extend(list["data"].as_array().unwrap().clone());
    }
    assert_eq!(paged, all);
    let past = acme.admin.get(&format!("{EVENTS}?limit=8&page=5")).await.expect(200).json();
    assert_eq!(past["data"], json!([]));

    for (action, count) in
        [("key.created", 13), ("key.revoked", 12), ("key.deleted", 0), ("organization.created", 1)]
    {
        let some = events(&mut acme.admin, &format!("action={action}")).await;
        let expected: Vec<Value> = all.iter().filter(|event| event["action"] == action).cloned().collect();
        assert_eq!((some.len(), some), (count, expected), "{action}");
    }
    let id = &keys[3].id;
    let expected: Vec<Value> = all.iter().filter(|event| event["keyId"] == json!(id)).cloned().collect();
    assert_eq!(events(&mut acme.admin, &format!("keyId={id}")).await, expected);
    let both = events(&mut acme.admin, &format!("keyId={id}&action=key.revoked")).await;
    assert_eq!(both, expected[..1]);

    for query in [
        "action=key.create",
        "action=",
        "action=KEY.CREATED",
        "keyId=1",
        "keyId=org_01k9z3b6yqf8r9n2m4t5v6w7x8",
        "order=asc",
        "sort=at",
        "search=x",
        "status=active",
        "limit=0",
    ] {
        acme.admin.get(&format!("{EVENTS}?{query}")).await.problem(400, "malformed_request");
    }
}

#[tokio::test]
async fn no_event_holds_a_key_value() {
    let server = Server::start().await;
    let mut acme = Organization::new(&server, "Acme").await;
    let key = acme.admin.create(json!({})).await;
    let renewed = NewKey::from(
        acme.admin.post(&key.path("/regenerate"), json!({"overlapSeconds": 9})).await.expect(200),
    );
    acme.admin.act(&key.path("/revoke")).await.expect(200);
    acme.admin.delete(&key.path("")).await.expect(204);
    let mut log = acme.admin.get(&format!("{EVENTS}?limit=100")).await.expect(200).text();
    log.push_str(&server.root().get(&format!("{EVENTS}?limit=100")).await.expect(200).text());
    for value in [server.root_key(), &acme.key.value, &key.value, &renewed.value] {
        assert!(log.contains(&value[..8]), "the start is told");
        assert!(!log.contains(&value[..12]) && !log.contains(&value[8..20]), "nothing more is");
    }
}
