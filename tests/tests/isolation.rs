//! Another organization's things do not exist, down to the bytes of the answer.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use http::Method;
use qwetty_tests::{Answer, Call, Client, NewKey, Organization, Server};
use serde_json::{Value, json};

const KEYS: &str = "/api/v1/api-keys";
/// Well-formed ids of things that never were.
const NO_KEY: &str = "key_01k9z3b6yqf8r9n2m4t5v6w7x8";
const NO_ORGANIZATION: &str = "org_01k9z3b6yqf8r9n2m4t5v6w7x8";

/// Two organizations that know nothing of each other; the names of their things are alike.
struct Two {
    server: Server,
    mine: Organization,
    theirs: Organization,
    their_key: NewKey,
}

impl Two {
    async fn new() -> Self {
        let server = Server::start().await;
        let mut mine = Organization::new(&server, "Mine").await;
        let mut theirs = Organization::new(&server, "Theirs").await;
        mine.channel("shared").await;
        theirs.channel("shared").await;
        theirs.channel("secret").await;
        let fields = json!({"name": "Secret", "description": "Secret", "channelScopes": ["secret"]});
        let their_key = theirs.admin.create(fields).await;
        theirs.admin.code(&their_key.value).await;
        Self { server, mine, theirs, their_key }
    }

    /// My answer to a call on something of theirs, which must be what it is if that never was.
    async fn alike(&mut self, call: impl Fn(&str) -> Call, theirs: &str, never: &str) -> Answer {
        alike(&mut self.mine.admin, call, theirs, never).await
    }
}

async fn alike(client: &mut Client, call: impl Fn(&str) -> Call, theirs: &str, never: &str) -> Answer {
    let of_theirs = client.send(call(theirs)).await;
    let of_none = client.send(call(never)).await;
    assert_eq!(told(&of_theirs, theirs), told(&of_none, never));
    of_theirs
}

/// Everything of an answer but what differs between any two: the time, the request's id, how much of the quota is
/// left, and the very id that was asked for.
fn told(answer: &Answer, asked: &str) -> (u16, Vec<(String, String)>, String) {
    let request_id = answer.header("x-request-id").unwrap();
    let passing = ["date", "x-request-id", "x-ratelimit-remaining", "x-ratelimit-reset", "ratelimit"];
    let headers = answer.headers.iter().filter(|(name, _)| !passing.contains(&name.as_str()));
    let mut headers: Vec<(String, String)> =
        headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    headers.sort();
    let body = std::str::from_utf8(&answer.body).unwrap();
    (answer.status, headers, body.replace(request_id, "REQUEST").replace(asked, "ASKED"))
}

fn call(method: &Method, path: String) -> Call {
    Call::new(method.clone(), &path)
}

#[tokio::test]
async fn a_key_of_theirs_does_not_exist_in_a_path() {
    let mut two = Two::new().await;
    let id = two.their_key.id.clone();
    let before = two.theirs.admin.key(&id).await;
    for (method, rest) in [
        (Method::GET, ""),
        (Method::HEAD, ""),
        (Method::DELETE, ""),
        (Method::GET, "/usage"),
        (Method::GET, "/usage?to=2026-01-01T00:00:00Z"),
        (Method::POST, "/regenerate"),
        (Method::POST, "/revoke"),
        (Method::POST, "/reactivate"),
    ] {
        let answer = two.alike(|id| call(&method, format!("{KEYS}/{id}{rest}")), &id, NO_KEY).await;
        assert_eq!(answer.status, 404, "{method} {rest}");
    }
    assert_eq!(two.theirs.admin.key(&id).await, before, "nothing was done to it");
}

