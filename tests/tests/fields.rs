//! The rules for the fields of a body, contract section 2: each from both sides.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use http::Method;
use qwetty_tests::{Answer, Call, Client, NewKey, Server, from_now};
use serde_json::{Value, json};

const KEYS: &str = "/api/v1/api-keys";

/// A server with the channels `c1` and `c2`, a client that calls with the root key, and a key to update.
async fn scene() -> (Server, Client, NewKey) {
    let server = Server::start().await;
    let mut root = server.root();
    for id in ["c1", "c2"] {
        let path = format!("/api/v1/channels/{id}");
        root.put(&path, json!({"name": id, "type": "web_chat"})).await.expect(200);
    }
    let key = root.create(json!({"name": "Before"})).await;
    (server, root, key)
}

fn body(fields: Value) -> Value {
    let mut body = json!({"name": "A key", "permissions": ["chats:read"]});
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    body
}

/// The value is accepted by create and by update, and answered as `answered`.
async fn accepts(root: &mut Client, key: &NewKey, field: &str, value: Value, answered: Value) {
    let created = root.post(KEYS, body(json!({field: value}))).await.expect(201).data();
    assert_eq!(created[field], answered, "{field}: {value}");
    let updated = root.patch(&key.path(""), json!({field: value})).await.expect(200).data();
    assert_eq!(updated[field], answered, "{field}: {value}");
}

/// The value is refused by create and by update, with a fault at `path` and no other.
async fn refuses(root: &mut Client, key: &NewKey, field: &str, value: Value, path: &str) {
    let created = root.post(KEYS, body(json!({field: value}))).await;
    assert_eq!(created.faulty(), [path], "{field}: {value}");
    let updated = root.patch(&key.path(""), json!({field: value})).await;
    assert_eq!(updated.faulty(), [path], "{field}: {value}");
}

const FORBIDDEN: [char; 22] = [
    '\0', '\u{1}', '\t', '\u{1b}', '\u{7f}', '\u{85}', '\u{9f}', '\u{200b}', '\u{200c}', '\u{200d}',
    '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}', '\u{2060}', '\u{2066}', '\u{2067}',
    '\u{2068}', '\u{2069}', '\u{feff}', '\u{b}',
];

#[tokio::test]
async fn names() {
    let (_server, mut root, key) = scene().await;
    for (value, answered) in [
        ("x", "x"),
        ("  padded \u{3000}", "padded"),
        ("Grüße 🔑 \"},{\" \\ <b>", "Grüße 🔑 \"},{\" \\ <b>"),
        (&"🔑".repeat(100), &"🔑".repeat(100)),
        (&format!(" {} ", "x".repeat(100)), &"x".repeat(100)),
    ] {
        accepts(&mut root, &key, "name", json!(value), json!(answered)).await;
    }
    for value in [json!(""), json!("   "), json!("x".repeat(101)), json!("two\nlines"), json!("two\rlines")] {
        refuses(&mut root, &key, "name", value, "name").await;
    }
    for character in FORBIDDEN {
        refuses(&mut root, &key, "name", json!(format!("a{character}b")), "name").await;
    }
    for value in [Value::Null, json!(1), json!(true), json!(["x"]), json!({"x": 1})] {
        refuses(&mut root, &key, "name", value, "name").await;
    }
    let missing = root.post(KEYS, json!({"permissions": ["chats:read"]})).await;
    assert_eq!(missing.faulty(), ["name"]);
}

#[tokio::test]
async fn descriptions() {
    let (_server, mut root, key) = scene().await;
    for value in [json!(null), json!("x"), json!("two\r\nlines"), json!("ß".repeat(500))] {
        accepts(&mut root, &key, "description", value.clone(), value).await;
    }
    for value in [json!("x".repeat(501)), json!(1), json!(false), json!([]), json!({})] {
        refuses(&mut root, &key, "description", value, "description").await;
    }
    for character in FORBIDDEN {
        refuses(&mut root, &key, "description", json!(format!("a{character}b")), "description").await;
    }
}

