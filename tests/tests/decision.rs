//! The decision, contract section 4, and who the caller and the client are taken for.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use http::Method;
use qwetty_tests::{Call, Client, Launch, Server, unix_seconds};
use serde_json::{Value, json};

const VERIFY: &str = "/api/v1/verify";
const ME: &str = "/api/v1/me";

async fn channel(root: &mut Client, id: &str) {
    root.put(&format!("/api/v1/channels/{id}"), json!({"name": id, "type": "instagram"})).await.expect(200);
}

fn members(object: &Value) -> Vec<&str> {
    let mut members: Vec<&str> = object.as_object().unwrap().keys().map(String::as_str).collect();
    members.sort_unstable();
    members
}

#[tokio::test]
async fn the_first_check_that_fails_decides() {
    let server = Launch::serve().with(["--tier-standard", "1/3600"]).start().await;
    let mut root = server.root();
    channel(&mut root, "wa-1").await;
    channel(&mut root, "wa-2").await;
    let restricted = json!({"channelScopes": ["wa-1"], "ipWhitelist": ["192.0.2.0/24"]});
    let deleted = root.create(restricted.clone()).await;
    let revoked = root.create_expired(restricted.clone()).await;
    let expired = root.create_expired(restricted.clone()).await;
    let usable = root.create(restricted).await;
    root.act(&revoked.path("/revoke")).await.expect(200);
    root.delete(&deleted.path("")).await.expect(204);
    let good = json!({"permissions": ["chats:read"], "channel": "wa-1", "ip": "192.0.2.1"});
    let no_channel = json!({"permissions": ["chats:read"], "channel": "wa-2", "ip": "192.0.2.1"});
    let no_permission =
        json!({"permissions": ["chats:read", "messages:send"], "channel": "wa-2", "ip": "192.0.2.1"});
    let no_address = json!({"permissions": ["messages:send"], "channel": "wa-2", "ip": "192.0.3.1"});
    for (value, ask, code) in [
        (deleted.value.as_str(), &no_address, "not_found"),
        (&revoked.value, &no_address, "revoked"),
        (&expired.value, &no_address, "expired"),
        (&usable.value, &no_address, "ip_not_allowed"),
        (&usable.value, &no_permission, "insufficient_permissions"),
        (&usable.value, &no_channel, "channel_not_allowed"),
        (&usable.value, &good, "valid"),
        (&usable.value, &good, "rate_limited"),
        (&usable.value, &no_channel, "channel_not_allowed"),
        (&usable.value, &no_permission, "insufficient_permissions"),
        (&usable.value, &no_address, "ip_not_allowed"),
    ] {
        assert_eq!(root.verify(value, ask.clone()).await["code"], code, "{ask}");
    }
}

#[tokio::test]
async fn an_admission_tells_what_the_service_needs() {
    let server = Server::start().await;
    let mut root = server.root();
    channel(&mut root, "wa-1").await;
    let key = root
        .create(json!({
            "name": "Shop", "permissions": ["messages:send", "chats:read"], "channelScopes": ["wa-1"],
            "expiresAt": "2999-01-01T00:00:00Z",
        }))
        .await;
    let before = unix_seconds();
    let mut answer = root.verify(&key.value, json!({})).await;
    let reset = answer["rateLimit"]["reset"].take().as_i64().unwrap();
    assert!((before + 3600..=unix_seconds() + 3601).contains(&reset), "{reset}");
    let expected = json!({
        "valid": true, "code": "valid", "keyId": key.id, "organizationId": key.object["organizationId"],
        "name": "Shop", "permissions": ["chats:read", "messages:send"], "channelScopes": ["wa-1"],
        "tier": "standard", "expiresAt": "2999-01-01T00:00:00Z",
        "rateLimit": {"limit": 1000, "remaining": 999, "reset": null},
    });
    assert_eq!(answer, expected);
    let open = root.create(json!({})).await;
    let answer = root.verify(&open.value, json!({})).await;
    assert!(answer["channelScopes"].is_null() && answer["expiresAt"].is_null());
    assert_eq!(members(&answer), members(&expected), "null members are there");
}

