//! JSON bodies: the first line of the input is `create`, `patch` or `verify`, the rest the body that an operator sends. `$ROOT`
//! and `$SCOPED` in it stand for key values.

use std::net::IpAddr;

use serde_json::{Map, Value};

use crate::world::World;

pub(crate) const WORDS: &[&str] = &[
    "create\n",
    "patch\n",
    "verify\n",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "null",
    "true",
    "1e999",
    "-0",
    "\\u0000",
    "\\ud800",
    "\"name\":\"A\"",
    "\"description\":\"d\"",
    "\"permissions\":[\"chats:read\"]",
    "\"channelScopes\":[\"wa-1\"]",
    "\"ipWhitelist\":[\"10.0.0.0/8\"]",
    "\"expiresAt\":\"2031-01-01T00:00:00Z\"",
    "\"tier\":\"admin\"",
    "\"organizationId\":null",
    "\"key\":\"$SCOPED\"",
    "\"key\":\"$ROOT\"",
    "\"channel\":\"wa-1\"",
    "\"ip\":\"192.0.2.7\"",
    "\"cost\":1",
    "\u{0}",
    "\u{202e}",
];

/// What a client can say of a key.
const FIELDS: [&str; 7] =
    ["name", "description", "permissions", "channelScopes", "ipWhitelist", "expiresAt", "tier"];

pub(crate) fn run(data: &[u8]) {
    let (call, body) = match data.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (&b"create"[..], data),
    };
    World::with(|world| {
        let body = replaced(body, &[("$ROOT", &world.root), ("$SCOPED", &world.scoped)]);
        match call {
            b"patch" => patch(world, &body),
            b"verify" => verify(world, &body),
            _ => create(world, &body),
        }
    });
}

fn create(world: &mut World, body: &[u8]) {
    let answer = world.call("POST", "/api/v1/api-keys", body.to_vec());
    judge_change(world, answer.status, answer.text());
    if answer.status != 201 {
        return;
    }
    world.changed(1);
    let (sent, made) = (object(body), answer.json()["data"].take());
    held(&sent, &made);
    // What was made can be asked for again in its own words, and is the same.
    let again: Map<String, Value> =
        FIELDS.iter().map(|name| ((*name).to_owned(), made[*name].clone())).collect();
    let answer = world.call("POST", "/api/v1/api-keys", Value::Object(again).to_string());
    assert_eq!(answer.status, 201, "{}", answer.text());
    let twin = answer.json()["data"].take();
    for name in FIELDS {
        assert_eq!(made[name], twin[name], "{name}");
    }
}

fn patch(world: &mut World, body: &[u8]) {
    let path = format!("/api/v1/api-keys/{}", world.scoped_id);
    let before = world.call("GET", &path, "").json()["data"].take();
    let answer = world.call("PATCH", &path, body.to_vec());
    judge_change(world, answer.status, answer.text());
    let after = world.call("GET", &path, "").json()["data"].take();
    if answer.status != 200 {
        for name in FIELDS {
            assert_eq!(before[name], after[name], "{name} was changed by what was refused");
        }
        return;
    }
    let sent = object(body);
    held(&sent, &after);
    for name in FIELDS {
        assert!(sent.contains_key(name) || before[name] == after[name], "{name} was changed unasked");
    }
    if FIELDS.iter().any(|name| before[*name] != after[*name]) {
        // The other questions are about the key as it was.
        world.changed(u32::MAX);
    }
}

/// What was asked for is what there is: no restriction is lost, and no permission gained.
fn held(sent: &Map<String, Value>, made: &Value) {
    for name in sent.keys() {
        assert!(FIELDS.contains(&name.as_str()) || name == "organizationId", "{name:?} was ignored");
    }
    for name in ["permissions", "channelScopes", "ipWhitelist"] {
        let Some(wanted) = sent.get(name) else { continue };
        if wanted.is_null() {
            assert!(made[name].is_null(), "{name}");
            continue;
        }
        let (wanted, made) = (wanted.as_array().unwrap(), made[name].as_array().unwrap());
        assert!(!made.is_empty() && made.len() <= wanted.len(), "{name}: {wanted:?} became {made:?}");
        if name != "ipWhitelist" {
            assert!(wanted.iter().all(|one| made.contains(one)), "{name}: {wanted:?} became {made:?}");
        }
    }
}

fn verify(world: &mut World, body: &[u8]) {
    let answer = world.call("POST", "/api/v1/verify", body.to_vec());
    judge(world, answer.status, answer.text());
    if answer.status != 200 {
        return;
    }
    let (sent, data) = (object(body), answer.json()["data"].take());
    assert_eq!(data["valid"] == true, data["code"] == "valid");
    if data["valid"] != true {
        return;
    }
    let key = sent["key"].as_str().unwrap();
    if key == world.root {
        return;
    }
    assert_eq!(key, world.scoped, "a key that there is not");
    let permissions = sent.get("permissions").and_then(Value::as_array).cloned().unwrap_or_default();
    assert!(permissions.iter().all(|name| name == "chats:read"), "{permissions:?}");
    assert!(matches!(sent.get("channel"), None | Some(Value::Null)) || sent["channel"] == "wa-1");
    let address: IpAddr = sent["ip"].as_str().unwrap().parse().unwrap();
    assert!(
        matches!(address.to_canonical(), IpAddr::V4(v4) if v4.octets().starts_with(&[192, 0, 2])),
        "{address}"
    );
}

/// The same of an answer that shows a key. A name or description is the client's own words, whatever they are.
fn judge_change(world: &World, status: u16, text: &str) {
    let mut shown: Value = serde_json::from_str(text).expect("an answer is JSON");
    for words in ["name", "description"] {
        if let Some(words) = shown["data"].get_mut(words) {
            words.take();
        }
    }
    judge(world, status, &shown.to_string());
}

/// Never a fault of the server's, and never a key value that was sent.
fn judge(world: &World, status: u16, text: &str) {
    assert!(status < 500, "{text}");
    assert!(!text.contains(&world.scoped) && !text.contains(&world.root), "{text}");
}

/// The members of a body that was taken, each name of which stands once.
fn object(body: &[u8]) -> Map<String, Value> {
    let value: Value = serde_json::from_slice(body).expect("what was taken is JSON");
    value.as_object().expect("what was taken is an object").clone()
}

/// The bytes with these words replaced.
pub(crate) fn replaced(bytes: &[u8], words: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (word, by) in words {
        let mut from = 0;
        while let Some(at) = bytes[from..].windows(word.len()).position(|window| window == word.as_bytes()) {
            bytes.splice(from + at..from + at + word.len(), by.bytes());
            from += at + by.len();
        }
    }
    bytes
}