#[tokio::test]
async fn permissions() {
    let (_server, mut root, key) = scene().await;
    for (value, answered) in [
        (json!(["chats:read"]), json!(["chats:read"])),
        (json!(["templates:send", "chats:read", "chats:read"]), json!(["chats:read", "templates:send"])),
        (json!(["audit:read", "contacts:manage"]), json!(["contacts:manage", "audit:read"])),
    ] {
        accepts(&mut root, &key, "permissions", value, answered).await;
    }
    for (value, path) in [
        (json!([]), "permissions"),
        (Value::Null, "permissions"),
        (json!("chats:read"), "permissions"),
        (json!({"0": "chats:read"}), "permissions"),
        (json!(["chats:read", "chats:write"]), "permissions[1]"),
        (json!(["*"]), "permissions[0]"),
        (json!(["chats:*"]), "permissions[0]"),
        (json!(["Chats:read"]), "permissions[0]"),
        (json!([" chats:read"]), "permissions[0]"),
        (json!([""]), "permissions[0]"),
        (json!(["chats:read", 1]), "permissions[1]"),
        (json!([null]), "permissions[0]"),
    ] {
        refuses(&mut root, &key, "permissions", value, path).await;
    }
    assert_eq!(root.post(KEYS, json!({"name": "A key"})).await.faulty(), ["permissions"]);
}

#[tokio::test]
async fn channel_scopes() {
    let (_server, mut root, key) = scene().await;
    for value in [Value::Null, json!(["c1"]), json!(["c1", "c2"])] {
        accepts(&mut root, &key, "channelScopes", value.clone(), value).await;
    }
    let many: Vec<String> = (0..101).map(|number| format!("c{number}")).collect();
    for id in &many {
        let path = format!("/api/v1/channels/{id}");
        root.put(&path, json!({"name": id, "type": "whatsapp"})).await.expect(200);
    }
    let hundred = root.create(json!({"channelScopes": many[..100]})).await;
    assert_eq!(hundred.object["channelScopes"].as_array().unwrap().len(), 100);
    refuses(&mut root, &key, "channelScopes", json!(many), "channelScopes").await;
    for (value, path) in [
        (json!([]), "channelScopes"),
        (json!("c1"), "channelScopes"),
        (json!(["c1", "unknown"]), "channelScopes[1]"),
        (json!(["C1"]), "channelScopes[0]"),
        (json!([""]), "channelScopes[0]"),
        (json!(["a b"]), "channelScopes[0]"),
        (json!(["*"]), "channelScopes[0]"),
        (json!(["c1", 2]), "channelScopes[1]"),
    ] {
        refuses(&mut root, &key, "channelScopes", value, path).await;
    }
}

