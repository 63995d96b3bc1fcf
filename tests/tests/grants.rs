//! Nobody grants what they lack.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use qwetty_tests::{Answer, Client, NewKey, Organization, Server, from_now};
use serde_json::{Value, json};

const DAY: f64 = 86_400.0;

/// An organization with the channels `mine` and `other`, and a caller in it that is restricted on every axis.
struct Scene {
    server: Server,
    root: Client,
    organization: Organization,
    key: NewKey,
    caller: Client,
}

/// One field that says what a key may do.
struct Axis {
    field: &'static str,
    /// What the caller may hand on.
    within: Vec<Value>,
    /// What it may not.
    beyond: Vec<Value>,
}

impl Scene {
    async fn new() -> Self {
        let server = Server::start().await;
        let mut root = server.root();
        let mut organization = Organization::new(&server, "Acme").await;
        organization.channel("mine").await;
        organization.channel("other").await;
        let expires_at = from_now(10.0 * DAY);
        let key = root.create(fields(&organization, &expires_at)).await;
        let caller = server.client(&key.value);
        Self { server, root, organization, key, caller }
    }

    /// Everything that a key of the caller's grants has, for a create body.
    fn covered(&self) -> Value {
        fields(&self.organization, self.key.object["expiresAt"].as_str().unwrap())
    }

    fn axes(&self) -> Vec<Axis> {
        let expires_at = self.key.object["expiresAt"].clone();
        vec![
            Axis {
                field: "permissions",
                within: vec![json!(["chats:read"]), json!(["api_keys:manage"])],
                beyond: vec![json!(["messages:send"]), json!(["chats:read", "audit:read"])],
            },
            Axis {
                field: "channelScopes",
                within: vec![json!(["mine"])],
                beyond: vec![json!(["mine", "other"]), json!(["other"]), Value::Null],
            },
            Axis {
                field: "ipWhitelist",
                within: vec![json!(["127.0.0.0/8"]), json!(["127.9.0.1", "10.0.0.0/9", "10.128.0.0/9"])],
                beyond: vec![json!(["126.0.0.0/7"]), json!(["127.0.0.1", "::1"]), Value::Null],
            },
            Axis { field: "tier", within: vec![json!("standard")], beyond: vec![json!("admin")] },
            Axis {
                field: "expiresAt",
                within: vec![expires_at, json!(from_now(DAY))],
                beyond: vec![json!(from_now(11.0 * DAY)), Value::Null],
            },
        ]
    }
}

fn fields(organization: &Organization, expires_at: &str) -> Value {
    json!({
        "name": "Restricted", "organizationId": organization.id,
        "permissions": ["chats:read", "api_keys:read", "api_keys:manage"], "channelScopes": ["mine"],
        "ipWhitelist": ["127.0.0.0/8", "10.0.0.0/8"], "tier": "standard", "expiresAt": expires_at,
    })
}

fn with(fields: &Value, field: &str, value: &Value) -> Value {
    let mut fields = fields.clone();
    fields[field] = value.clone();
    fields
}

/// The answer is the refusal that names this axis.
fn refused(answer: &Answer, axis: &str) {
    let problem = answer.clone().problem(403, "exceeds_caller").json();
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == axis),
        "{axis}: {detail}"
    );
}

#[tokio::test]
async fn a_caller_creates_what_it_covers_and_nothing_beyond() {
    let mut scene = Scene::new().await;
    for axis in scene.axes() {
        for value in &axis.within {
            scene.caller.create(with(&scene.covered(), axis.field, value)).await;
        }
        for value in &axis.beyond {
            let body = with(&scene.covered(), axis.field, value);
            refused(&scene.caller.post("/api/v1/api-keys", body).await, axis.field);
        }
    }
    let operator = with(&scene.covered(), "permissions", &json!(["organizations:manage"]));
    refused(&scene.caller.post("/api/v1/api-keys", operator).await, "permissions");
}

#[tokio::test]
async fn a_restriction_that_is_left_out_is_none() {
    let mut scene = Scene::new().await;
    for field in ["channelScopes", "ipWhitelist", "expiresAt"] {
        let mut body = scene.covered();
        body.as_object_mut().unwrap().remove(field);
        refused(&scene.caller.post("/api/v1/api-keys", body).await, field);
    }
}

#[tokio::test]
async fn a_caller_updates_to_what_it_covers_and_nothing_beyond() {
    let mut scene = Scene::new().await;
    for axis in scene.axes() {
        let key = scene.caller.create(scene.covered()).await;
        for value in &axis.within {
            scene.caller.patch(&key.path(""), json!({axis.field: value})).await.expect(200);
        }
        let before = scene.root.key(&key.id).await;
        for value in &axis.beyond {
            refused(&scene.caller.patch(&key.path(""), json!({axis.field: value})).await, axis.field);
        }
        assert_eq!(scene.root.key(&key.id).await, before, "{}", axis.field);
    }
}

