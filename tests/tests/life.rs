//! The life of a key over HTTP: contract sections 2 and 5.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use qwetty_tests::{
    Answer, Client, NewKey, Server, assert_key, assert_key_value, assert_time, eventually, from_now,
};
use serde_json::{Value, json};

const KEYS: &str = "/api/v1/api-keys";
const DAY: f64 = 86_400.0;

async fn channel(root: &mut Client, id: &str) {
    root.put(&format!("/api/v1/channels/{id}"), json!({"name": id, "type": "whatsapp"})).await.expect(200);
}

async fn names(root: &mut Client, query: &str) -> Vec<String> {
    let list = root.get(&format!("{KEYS}?{query}")).await.expect(200).data();
    list.as_array().unwrap().iter().map(|key| key["name"].as_str().unwrap().to_owned()).collect()
}

/// The object without what is said of it only once, or changes by itself.
fn settings(object: &Value) -> Value {
    let mut object = object.clone();
    for member in ["key", "usage", "updatedAt"] {
        object.as_object_mut().unwrap().remove(member);
    }
    object
}

#[tokio::test]
async fn a_key_of_the_least_fields_has_the_defaults() {
    let server = Server::start().await;
    let mut root = server.root();
    let me = root.get("/api/v1/me").await.expect(200).data();
    assert_key(&me, false);
    let body = json!({"name": "CRM Integration", "permissions": ["messages:send", "chats:read"]});
    let answer = root.post(KEYS, body).await.expect(201);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let key = NewKey::from(answer.clone());
    assert_eq!(answer.header("location"), Some(key.path("").as_str()));
    assert_key(&key.object, true);
    assert_key_value(&key.value);
    for (member, expected) in [
        ("organizationId", me["organizationId"].clone()),
        ("name", json!("CRM Integration")),
        ("description", Value::Null),
        ("status", json!("active")),
        ("permissions", json!(["chats:read", "messages:send"])),
        ("channelScopes", Value::Null),
        ("ipWhitelist", Value::Null),
        ("tier", json!("standard")),
        ("rateLimit", json!({"limit": 1000, "windowSeconds": 3600})),
        ("expiresAt", Value::Null),
        ("updatedAt", key.object["createdAt"].clone()),
        ("createdBy", me["id"].clone()),
        ("revokedAt", Value::Null),
        ("revocationReason", Value::Null),
        ("regeneratedAt", Value::Null),
        ("previousValueExpiresAt", Value::Null),
        ("previousValueLastUsedAt", Value::Null),
        ("usage", json!({"requestCount": 0, "deniedCount": 0, "lastUsedAt": null})),
    ] {
        assert_eq!(key.object[member], expected, "{member}");
    }
    let seen = root.get(&key.path("")).await.expect(200);
    assert_eq!(seen.header("cache-control"), Some("no-store"));
    assert_key(&seen.data(), false);
    assert_eq!(settings(&seen.data()), settings(&key.object));
}

#[tokio::test]
async fn a_key_of_all_fields_has_them_in_canonical_form() {
    let server = Server::start().await;
    let mut root = server.root();
    channel(&mut root, "wa-1").await;
    channel(&mut root, "web.2_X").await;
    let key = root
        .create(json!({
            "name": "  Schlüssel 🔑  ",
            "description": "Two\nlines",
            "permissions": ["templates:send", "chats:read", "templates:send"],
            "channelScopes": ["wa-1", "web.2_X"],
            "ipWhitelist": ["10.0.0.0/8", "192.0.2.1", "192.0.2.9/32", "::ffff:198.51.100.7", "2001:DB8:0::1", "2001:db8::/32"],
            "expiresAt": "2999-12-31T23:30:00-01:30",
            "tier": "admin",
        }))
        .await;
    assert_key(&key.object, true);
    for (member, expected) in [
        ("name", json!("Schlüssel 🔑")),
        ("description", json!("Two\nlines")),
        ("permissions", json!(["chats:read", "templates:send"])),
        ("tier", json!("admin")),
        ("rateLimit", json!({"limit": 5000, "windowSeconds": 3600})),
        ("expiresAt", json!("3000-01-01T01:00:00Z")),
    ] {
        assert_eq!(key.object[member], expected, "{member}");
    }
    assert_eq!(sorted(&key.object["channelScopes"]), ["wa-1", "web.2_X"]);
    let networks = ["10.0.0.0/8", "192.0.2.1", "192.0.2.9", "198.51.100.7", "2001:db8::/32", "2001:db8::1"];
    assert_eq!(sorted(&key.object["ipWhitelist"]), networks);
    assert_eq!(settings(&root.key(&key.id).await), settings(&key.object));
}