#[tokio::test]
async fn ip_whitelists() {
    let (_server, mut root, key) = scene().await;
    for (value, answered) in [
        (Value::Null, Value::Null),
        (json!(["192.0.2.1"]), json!(["192.0.2.1"])),
        (json!(["192.0.2.1/32"]), json!(["192.0.2.1"])),
        (json!(["0.0.0.0/0"]), json!(["0.0.0.0/0"])),
        (json!(["2001:DB8:0:0:0::1/128"]), json!(["2001:db8::1"])),
        (json!(["::/0"]), json!(["::/0"])),
        (json!(["::ffff:192.0.2.1"]), json!(["192.0.2.1"])),
        (json!(["::ffff:10.0.0.0/104"]), json!(["10.0.0.0/8"])),
    ] {
        accepts(&mut root, &key, "ipWhitelist", value, answered).await;
    }
    let many: Vec<String> = (0..101).map(|number| format!("10.0.0.{number}")).collect();
    let hundred = root.create(json!({"ipWhitelist": many[..100]})).await;
    assert_eq!(hundred.object["ipWhitelist"].as_array().unwrap().len(), 100);
    refuses(&mut root, &key, "ipWhitelist", json!(many), "ipWhitelist").await;
    for value in [json!([]), json!("192.0.2.1"), json!({})] {
        refuses(&mut root, &key, "ipWhitelist", value, "ipWhitelist").await;
    }
    for malformed in [
        "",
        " 192.0.2.1",
        "192.0.2.1 ",
        "192.0.2.01",
        "192.0.2",
        "192.0.2.256",
        "0x7f.0.0.1",
        "192.0.2.0/33",
        "192.0.2.0/024",
        "192.0.2.0/08",
        "192.0.2.0/",
        "192.0.2.0/+24",
        "192.0.2.0/-1",
        "192.0.2.0/255.255.255.0",
        "192.0.2.1:80",
        "[2001:db8::1]",
        "[2001:db8::1]:443",
        "fe80::1%eth0",
        "2001:db8::/129",
        "2001:db8:::1",
        "localhost",
        "*",
        "192.0.2.1,192.0.2.2",
        "192.0.2.1-192.0.2.9",
    ] {
        refuses(&mut root, &key, "ipWhitelist", json!(["10.0.0.1", malformed]), "ipWhitelist[1]").await;
    }
    refuses(&mut root, &key, "ipWhitelist", json!([1]), "ipWhitelist[0]").await;
    for (sent, meant) in
        [("192.0.2.1/24", "192.0.2.0/24"), ("2001:db8::1/32", "2001:db8::/32"), ("10.0.0.1/0", "0.0.0.0/0")]
    {
        let answer = root.post(KEYS, body(json!({"ipWhitelist": [sent]}))).await;
        assert_eq!(answer.faulty(), ["ipWhitelist[0]"]);
        assert!(answer.text().contains(meant), "{sent}: {}", answer.text());
    }
}

#[tokio::test]
async fn expiries() {
    let (_server, mut root, key) = scene().await;
    for (value, answered) in [
        (Value::Null, Value::Null),
        (json!("2999-01-31T09:00:00Z"), json!("2999-01-31T09:00:00Z")),
        (json!("2999-01-31t09:00:00z"), json!("2999-01-31T09:00:00Z")),
        (json!("2999-01-31T09:00:00+05:30"), json!("2999-01-31T03:30:00Z")),
        (json!("2999-01-31T09:00:00.25-00:00"), json!("2999-01-31T09:00:00.250000Z")),
        (json!("9999-12-31T23:59:59Z"), json!("9999-12-31T23:59:59Z")),
    ] {
        accepts(&mut root, &key, "expiresAt", value, answered).await;
    }
    for value in [
        json!(from_now(0.0)),
        json!("2020-01-01T00:00:00Z"),
        json!("9999-12-31T23:59:59-00:01"),
        json!("10000-01-01T00:00:00Z"),
        json!("2999-01-31T09:00:00"),
        json!("2999-01-31"),
        json!("2999-01-31 09:00:00Z"),
        json!("2999-02-29T09:00:00Z"),
        json!("2999-01-31T25:00:00Z"),
        json!("2999-01-31T09:00Z"),
        json!("2999-01-31T09:00:00+0530"),
        json!("tomorrow"),
        json!(""),
        json!(32_472_144_000_u64),
        json!([]),
    ] {
        refuses(&mut root, &key, "expiresAt", value, "expiresAt").await;
    }
}

#[tokio::test]
async fn tiers() {
    let (_server, mut root, key) = scene().await;
    for value in [json!("standard"), json!("admin")] {
        accepts(&mut root, &key, "tier", value.clone(), value).await;
    }
    for value in [json!("Standard"), json!("gold"), json!(""), json!(1), json!({})] {
        refuses(&mut root, &key, "tier", value, "tier").await;
    }
}