#[tokio::test]
async fn a_refusal_names_the_key_unless_it_is_unknown() {
    let server = Launch::serve().with(["--tier-standard", "1/3600"]).start().await;
    let mut root = server.root();
    let key = root.create(json!({"name": "Shop"})).await;
    let refused = root.verify(&key.value, json!({"permissions": ["contacts:manage"]})).await;
    let expected = json!({
        "valid": false, "code": "insufficient_permissions", "keyId": key.id,
        "organizationId": key.object["organizationId"], "name": "Shop",
    });
    assert_eq!(refused, expected);
    assert_eq!(root.code(&key.value).await, "valid");
    let limited = root.verify(&key.value, json!({})).await;
    let retry_after = limited["retryAfter"].as_i64().unwrap();
    assert!((3590..=3601).contains(&retry_after), "{limited}");
    assert_eq!(members(&limited), ["code", "keyId", "name", "organizationId", "retryAfter", "valid"]);
    let unknown = root.verify("qwt_", json!({})).await;
    assert_eq!(unknown, json!({"valid": false, "code": "not_found"}));
}

#[tokio::test]
async fn every_other_text_is_an_unknown_value() {
    let server = Server::start().await;
    let mut root = server.root();
    let key = root.create(json!({})).await;
    let value = key.value.as_str();
    let (start, end) = value.split_at(20);
    let flipped = if end.starts_with('0') { '1' } else { '0' };
    let max = "7".repeat(43);
    for text in [
        "",
        "qwt_",
        " ",
        &value[..52],
        &format!("{value}0"),
        &format!(" {value}"),
        &format!("{value}\n"),
        &value.to_lowercase(),
        &value.replacen("qwt_", "qwx_", 1),
        &format!("{start}{flipped}{}", &end[1..]),
        &format!("qwt_{max}000000"),
        &"q".repeat(60_000),
        "qwt_ÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄ",
    ] {
        assert_eq!(root.verify(text, json!({})).await["code"], "not_found", "{text}");
    }
    assert_eq!(root.code(value).await, "valid");
}

#[tokio::test]
async fn permissions_match_exactly_and_all_must_be_held() {
    let server = Server::start().await;
    let mut root = server.root();
    let key = root.create(json!({"permissions": ["chats:read", "messages:send"]})).await;
    for (asked, code) in [
        (json!([]), "valid"),
        (Value::Null, "valid"),
        (json!(["chats:read"]), "valid"),
        (json!(["messages:send", "chats:read", "chats:read"]), "valid"),
        (json!(["chats:read", "contacts:manage"]), "insufficient_permissions"),
        (json!(["chats"]), "insufficient_permissions"),
        (json!(["chats:"]), "insufficient_permissions"),
        (json!(["chats:*"]), "insufficient_permissions"),
        (json!(["*"]), "insufficient_permissions"),
        (json!([""]), "insufficient_permissions"),
        (json!(["Chats:Read"]), "insufficient_permissions"),
        (json!(["chats:read "]), "insufficient_permissions"),
        (json!(["api_keys:read"]), "insufficient_permissions"),
    ] {
        assert_eq!(root.verify(&key.value, json!({"permissions": asked})).await["code"], code, "{asked}");
    }
}

#[tokio::test]
async fn a_whitelist_admits_its_networks_alone() {
    let server = Server::start().await;
    let mut root = server.root();
    let key = root.create(json!({"ipWhitelist": ["192.0.2.0/24", "2001:db8::/32", "198.51.100.7"]})).await;
    for (address, code) in [
        (json!("192.0.2.0"), "valid"),
        (json!("192.0.2.255"), "valid"),
        (json!("::ffff:192.0.2.9"), "valid"),
        (json!("198.51.100.7"), "valid"),
        (json!("2001:db8:ffff::1"), "valid"),
        (json!("192.0.3.0"), "ip_not_allowed"),
        (json!("198.51.100.8"), "ip_not_allowed"),
        (json!("2001:db9::"), "ip_not_allowed"),
        (json!("::192.0.2.9"), "ip_not_allowed"),
        (Value::Null, "ip_not_allowed"),
    ] {
        assert_eq!(root.verify(&key.value, json!({"ip": address})).await["code"], code, "{address}");
    }
    assert_eq!(root.code(&key.value).await, "ip_not_allowed", "an address that is not told is not in it");
    let open = root.create(json!({})).await;
    assert_eq!(root.code(&open.value).await, "valid");
}