fn sorted(list: &Value) -> Vec<&str> {
    let mut list: Vec<&str> = list.as_array().unwrap().iter().map(|item| item.as_str().unwrap()).collect();
    list.sort_unstable();
    list
}

#[tokio::test]
async fn values_ids_and_starts_are_never_the_same() {
    let server = Server::start().await;
    let mut root = server.root();
    let (mut values, mut ids) = (vec![server.root_key().to_owned()], Vec::new());
    for _ in 0..20 {
        let key = root.create(json!({})).await;
        assert_key_value(&key.value);
        values.push(key.value);
        ids.push(key.id);
    }
    assert!(ids.is_sorted(), "ids are ordered by time");
    for mut list in [values, ids] {
        let before = list.len();
        list.sort();
        list.dedup();
        assert_eq!(list.len(), before);
    }
}

#[tokio::test]
async fn status_follows_the_expiry() {
    let server = Server::start().await;
    let mut root = server.root();
    for (expiry, status) in [
        (None, "active"),
        (Some(8.0 * DAY), "active"),
        (Some(6.9 * DAY), "expiring_soon"),
        (Some(60.0), "expiring_soon"),
    ] {
        let key = root.create(json!({"expiresAt": expiry.map(from_now)})).await;
        assert_eq!(key.object["status"], status, "{expiry:?}");
        assert_eq!(root.code(&key.value).await, "valid");
    }
    let key = root.create_expired(json!({})).await;
    assert_eq!(root.code(&key.value).await, "expired");
}

#[tokio::test]
async fn a_list_is_searched_sorted_filtered_and_paged() {
    let server = Server::start().await;
    let mut root = server.root();
    let soon = root.create(json!({"name": "beta 100%", "expiresAt": from_now(DAY)})).await;
    let revoked = root.create(json!({"name": "Alpha", "description": "ÜBER_alles"})).await;
    let late = root.create(json!({"name": "gamma", "expiresAt": from_now(30.0 * DAY)})).await;
    root.create_expired(json!({"name": "zeta 7"})).await;
    root.act(&revoked.path("/revoke")).await.expect(200);
    for _ in 0..3 {
        assert_eq!(root.code(&late.value).await, "valid");
    }
    assert_eq!(root.code(&soon.value).await, "valid");

    // No start holds what is searched for: it has a character that no start has, or is too long.
    let all = root.get(KEYS).await.expect(200).json();
    assert_eq!(all["meta"], json!({"page": 1, "limit": 10, "total": 5, "totalPages": 1}));
    for key in all["data"].as_array().unwrap() {
        assert_key(key, false);
    }
    for (query, expected) in [
        ("", "zeta 7 gamma Alpha beta 100% Root key"),
        ("sort=createdAt&order=asc", "Root key beta 100% Alpha gamma zeta 7"),
        ("sort=expiresAt&order=asc&limit=3", "zeta 7 beta 100% gamma"),
        ("sort=expiresAt&order=desc&limit=3", "gamma beta 100% zeta 7"),
        ("sort=requestCount&limit=3", "Root key gamma beta 100%"),
        ("sort=lastUsedAt&order=desc&limit=3", "Root key beta 100% gamma"),
        ("status=expired", "zeta 7"),
        ("status=revoked", "Alpha"),
        ("status=expiring_soon", "beta 100%"),
        ("status=active", "gamma Root key"),
        ("search=ALPHA", "Alpha"),
        ("search=%C3%BCber_", "Alpha"),
        ("search=100%25", "beta 100%"),
        ("search=%25", "beta 100%"),
        ("search=a_p", ""),
        ("search=nothing+like+it", ""),
        ("search=eta+&order=asc", "beta 100% zeta 7"),
        ("search=eta+&status=expired", "zeta 7"),
        ("limit=2&page=2&order=asc", "Alpha gamma"),
        ("limit=2&page=9", ""),
    ] {
        assert_eq!(names(&mut root, query).await.join(" "), expected, "{query}");
    }
    let found = names(&mut root, &format!("search={}", late.object["start"].as_str().unwrap())).await;
    assert!(found.contains(&"gamma".to_owned()), "found by its start");
    let by_name = names(&mut root, "sort=name&order=asc").await;
    assert_eq!(by_name.iter().rev().cloned().collect::<Vec<_>>(), names(&mut root, "sort=name").await);
    let meta = |answer: Answer| answer.expect(200).json()["meta"].clone();
    assert_eq!(
        meta(root.get(&format!("{KEYS}?limit=2&page=3")).await),
        json!({"page": 3, "limit": 2, "total": 5, "totalPages": 3})
    );
    assert_eq!(
        meta(root.get(&format!("{KEYS}?limit=2&page=7&search=eta+")).await),
        json!({"page": 7, "limit": 2, "total": 2, "totalPages": 1})
    );
}