#[tokio::test]
async fn overlaps_and_reasons() {
    let (_server, mut root, key) = scene().await;
    for value in [json!(0), json!(1), json!(604_800), Value::Null] {
        root.post(&key.path("/regenerate"), json!({"overlapSeconds": value})).await.expect(200);
    }
    for value in [json!(-1), json!(604_801), json!(1.5), json!("60"), json!(true), json!(1e30), json!([60])] {
        let answer = root.post(&key.path("/regenerate"), json!({"overlapSeconds": value})).await;
        assert_eq!(answer.faulty(), ["overlapSeconds"], "{value}");
    }
    for value in [json!(1), json!("x".repeat(501)), json!("a\u{202e}b"), json!([])] {
        let answer = root.post(&key.path("/revoke"), json!({"reason": value})).await;
        assert_eq!(answer.faulty(), ["reason"], "{value}");
    }
    assert_eq!(root.key(&key.id).await["status"], "active", "what was refused changed nothing");
    for (call, field) in [("/regenerate", "overlap"), ("/revoke", "why"), ("/reactivate", "reason")] {
        let answer = root.post(&key.path(call), json!({field: 1})).await;
        assert_eq!(answer.faulty(), [field], "{call}");
    }
}

#[tokio::test]
async fn every_fault_is_named_at_once() {
    let (_server, mut root, key) = scene().await;
    let faulty = json!({
        "name": "", "description": 1, "permissions": ["nope", "chats:read", 7], "channelScopes": ["nope", 7, "c1"],
        "ipWhitelist": ["10.0.0.1/8", "x"], "expiresAt": "2000-01-01T00:00:00Z", "tier": "gold", "colour": "red",
        "Name": "A",
    });
    let expected = [
        "Name",
        "channelScopes[0]",
        "channelScopes[1]",
        "colour",
        "description",
        "expiresAt",
        "ipWhitelist[0]",
        "ipWhitelist[1]",
        "name",
        "permissions[0]",
        "permissions[2]",
        "tier",
    ];
    for answer in [root.post(KEYS, faulty.clone()).await, root.patch(&key.path(""), faulty).await] {
        assert_eq!(answer.faulty(), expected);
    }
    assert_eq!(root.key(&key.id).await["name"], "Before");
}

#[tokio::test]
async fn unknown_fields_are_faults_on_every_call_with_a_body() {
    let (_server, mut root, key) = scene().await;
    for field in ["id", "status", "createdAt", "key", "usage", "ip_whitelist", "ipwhitelist", "__proto__"] {
        assert_eq!(root.post(KEYS, body(json!({field: null}))).await.faulty(), [field]);
        assert_eq!(root.patch(&key.path(""), json!({field: null})).await.faulty(), [field]);
        let ask = json!({"key": "qwt_", field: null});
        if field != "key" {
            assert_eq!(root.post("/api/v1/verify", ask).await.faulty(), [field]);
        }
        let channel = json!({"name": "A", "type": "whatsapp", field: null});
        assert_eq!(root.put("/api/v1/channels/c1", channel).await.faulty(), [field]);
    }
    assert_eq!(root.patch(&key.path(""), json!({"organizationId": null})).await.faulty(), ["organizationId"]);
}

async fn send(root: &mut Client, method: Method, path: &str, text: &str) -> Answer {
    root.send(Call::new(method, path).body("application/json", text.to_owned())).await
}