#[tokio::test]
async fn a_scope_admits_its_channels_and_what_is_tied_to_none() {
    let server = Server::start().await;
    let mut root = server.root();
    channel(&mut root, "wa-1").await;
    let key = root.create(json!({"channelScopes": ["wa-1"]})).await;
    for (channel, code) in [
        (json!("wa-1"), "valid"),
        (Value::Null, "valid"),
        (json!("wa-2"), "channel_not_allowed"),
        (json!("WA-1"), "channel_not_allowed"),
        (json!("wa-"), "channel_not_allowed"),
    ] {
        assert_eq!(root.verify(&key.value, json!({"channel": channel})).await["code"], code, "{channel}");
    }
    root.delete("/api/v1/channels/wa-1").await.expect(204);
    assert_eq!(root.verify(&key.value, json!({"channel": "wa-2"})).await["code"], "channel_not_allowed");
    assert_eq!(root.key(&key.id).await["channelScopes"], json!(["wa-1"]), "just as restricted");
}

#[tokio::test]
async fn a_cost_takes_as_many_units_or_none() {
    let server = Launch::serve().with(["--tier-standard", "10/3600"]).start().await;
    let mut root = server.root();
    let key = root.create(json!({})).await;
    for (cost, code, remaining) in [
        (json!(4), "valid", Some(6)),
        (Value::Null, "valid", Some(5)),
        (json!(6), "rate_limited", None),
        (json!(10), "rate_limited", None),
        (json!(5), "valid", Some(0)),
        (json!(1), "rate_limited", None),
    ] {
        let answer = root.verify(&key.value, json!({"cost": cost})).await;
        assert_eq!(
            (&answer["code"], answer["rateLimit"]["remaining"].as_i64()),
            (&json!(code), remaining),
            "{cost}"
        );
    }
    let fresh = root.create(json!({})).await;
    for cost in
        [json!(0), json!(11), json!(-1), json!(1.5), json!("1"), json!(true), json!(5_001), json!(1e300)]
    {
        let answer = root.post(VERIFY, json!({"key": fresh.value, "cost": cost})).await;
        assert_eq!(answer.faulty(), ["cost"], "{cost}");
    }
    let usage = &root.key(&fresh.id).await["usage"];
    assert_eq!((&usage["requestCount"], &usage["deniedCount"]), (&json!(0), &json!(0)));
    let whole = root.verify(&fresh.value, json!({"cost": 10})).await;
    assert_eq!((&whole["code"], &whole["rateLimit"]["remaining"]), (&json!("valid"), &json!(0)));
}

#[tokio::test]
async fn usage_counts_admissions_and_refusals_of_the_presented_key() {
    let server = Launch::serve().with(["--tier-standard", "3/3600"]).start().await;
    let mut root = server.root();
    channel(&mut root, "wa-1").await;
    let key = root.create(json!({"channelScopes": ["wa-1"], "ipWhitelist": ["127.0.0.1"]})).await;
    let here = "127.0.0.1";
    for (ask, code) in [
        (json!({"ip": here}), "valid"),
        (json!({"ip": "10.0.0.1"}), "ip_not_allowed"),
        (json!({"ip": here, "permissions": ["messages:send"]}), "insufficient_permissions"),
        (json!({"ip": here, "channel": "wa-2"}), "channel_not_allowed"),
        (json!({"ip": here, "cost": 3}), "rate_limited"),
    ] {
        assert_eq!(root.verify(&key.value, ask).await["code"], code);
    }
    let usage = root.key(&key.id).await["usage"].clone();
    assert_eq!((&usage["requestCount"], &usage["deniedCount"]), (&json!(1), &json!(4)));
    let last = usage["lastUsedAt"].clone();
    assert!(last.is_string());

    let mut caller = server.client(&key.value);
    caller.get(ME).await.expect(200);
    caller.get("/api/v1/api-keys").await.problem(403, "insufficient_permissions");
    let usage = root.key(&key.id).await["usage"].clone();
    assert_eq!((&usage["requestCount"], &usage["deniedCount"]), (&json!(2), &json!(5)));
    assert!(usage["lastUsedAt"].as_str() > last.as_str());

    root.act(&key.path("/revoke")).await.expect(200);
    caller.get(ME).await.problem(401, "invalid_api_key");
    assert_eq!(root.verify(&key.value, json!({})).await["code"], "revoked");
    let usage = root.key(&key.id).await["usage"].clone();
    assert_eq!((&usage["requestCount"], &usage["deniedCount"]), (&json!(2), &json!(7)));
}