#[tokio::test]
async fn a_key_of_theirs_does_not_exist_whatever_is_wrong_with_the_call() {
    let mut two = Two::new().await;
    let id = two.their_key.id.clone();
    for body in [
        json!({}),
        json!({"name": "Mine now"}),
        json!({"name": ""}),
        json!({"permissions": ["organizations:manage"]}),
        json!({"channelScopes": ["secret"]}),
        json!({"channelScopes": ["nowhere"], "expiresAt": "2020-01-01T00:00:00Z"}),
        json!({"unknown": 1}),
        json!([]),
    ] {
        let patch = |id: &str| call(&Method::PATCH, format!("{KEYS}/{id}")).json(&body);
        assert_eq!(two.alike(patch, &id, NO_KEY).await.status, 404, "{body}");
    }
    for (rest, body) in [
        ("/regenerate", json!({"overlapSeconds": 1})),
        ("/regenerate", json!({"overlapSeconds": -1})),
        ("/revoke", json!({"reason": "mine"})),
        ("/revoke", json!({"reason": 1})),
        ("/reactivate", json!({"x": 1})),
    ] {
        two.alike(|id| call(&Method::POST, format!("{KEYS}/{id}{rest}")).json(&body), &id, NO_KEY).await;
    }
    for (method, rest) in [(Method::GET, "?x=1"), (Method::GET, "/usage?from=x"), (Method::DELETE, "?x=1")] {
        let answer = two.alike(|id| call(&method, format!("{KEYS}/{id}{rest}")), &id, NO_KEY).await;
        assert_eq!(answer.status, 400, "{method} {rest}");
    }
    let torn = |id: &str| call(&Method::PATCH, format!("{KEYS}/{id}")).body("application/json", "{");
    two.alike(torn, &id, NO_KEY).await.problem(400, "malformed_request");
    let form = |id: &str| call(&Method::PATCH, format!("{KEYS}/{id}")).body("text/plain", "{}");
    two.alike(form, &id, NO_KEY).await.problem(415, "unsupported_media_type");
}

#[tokio::test]
async fn a_revoked_or_operators_key_of_theirs_does_not_exist_either() {
    let mut two = Two::new().await;
    two.theirs.admin.act(&two.their_key.path("/revoke")).await.expect(200);
    let fields = json!({"organizationId": two.theirs.id, "permissions": ["organizations:manage"]});
    let operator = two.server.root().create(fields).await;
    for id in [two.their_key.id.clone(), operator.id] {
        for rest in ["/regenerate", "/revoke", "/reactivate"] {
            let answer = two.alike(|id| call(&Method::POST, format!("{KEYS}/{id}{rest}")), &id, NO_KEY).await;
            assert_eq!(answer.status, 404);
        }
    }
}

#[tokio::test]
async fn their_organization_does_not_exist_in_a_query() {
    let mut two = Two::new().await;
    let (id, key) = (two.theirs.id.clone(), two.their_key.id.clone());
    let paths = [
        "/api/v1/api-keys?".to_owned(),
        "/api/v1/api-keys?search=Secret&status=active&sort=name&".to_owned(),
        "/api/v1/channels?".to_owned(),
        "/api/v1/audit-events?".to_owned(),
        format!("/api/v1/audit-events?keyId={key}&"),
        "/api/v1/audit-events?action=key.created&".to_owned(),
    ];
    for path in paths {
        let list = |id: &str| call(&Method::GET, format!("{path}organizationId={id}"));
        two.alike(list, &id, NO_ORGANIZATION).await.problem(404, "not_found");
    }
    for channel in ["secret", "shared", "new"] {
        let path = |id: &str| format!("/api/v1/channels/{channel}?organizationId={id}");
        let body = json!({"name": "Mine", "type": "whatsapp"});
        let put = |id: &str| call(&Method::PUT, path(id)).json(&body);
        two.alike(put, &id, NO_ORGANIZATION).await.problem(404, "not_found");
        let delete = |id: &str| call(&Method::DELETE, path(id));
        two.alike(delete, &id, NO_ORGANIZATION).await.problem(404, "not_found");
        let faulty = |id: &str| call(&Method::PUT, path(id)).json(&json!({"type": 1}));
        two.alike(faulty, &id, NO_ORGANIZATION).await;
    }
    let channels = two.theirs.admin.get("/api/v1/channels").await.expect(200).json();
    assert_eq!(channels["meta"]["total"], 2, "nothing was done to them");
}