#[tokio::test]
async fn a_caller_that_does_not_cover_a_key_gives_it_no_new_life() {
    let mut scene = Scene::new().await;
    for axis in scene.axes() {
        for value in &axis.beyond {
            let key = scene.root.create(with(&scene.covered(), axis.field, value)).await;
            refused(&scene.caller.patch(&key.path(""), json!({"name": "Mine"})).await, axis.field);
            refused(&scene.caller.act(&key.path("/regenerate")).await, axis.field);
            refused(&scene.caller.act(&key.path("/reactivate")).await, axis.field);
            let verdict = scene.root.verify(&key.value, json!({"ip": "127.0.0.1"})).await;
            assert_eq!(verdict["code"], "valid", "the value is not replaced");
            scene.root.act(&key.path("/revoke")).await.expect(200);
            refused(&scene.caller.act(&key.path("/reactivate")).await, axis.field);
            assert_eq!(scene.root.key(&key.id).await["status"], "revoked");
        }
    }
}

#[tokio::test]
async fn narrowing_a_key_until_it_is_covered_is_a_callers_right() {
    let mut scene = Scene::new().await;
    for axis in scene.axes() {
        let key = scene.root.create(with(&scene.covered(), axis.field, &axis.beyond[0])).await;
        let narrowed =
            scene.caller.patch(&key.path(""), json!({axis.field: axis.within[0]})).await.expect(200).data();
        assert_eq!(narrowed[axis.field], axis.within[0]);
        scene.caller.act(&key.path("/regenerate")).await.expect(200);
    }
}

#[tokio::test]
async fn taking_away_needs_no_cover() {
    let mut scene = Scene::new().await;
    for axis in scene.axes() {
        let key = scene.root.create(with(&scene.covered(), axis.field, &axis.beyond[0])).await;
        scene.caller.act(&key.path("/revoke")).await.expect(200);
        scene.caller.delete(&key.path("")).await.expect(204);
    }
}

#[tokio::test]
async fn a_caller_regenerates_and_revokes_its_own_key_and_changes_nothing_else_of_it() {
    let mut scene = Scene::new().await;
    let own = scene.key.clone();
    for body in [json!({}), json!({"name": "Me"}), json!({"permissions": ["chats:read"]})] {
        refused(&scene.caller.patch(&own.path(""), body).await, "itself");
    }
    refused(&scene.caller.act(&own.path("/reactivate")).await, "itself");
    refused(&scene.caller.delete(&own.path("")).await, "itself");

    let renewed = NewKey::from(scene.caller.act(&own.path("/regenerate")).await.expect(200));
    scene.caller.get("/api/v1/me").await.problem(401, "invalid_api_key");
    let mut caller = scene.server.client(&renewed.value);
    assert_eq!(caller.act(&own.path("/revoke")).await.expect(200).data()["status"], "revoked");
    caller.get("/api/v1/me").await.problem(401, "invalid_api_key");
}

#[tokio::test]
async fn the_root_key_does_not_change_itself_either() {
    let server = Server::start().await;
    let mut root = server.root();
    let me = root.get("/api/v1/me").await.expect(200).data();
    let path = format!("/api/v1/api-keys/{}", me["id"].as_str().unwrap());
    refused(&root.patch(&path, json!({"tier": "standard"})).await, "itself");
    refused(&root.delete(&path).await, "itself");
}

#[tokio::test]
async fn only_an_operator_takes_an_operators_key_away() {
    let mut scene = Scene::new().await;
    let admin = &mut scene.organization.admin;
    let fields = json!({"organizationId": scene.organization.id, "permissions": ["chats:read", "organizations:manage"]});
    let operator = scene.root.create(fields).await;
    for call in ["/revoke", "/regenerate", "/reactivate"] {
        refused(&admin.act(&operator.path(call)).await, "organizations");
    }
    refused(&admin.delete(&operator.path("")).await, "organizations");
    refused(&admin.patch(&operator.path(""), json!({"permissions": ["chats:read"]})).await, "organizations");
    assert_eq!(scene.root.code(&operator.value).await, "valid");

    scene.root.act(&operator.path("/revoke")).await.expect(200);
    refused(&admin.act(&operator.path("/reactivate")).await, "organizations");
    scene.root.delete(&operator.path("")).await.expect(204);
}

#[tokio::test]
async fn an_operator_without_more_is_held_to_its_grants_too() {
    let mut scene = Scene::new().await;
    let fields = json!({"permissions": ["api_keys:manage", "organizations:manage"]});
    let operator = scene.root.create(fields).await;
    let mut operator = scene.server.client(&operator.value);
    let body =
        json!({"name": "More", "permissions": ["chats:read"], "organizationId": scene.organization.id});
    refused(&operator.post("/api/v1/api-keys", body).await, "permissions");
    refused(&operator.act(&scene.key.path("/regenerate")).await, "permissions");
}

#[tokio::test]
async fn grants_that_shrink_bind_at_once() {
    let mut scene = Scene::new().await;
    let made = scene.caller.create(scene.covered()).await;
    scene.root.patch(&scene.key.path(""), json!({"permissions": ["api_keys:manage"]})).await.expect(200);
    refused(&scene.caller.act(&made.path("/regenerate")).await, "permissions");
    let answer = scene
        .caller
        .post("/api/v1/api-keys", with(&scene.covered(), "permissions", &json!(["chats:read"])))
        .await;
    refused(&answer, "permissions");
}