#[tokio::test]
async fn a_call_is_counted_to_its_caller_whatever_its_answer() {
    let server = Launch::serve().with(["--tier-standard", "4/3600"]).start().await;
    let mut root = server.root();
    let key = root.create(json!({"permissions": ["api_keys:read", "api_keys:manage"]})).await;
    let mut caller = server.client(&key.value);
    let me = caller.get(ME).await.expect(200);
    assert_eq!((me.number("x-ratelimit-remaining"), &me.data()["id"]), (3, &json!(key.id)));
    let missing =
        caller.get("/api/v1/api-keys/key_01k9z3b6yqf8r9n2m4t5v6w7x8").await.problem(404, "not_found");
    assert_eq!(missing.number("x-ratelimit-remaining"), 2);
    let faulty = caller.post("/api/v1/api-keys", json!({})).await.problem(422, "validation_failed");
    assert_eq!(faulty.number("x-ratelimit-remaining"), 1);
    let unknown = caller.get("/api/v1/me?x=1").await.problem(400, "malformed_request");
    assert_eq!(unknown.number("x-ratelimit-remaining"), 0);
    caller.get(ME).await.problem(429, "rate_limited");
    let usage = root.key(&key.id).await["usage"].clone();
    assert_eq!((&usage["requestCount"], &usage["deniedCount"]), (&json!(4), &json!(1)));
}

#[tokio::test]
async fn the_caller_of_verify_is_judged_but_neither_counted_nor_limited() {
    let server = Launch::serve().with(["--tier-standard", "3/3600"]).start().await;
    let mut root = server.root();
    let presented = root.create(json!({"tier": "admin"})).await;
    let gateway = root.create(json!({"permissions": ["api_keys:verify"]})).await;
    let mut caller = server.client(&gateway.value);
    for _ in 0..5 {
        let answer = caller.post(VERIFY, json!({"key": presented.value})).await.expect(200);
        assert_eq!(answer.data()["code"], "valid");
        assert!(answer.headers.keys().all(|name| !name.as_str().contains("ratelimit")), "{answer:?}");
    }
    let usage = &root.key(&gateway.id).await["usage"];
    assert_eq!(usage, &json!({"requestCount": 0, "deniedCount": 0, "lastUsedAt": null}));
    assert_eq!(root.key(&presented.id).await["usage"]["requestCount"], 5);

    let ask = json!({"key": presented.value});
    server.client(&presented.value).post(VERIFY, ask.clone()).await.problem(403, "insufficient_permissions");
    let elsewhere =
        root.create(json!({"permissions": ["api_keys:verify"], "ipWhitelist": ["10.0.0.1"]})).await;
    server.client(&elsewhere.value).post(VERIFY, ask.clone()).await.problem(403, "ip_not_allowed");
    root.act(&gateway.path("/revoke")).await.expect(200);
    caller.post(VERIFY, ask.clone()).await.problem(401, "invalid_api_key");
    server.anyone().post(VERIFY, ask).await.problem(401, "missing_authorization");
    assert_eq!(root.key(&presented.id).await["usage"]["requestCount"], 5);
}

#[tokio::test]
async fn a_key_may_verify_itself() {
    let server = Server::start().await;
    let mut root = server.root();
    let key = root.create(json!({"permissions": ["api_keys:verify"]})).await;
    let answer =
        server.client(&key.value).verify(&key.value, json!({"permissions": ["api_keys:verify"]})).await;
    assert_eq!((&answer["code"], &answer["rateLimit"]["remaining"]), (&json!("valid"), &json!(999)));
}

#[tokio::test]
async fn the_catalogue_is_the_contracts_in_its_order() {
    let server = Server::start().await;
    let mut root = server.root();
    let key = root.create(json!({})).await;
    let catalogue = server.client(&key.value).get("/api/v1/permissions").await.expect(200).data();
    let listed: Vec<(&str, &str)> = catalogue
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["name"].as_str().unwrap(), entry["label"].as_str().unwrap()))
        .collect();
    assert_eq!(
        listed[..5],
        [
            ("chats:read", "Read chats and messages"),
            ("messages:send", "Send messages"),
            ("contacts:manage", "Manage contacts"),
            ("templates:read", "Access templates"),
            ("templates:send", "Send template messages"),
        ]
    );
    let administration: Vec<&str> = listed[5..].iter().map(|(name, _)| *name).collect();
    assert_eq!(
        administration,
        [
            "api_keys:read",
            "api_keys:manage",
            "api_keys:verify",
            "channels:manage",
            "audit:read",
            "organizations:manage"
        ]
    );
}