#[tokio::test]
async fn their_organization_does_not_exist_in_a_body() {
    let mut two = Two::new().await;
    let id = two.theirs.id.clone();
    for body in [
        json!({"name": "A", "permissions": ["chats:read"]}),
        json!({"name": "A", "permissions": ["chats:read"], "channelScopes": ["secret"]}),
        json!({"name": "", "permissions": []}),
        json!({"name": "A", "permissions": ["organizations:manage"]}),
        json!({"unknown": 1}),
    ] {
        let create = |id: &str| {
            let mut body = body.clone();
            body["organizationId"] = json!(id);
            call(&Method::POST, KEYS.to_owned()).json(&body)
        };
        two.alike(create, &id, NO_ORGANIZATION).await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn a_channel_of_theirs_does_not_exist() {
    let mut two = Two::new().await;
    let mine = two.mine.admin.create(json!({})).await;
    let (theirs, never) = ("secret", "nobody");
    let delete = |id: &str| call(&Method::DELETE, format!("/api/v1/channels/{id}"));
    two.alike(delete, theirs, never).await.problem(404, "not_found");
    let create = |id: &str| {
        let body = json!({"name": "A", "permissions": ["chats:read"], "channelScopes": ["shared", id]});
        call(&Method::POST, KEYS.to_owned()).json(&body)
    };
    assert_eq!(two.alike(create, theirs, never).await.faulty(), ["channelScopes[1]"]);
    let path = mine.path("");
    let patch = |id: &str| call(&Method::PATCH, path.clone()).json(&json!({"channelScopes": [id]}));
    assert_eq!(two.alike(patch, theirs, never).await.faulty(), ["channelScopes[0]"]);
    let verify = |id: &str| {
        call(&Method::POST, "/api/v1/verify".to_owned()).json(&json!({"key": mine.value, "channel": id}))
    };
    let mut verifier = two.server.client(&two.mine.key.value);
    let first = verifier.send(verify(theirs)).await.expect(200).data();
    let second = verifier.send(verify(never)).await.expect(200).data();
    assert_eq!(
        (&first["code"], &second["code"]),
        (&json!("valid"), &json!("valid")),
        "a key of every channel"
    );

    // Saving one of the same id makes one of mine, and leaves theirs.
    let body = json!({"name": "Mine", "type": "web_chat"});
    let saved = two.mine.admin.put("/api/v1/channels/secret", body).await.expect(200).data();
    assert_eq!(saved["organizationId"], json!(two.mine.id));
    two.mine.admin.delete("/api/v1/channels/secret").await.expect(204);
    let kept = two.theirs.admin.get("/api/v1/channels?search=secret").await.expect(200).data();
    assert_eq!(kept[0]["name"], "Channel secret");
}

#[tokio::test]
async fn a_key_of_theirs_does_not_exist_in_a_filter() {
    let mut two = Two::new().await;
    let id = two.their_key.id.clone();
    for rest in ["", "&action=key.created", "&action=key.deleted", "&page=2"] {
        let list = |id: &str| call(&Method::GET, format!("/api/v1/audit-events?keyId={id}{rest}"));
        two.alike(list, &id, NO_KEY).await.problem(404, "not_found");
    }
    // Nor once it is gone and only their log knows of it.
    two.theirs.admin.delete(&two.their_key.path("")).await.expect(204);
    let list = |id: &str| call(&Method::GET, format!("/api/v1/audit-events?keyId={id}"));
    two.alike(list, &id, NO_KEY).await.problem(404, "not_found");
    two.theirs.admin.get(&format!("/api/v1/audit-events?keyId={id}")).await.expect(200);
}

#[tokio::test]
async fn lists_show_and_count_mine_alone() {
    let mut two = Two::new().await;
    for number in 0..3 {
        two.theirs.admin.create(json!({"name": format!("Secret {number}")})).await;
    }
    let own = two.mine.admin.create(json!({"name": "Own"})).await;
    let start = two.their_key.object["start"].as_str().unwrap().to_owned();
    for sort in ["createdAt", "name", "expiresAt", "lastUsedAt", "requestCount"] {
        for order in ["asc", "desc"] {
            for (filter, total) in [
                ("", 2),
                ("&limit=1&page=2", 2),
                ("&status=active", 2),
                ("&status=revoked", 0),
                ("&search=secret", 0),
                ("&search=own", 1),
                (&format!("&search={start}"), 0),
                (&format!("&organizationId={}", two.mine.id), 2),
            ] {
                let path = format!("{KEYS}?sort={sort}&order={order}{filter}");
                let list = two.mine.admin.get(&path).await.expect(200).json();
                assert_eq!(list["meta"]["total"], total, "{path}");
                for key in list["data"].as_array().unwrap() {
                    assert_eq!(key["organizationId"], json!(two.mine.id), "{path}");
                }
            }
        }
    }
    assert_eq!(own.object["createdBy"], json!(two.mine.key.id));
    let channels = two.mine.admin.get("/api/v1/channels").await.expect(200).json();
    assert_eq!((&channels["meta"]["total"], &channels["data"][0]["id"]), (&json!(1), &json!("shared")));
    let none = two.mine.admin.get("/api/v1/channels?search=secret").await.expect(200).json();
    assert_eq!(none["meta"], json!({"page": 1, "limit": 10, "total": 0, "totalPages": 0}));
    // Of the organization, its admin's key, the channel and the key.
    let log = two.mine.admin.get("/api/v1/audit-events").await.expect(200).json();
    assert_eq!(log["meta"]["total"], 4);
    for event in log["data"].as_array().unwrap() {
        assert_eq!(event["organizationId"], json!(two.mine.id));
    }
}

#[tokio::test]
async fn attempts_leave_nothing_in_either_log() {
    let mut two = Two::new().await;
    let before = (events(&mut two.theirs.admin).await, events(&mut two.mine.admin).await);
    let path = two.their_key.path("");
    two.mine.admin.patch(&path, json!({"permissions": ["organizations:manage"]})).await.expect(404);
    two.mine.admin.delete(&path).await.expect(404);
    two.mine.admin.delete("/api/v1/channels/secret").await.expect(404);
    let body = json!({"name": "A", "permissions": ["organizations:manage"], "organizationId": two.theirs.id});
    two.mine.admin.post(KEYS, body).await.expect(404);
    let after = (events(&mut two.theirs.admin).await, events(&mut two.mine.admin).await);
    assert_eq!(after, before);
}

async fn events(client: &mut Client) -> Value {
    client.get("/api/v1/audit-events?limit=100").await.expect(200).json()
}

#[tokio::test]
async fn verify_knows_nothing_of_their_keys() {
    let mut two = Two::new().await;
    let value = two.their_key.value.clone();
    let usage = two.theirs.admin.key(&two.their_key.id).await["usage"].clone();
    // A value of the right form that is nobody's.
    let gone = two.mine.admin.create(json!({})).await;
    two.mine.admin.delete(&gone.path("")).await.expect(204);
    for ask in [
        json!({}),
        json!({"channel": "secret"}),
        json!({"permissions": ["x"]}),
        json!({"ip": "::1"}),
        json!({"cost": 5_000}),
    ] {
        let verify = |value: &str| {
            let mut body = ask.clone();
            body["key"] = json!(value);
            call(&Method::POST, "/api/v1/verify".to_owned()).json(&body)
        };
        let answer = two.alike(verify, &value, &gone.value).await.expect(200);
        assert_eq!(answer.data(), json!({"valid": false, "code": "not_found"}), "{ask}");
    }
    assert_eq!(two.theirs.admin.key(&two.their_key.id).await["usage"], usage, "nothing is counted to it");
    assert_eq!(two.theirs.admin.code(&value).await, "valid");
    assert_eq!(two.server.root().code(&value).await, "valid", "an operator's verify knows every key");

    two.theirs.admin.act(&two.their_key.path("/revoke")).await.expect(200);
    assert_eq!(two.mine.admin.code(&value).await, "not_found");
    assert_eq!(two.theirs.admin.code(&value).await, "revoked");
}

#[tokio::test]
async fn organizations_are_nobodys_but_operators() {
    let mut two = Two::new().await;
    for id in [two.theirs.id.clone(), two.mine.id.clone()] {
        for method in [Method::GET, Method::DELETE, Method::PATCH] {
            let one =
                |id: &str| call(&method, format!("/api/v1/organizations/{id}")).json(&json!({"name": "A"}));
            two.alike(one, &id, NO_ORGANIZATION).await.problem(403, "insufficient_permissions");
        }
    }
    two.mine.admin.get("/api/v1/organizations").await.problem(403, "insufficient_permissions");
}

#[tokio::test]
async fn whoever_lacks_the_permission_learns_nothing_more() {
    let mut two = Two::new().await;
    let weak = two.mine.admin.create(json!({"permissions": ["chats:read"]})).await;
    let mut weak = two.server.client(&weak.value);
    let id = two.their_key.id.clone();
    for (method, rest) in
        [(Method::GET, ""), (Method::DELETE, ""), (Method::POST, "/revoke"), (Method::GET, "/usage")]
    {
        let one = |id: &str| call(&method, format!("{KEYS}/{id}{rest}"));
        alike(&mut weak, one, &id, NO_KEY).await.problem(403, "insufficient_permissions");
        alike(&mut weak, one, &id, "1").await;
    }
}

#[tokio::test]
async fn refused_calls_on_their_things_cost_what_others_cost() {
    let mut two = Two::new().await;
    let mut remaining = Vec::new();
    for id in [&*two.their_key.id, NO_KEY, &*two.mine.key.id] {
        remaining.push(two.mine.admin.get(&format!("{KEYS}/{id}")).await.number("x-ratelimit-remaining"));
    }
    assert_eq!((remaining[0] - remaining[1], remaining[1] - remaining[2]), (1, 1));
}