#[tokio::test]
async fn an_update_changes_what_it_names_clears_what_is_null_and_leaves_the_rest() {
    let server = Server::start().await;
    let mut root = server.root();
    channel(&mut root, "wa-1").await;
    channel(&mut root, "wa-2").await;
    let key = root
        .create(json!({
            "description": "old", "channelScopes": ["wa-1"], "ipWhitelist": ["10.0.0.1"], "expiresAt": from_now(DAY),
        }))
        .await;
    let mut expected = settings(&key.object);
    let later = from_now(60.0 * DAY);
    for (patch, answered) in [
        (json!({}), json!({})),
        (json!({"name": " New "}), json!({"name": "New"})),
        (json!({"description": "new"}), json!({"description": "new"})),
        (json!({"description": null}), json!({"description": null})),
        (
            json!({"permissions": ["messages:send", "chats:read"]}),
            json!({"permissions": ["chats:read", "messages:send"]}),
        ),
        (json!({"channelScopes": ["wa-2"]}), json!({"channelScopes": ["wa-2"]})),
        (json!({"channelScopes": null}), json!({"channelScopes": null})),
        (json!({"ipWhitelist": ["2001:DB8::/32"]}), json!({"ipWhitelist": ["2001:db8::/32"]})),
        (json!({"ipWhitelist": null}), json!({"ipWhitelist": null})),
        (
            json!({"expiresAt": "2999-01-01T00:00:00Z"}),
            json!({"expiresAt": "2999-01-01T00:00:00Z", "status": "active"}),
        ),
        (json!({"expiresAt": null}), json!({"expiresAt": null})),
        (
            json!({"tier": "admin"}),
            json!({"tier": "admin", "rateLimit": {"limit": 5000, "windowSeconds": 3600}}),
        ),
    ] {
        let answer = root.patch(&key.path(""), patch.clone()).await.expect(200).data();
        assert_key(&answer, false);
        expected.as_object_mut().unwrap().extend(answered.as_object().unwrap().clone());
        assert_eq!(settings(&answer), expected, "{patch}");
        assert_eq!(settings(&root.key(&key.id).await), expected, "{patch}");
    }
    let answer = root.patch(&key.path(""), json!({"expiresAt": later})).await.expect(200).data();
    assert_eq!(answer["createdAt"], key.object["createdAt"]);
    assert!(answer["updatedAt"].as_str() > key.object["updatedAt"].as_str());
    assert_eq!(root.code(&key.value).await, "valid", "an update leaves the value alone");
}