/// The status of `GET /me` with these headers.
async fn me(server: &Server, value: &str, headers: &[(&'static str, &str)]) -> u16 {
    let call =
        headers.iter().fold(Call::new(Method::GET, ME), |call, (name, value)| call.header(name, value));
    server.client(value).send(call).await.status
}

#[tokio::test]
async fn a_forwarded_address_counts_only_from_a_trusted_peer() {
    let server = Server::start().await;
    let mut root = server.root();
    let here = root.create(json!({"ipWhitelist": ["127.0.0.1"]})).await;
    let there = root.create(json!({"ipWhitelist": ["203.0.113.7"]})).await;
    for headers in [&[][..], &[("x-forwarded-for", "203.0.113.7")], &[("x-forwarded-for", "rubbish")]] {
        assert_eq!(me(&server, &here.value, headers).await, 200, "{headers:?}");
        assert_eq!(me(&server, &there.value, headers).await, 403, "{headers:?}");
    }
}

#[tokio::test]
async fn a_forwarded_address_is_read_from_right_to_left_past_trusted_ones() {
    let server =
        Launch::serve().with(["--trusted-proxy", "127.0.0.1", "--trusted-proxy", "10.0.0.0/8"]).start().await;
    let mut root = server.root();
    let v4 = root.create(json!({"ipWhitelist": ["203.0.113.7"]})).await;
    let v6 = root.create(json!({"ipWhitelist": ["2001:db8::7"]})).await;
    let peer = root.create(json!({"ipWhitelist": ["127.0.0.1"]})).await;
    let inner = root.create(json!({"ipWhitelist": ["10.0.0.9"]})).await;
    let open = root.create(json!({})).await;
    for (key, forwarded, status) in [
        (&v4, "203.0.113.7", 200),
        (&v4, "203.0.113.7:4711", 200),
        (&v4, "::ffff:203.0.113.7", 200),
        (&v4, "[::ffff:203.0.113.7]:80", 200),
        (&v4, "198.51.100.1, 203.0.113.7", 200),
        (&v4, "198.51.100.1,203.0.113.7 , 10.1.2.3,127.0.0.1", 200),
        (&v4, "203.0.113.7, 198.51.100.1", 403),
        (&v4, "203.0.113.7, 198.51.100.1, 10.0.0.1", 403),
        (&v4, "203.0.113.7, rubbish", 403),
        (&v4, "203.0.113.07", 403),
        (&v4, "203.0.113.7,", 403),
        (&v4, "", 403),
        (&v6, "2001:db8::7", 200),
        (&v6, "[2001:db8::7]", 200),
        (&v6, "[2001:db8::7]:443", 200),
        (&v6, "2001:DB8:0:0::7", 200),
        (&v6, "[2001:db8::7", 403),
        (&inner, "10.0.0.9, 10.0.0.1", 200),
        (&inner, "10.0.0.1, 10.0.0.9", 403),
        (&peer, "unknown", 403),
        (&open, "unknown", 200),
    ] {
        let headers = [("x-forwarded-for", forwarded)];
        assert_eq!(me(&server, &key.value, &headers).await, status, "{forwarded:?}");
    }
    assert_eq!(me(&server, &peer.value, &[]).await, 200, "without the header it is the peer's");
    let two = [("x-forwarded-for", "203.0.113.7"), ("x-forwarded-for", "10.0.0.1")];
    assert_eq!(me(&server, &v4.value, &two).await, 200, "two headers are one list");
    for other in ["x-real-ip", "forwarded", "x-client-ip", "cf-connecting-ip", "true-client-ip"] {
        assert_eq!(me(&server, &v4.value, &[(other, "203.0.113.7")]).await, 403, "{other}");
        assert_eq!(me(&server, &peer.value, &[(other, "203.0.113.7")]).await, 200, "{other}");
    }
}

#[tokio::test]
async fn health_needs_no_key() {
    let server = Server::start().await;
    for path in ["/healthz", "/readyz"] {
        let answer = server.anyone().get(path).await.expect(200);
        assert!(answer.header("x-request-id").is_some());
    }
}