#[tokio::test]
async fn json_that_does_not_parse_is_400_on_every_call_with_a_body() {
    let (_server, mut root, key) = scene().await;
    let calls = [
        (Method::POST, KEYS.to_owned()),
        (Method::PATCH, key.path("")),
        (Method::POST, key.path("/regenerate")),
        (Method::POST, key.path("/revoke")),
        (Method::POST, key.path("/reactivate")),
        (Method::POST, "/api/v1/verify".to_owned()),
        (Method::PUT, "/api/v1/channels/c1".to_owned()),
    ];
    for (method, path) in calls {
        for text in [
            "{",
            "}",
            "{}{}",
            "{} x",
            "{},",
            "{\"name\": \"A\",}",
            "{\"name\": \"A\" \"tier\": \"admin\"}",
            "{'name': 'A'}",
            "{name: \"A\"}",
            "{\"name\": \"A\", \"name\": \"B\"}",
            "{\"name\": \"A\", \"\\u006eame\": \"B\"}",
            "{\"x\": {\"y\": 1, \"y\": 1}}",
            "{\"name\": \"\\ud800\"}",
            "{\"name\": \"a\nb\"}",
            "{\"cost\": 01}",
            "{\"cost\": NaN}",
            "// nothing\n{}",
            "\u{feff}{}",
            "null null",
            " ",
        ] {
            let answer = send(&mut root, method.clone(), &path, text).await;
            answer.problem(400, "malformed_request");
        }
        let deep = format!("{{\"name\": {}{}}}", "[".repeat(10_000), "]".repeat(10_000));
        send(&mut root, method.clone(), &path, &deep).await.problem(400, "malformed_request");
        let bytes = Call::new(method.clone(), &path).body("application/json", &b"{\"name\": \"\xff\"}"[..]);
        root.send(bytes).await.problem(400, "malformed_request");
        for text in ["[]", "[{}]", "\"text\"", "1", "true", "null"] {
            assert_eq!(
                send(&mut root, method.clone(), &path, text).await.faulty(),
                ["body"],
                "{path} {text}"
            );
        }
        send(&mut root, method, &path, "\r\n{ \"nope\" : 1 }\t").await.problem(422, "validation_failed");
    }
}

#[tokio::test]
async fn fields_of_verify() {
    let (_server, mut root, key) = scene().await;
    for (ask, path) in [
        (json!({}), "key"),
        (json!({"key": null}), "key"),
        (json!({"key": 1}), "key"),
        (json!({"key": key.value, "permissions": "chats:read"}), "permissions"),
        (json!({"key": key.value, "permissions": ["chats:read", 1]}), "permissions[1]"),
        (json!({"key": key.value, "channel": 1}), "channel"),
        (json!({"key": key.value, "channel": ""}), "channel"),
        (json!({"key": key.value, "channel": ["c1"]}), "channel"),
        (json!({"key": key.value, "ip": "192.0.2.1:80"}), "ip"),
        (json!({"key": key.value, "ip": "192.0.2.0/24"}), "ip"),
        (json!({"key": key.value, "ip": "[::1]"}), "ip"),
        (json!({"key": key.value, "ip": ""}), "ip"),
        (json!({"key": key.value, "ip": 1}), "ip"),
        (json!({"key": key.value, "cost": 0}), "cost"),
        (json!({"key": key.value, "cost": 1001}), "cost"),
    ] {
        assert_eq!(root.post("/api/v1/verify", ask.clone()).await.faulty(), [path], "{ask}");
    }
    let all = json!({"permissions": 1, "channel": 1, "ip": "x", "cost": "x", "more": 1});
    assert_eq!(
        root.post("/api/v1/verify", all).await.faulty(),
        ["channel", "cost", "ip", "key", "more", "permissions"]
    );
}

#[tokio::test]
async fn fields_of_a_channel() {
    let (_server, mut root, _) = scene().await;
    for id in ["a", "A-b_c.9", &"x".repeat(64)] {
        for kind in ["whatsapp", "instagram", "web_chat"] {
            let path = format!("/api/v1/channels/{id}");
            let channel = root.put(&path, json!({"name": " N ", "type": kind})).await.expect(200).data();
            assert_eq!(
                (&channel["id"], &channel["name"], &channel["type"]),
                (&json!(id), &json!("N"), &json!(kind))
            );
        }
    }
    for (fields, path) in [
        (json!({"type": "whatsapp"}), "name"),
        (json!({"name": "", "type": "whatsapp"}), "name"),
        (json!({"name": "a\u{200b}b", "type": "whatsapp"}), "name"),
        (json!({"name": "x".repeat(101), "type": "whatsapp"}), "name"),
        (json!({"name": "A"}), "type"),
        (json!({"name": "A", "type": null}), "type"),
        (json!({"name": "A", "type": "WhatsApp"}), "type"),
        (json!({"name": "A", "type": "sms"}), "type"),
    ] {
        assert_eq!(root.put("/api/v1/channels/c1", fields.clone()).await.faulty(), [path], "{fields}");
    }
}