#[tokio::test]
async fn regenerate_without_overlap_ends_the_old_value_at_once() {
    let server = Server::start().await;
    let mut root = server.root();
    let key = root.create(json!({"description": "kept", "tier": "admin"})).await;
    assert_eq!(root.code(&key.value).await, "valid");
    for body in
        [None, Some(json!({})), Some(json!({"overlapSeconds": 0})), Some(json!({"overlapSeconds": null}))]
    {
        let before = root.key(&key.id).await;
        let answer = match body.clone() {
            None => root.act(&key.path("/regenerate")).await,
            Some(body) => root.post(&key.path("/regenerate"), body).await,
        };
        let answer = answer.expect(200);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let new = NewKey::from(answer);
        assert_key(&new.object, true);
        assert_key_value(&new.value);
        assert_time(&new.object["regeneratedAt"]);
        assert!(new.object["previousValueExpiresAt"].is_null());
        for member in ["id", "name", "description", "permissions", "tier", "createdAt", "createdBy", "status"]
        {
            assert_eq!(new.object[member], before[member], "{member}");
        }
        assert_eq!(new.object["usage"]["requestCount"], before["usage"]["requestCount"]);
        assert_eq!(root.code(&key.value).await, "not_found", "{body:?}");
        assert_eq!(root.code(&new.value).await, "valid", "{body:?}");
    }
}

#[tokio::test]
async fn an_older_value_lives_for_its_overlap_and_no_longer() {
    let server = Server::start().await;
    let mut root = server.root();
    let key = root.create(json!({})).await;
    let second =
        NewKey::from(root.post(&key.path("/regenerate"), json!({"overlapSeconds": 1})).await.expect(200));
    assert_time(&second.object["previousValueExpiresAt"]);
    assert!(second.object["previousValueLastUsedAt"].is_null());
    assert_eq!(root.code(&second.value).await, "valid");
    assert!(root.key(&key.id).await["previousValueLastUsedAt"].is_null(), "only the newer value was used");
    eventually("the end of the overlap", async || (root.code(&key.value).await == "not_found").then_some(()))
        .await;
    assert_eq!(root.code(&second.value).await, "valid");
    assert!(root.key(&key.id).await["previousValueExpiresAt"].is_null());
}

#[tokio::test]
async fn at_most_one_older_value_is_alive() {
    let server = Server::start().await;
    let mut root = server.root();
    let overlap = json!({"overlapSeconds": 604_800});
    let first = root.create(json!({})).await;
    let second = NewKey::from(root.post(&first.path("/regenerate"), overlap.clone()).await.expect(200));
    assert_eq!(root.code(&first.value).await, "valid");
    assert_time(&root.key(&first.id).await["previousValueLastUsedAt"]);
    let third = NewKey::from(root.post(&first.path("/regenerate"), overlap.clone()).await.expect(200));
    let codes =
        [root.code(&first.value).await, root.code(&second.value).await, root.code(&third.value).await];
    assert_eq!(codes, ["not_found", "valid", "valid"]);
    root.act(&first.path("/revoke")).await.expect(200);
    let codes =
        [root.code(&first.value).await, root.code(&second.value).await, root.code(&third.value).await];
    assert_eq!(codes, ["not_found", "not_found", "revoked"]);
    root.act(&first.path("/reactivate")).await.expect(200);
    let codes =
        [root.code(&first.value).await, root.code(&second.value).await, root.code(&third.value).await];
    assert_eq!(codes, ["not_found", "not_found", "valid"], "revoke ended the older value for good");

    let short = root.create(json!({"expiresAt": from_now(3600.0)})).await;
    let second = NewKey::from(root.post(&short.path("/regenerate"), overlap).await.expect(200));
    assert_eq!(
        second.object["previousValueExpiresAt"], second.object["expiresAt"],
        "never past the key's expiry"
    );
}

#[tokio::test]
async fn revoke_and_reactivate_go_both_ways_and_say_why() {
    let server = Server::start().await;
    let mut root = server.root();
    let key = root.create(json!({})).await;
    let usable = root.act(&key.path("/reactivate")).await.expect(200).data();
    assert_eq!(settings(&usable), settings(&key.object), "a usable key is left as it is");
    assert_eq!(usable["updatedAt"], key.object["updatedAt"]);

    let revoked =
        root.post(&key.path("/revoke"), json!({"reason": "left the\nproject"})).await.expect(200).data();
    assert_key(&revoked, false);
    assert_eq!(
        (&revoked["status"], &revoked["revocationReason"]),
        (&json!("revoked"), &json!("left the\nproject"))
    );
    assert_time(&revoked["revokedAt"]);
    assert_eq!(root.code(&key.value).await, "revoked");

    let again = root.post(&key.path("/revoke"), json!({"reason": "another"})).await.expect(200).data();
    assert_eq!(settings(&again), settings(&revoked), "a revoked key is left as it is");
    root.act(&key.path("/regenerate")).await.problem(409, "key_revoked");
    let renamed = root.patch(&key.path(""), json!({"name": "Renamed"})).await.expect(200).data();
    assert_eq!((&renamed["status"], &renamed["name"]), (&json!("revoked"), &json!("Renamed")));

    let active = root.act(&key.path("/reactivate")).await.expect(200).data();
    assert_eq!(active["status"], "active");
    assert!(active["revokedAt"].is_null() && active["revocationReason"].is_null());
    assert_eq!(root.code(&key.value).await, "valid", "the value is the same as before");
    root.post(&key.path("/revoke"), json!({"reason": null})).await.expect(200);
    root.delete(&key.path("")).await.expect(204);
}

#[tokio::test]
async fn an_expired_key_can_be_revoked_updated_and_deleted_and_nothing_else() {
    let server = Server::start().await;
    let mut root = server.root();
    let key = root.create_expired(json!({})).await;
    root.act(&key.path("/reactivate")).await.problem(409, "key_expired");
    root.act(&key.path("/regenerate")).await.problem(409, "key_expired");
    let renamed = root.patch(&key.path(""), json!({"name": "Renamed"})).await.expect(200).data();
    assert_eq!(renamed["status"], "expired");
    let revoked = root.act(&key.path("/revoke")).await.expect(200).data();
    assert_eq!(revoked["status"], "revoked");
    root.act(&key.path("/reactivate")).await.problem(409, "key_expired");
    root.act(&key.path("/regenerate")).await.problem(409, "key_revoked");
    let later =
        root.patch(&key.path(""), json!({"expiresAt": from_now(30.0 * DAY)})).await.expect(200).data();
    assert_eq!(later["status"], "revoked", "an update leaves a revoked key revoked");
    assert_eq!(root.act(&key.path("/reactivate")).await.expect(200).data()["status"], "active");
    assert_eq!(root.code(&key.value).await, "valid");

    let other = root.create_expired(json!({})).await;
    let later =
        root.patch(&other.path(""), json!({"expiresAt": from_now(30.0 * DAY)})).await.expect(200).data();
    assert_eq!(later["status"], "active", "a later expiry makes it usable again");
    assert_eq!(root.code(&other.value).await, "valid");
    let third = root.create_expired(json!({})).await;
    root.delete(&third.path("")).await.expect(204);
}

#[tokio::test]
async fn a_deleted_key_is_gone_for_every_call_and_its_value_unknown() {
    let server = Server::start().await;
    let mut root = server.root();
    let key = root.create(json!({})).await;
    let answer = root.delete(&key.path("")).await.expect(204);
    assert!(answer.body.is_empty());
    assert_eq!(root.code(&key.value).await, "not_found");
    server.client(&key.value).get("/api/v1/me").await.problem(401, "invalid_api_key");
    root.get(&key.path("")).await.problem(404, "not_found");
    root.delete(&key.path("")).await.problem(404, "not_found");
    root.patch(&key.path(""), json!({"name": "Back"})).await.problem(404, "not_found");
    for call in ["/regenerate", "/revoke", "/reactivate"] {
        root.act(&key.path(call)).await.problem(404, "not_found");
    }
    assert_eq!(names(&mut root, "").await, ["Root key"]);
}
