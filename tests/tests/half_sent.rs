//! A client may take its time with a body. What its key loses meanwhile, the call no longer does: contract, sections 2 and 3.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use qwetty_tests::{Answer, NewKey, Raw, Server, eventually};
use serde_json::{Value, json};

/// A server, and a key that may make keys, all of whose calls are begun and not ended.
struct Half {
    server: Server,
    caller: NewKey,
}

impl Half {
    async fn new() -> Self {
        let server = Server::start().await;
        let fields = json!({
            "permissions": ["api_keys:manage", "api_keys:verify", "chats:read", "channels:manage"],
            "tier": "admin",
        });
        let caller = server.root().create(fields).await;
        Self { server, caller }
    }

    /// Sends a call but for the last byte of its body, and returns once the server has admitted the caller.
    async fn begin(&self, line: &str, body: &Value) -> Begun {
        let before = self.requests().await;
        let body = body.to_string();
        let (most, last) = body.split_at(body.len() - 1);
        let mut raw = self.server.raw().await;
        raw.send(format!(
            "{line} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{most}",
            self.caller.value,
            body.len()
        ))
        .await;
        eventually("the caller is admitted", async || (self.requests().await > before).then_some(())).await;
        Begun { raw, last: last.to_owned() }
    }

    async fn requests(&self) -> u64 {
        self.server.root().key(&self.caller.id).await["usage"]["requestCount"].as_u64().unwrap()
    }
}

struct Begun {
    raw: Raw,
    last: String,
}

impl Begun {
    async fn end(mut self) -> Answer {
        self.raw.send(self.last).await;
        self.raw.answer().await
    }
}

#[tokio::test]
async fn a_caller_that_is_revoked_before_its_body_ends_does_nothing() {
    let half = Half::new().await;
    let other = half.server.root().create(json!({"permissions": ["chats:read"]})).await;
    let new = json!({"name": "Late", "permissions": ["chats:read"]});
    let begun = [
        half.begin("POST /api/v1/api-keys", &new).await,
        half.begin(&format!("PATCH {}", other.path("")), &json!({"name": "Late"})).await,
        half.begin(&format!("POST {}", other.path("/regenerate")), &json!({})).await,
        half.begin("PUT /api/v1/channels/late", &json!({"name": "Late", "type": "web_chat"})).await,
    ];
    half.server.root().act(&half.caller.path("/revoke")).await.expect(200);
    for call in begun {
        let answer = call.end().await.problem(401, "invalid_api_key");
        assert_eq!(answer.header("x-ratelimit-limit"), None);
    }
    let mut root = half.server.root();
    assert_eq!(root.get("/api/v1/api-keys?search=late").await.json()["meta"]["total"], 0);
    assert_eq!(root.get("/api/v1/channels").await.json()["meta"]["total"], 0);
    assert_eq!(root.code(&other.value).await, "valid");
}

#[tokio::test]
async fn a_caller_that_is_narrowed_before_its_body_ends_grants_only_what_is_left() {
    let half = Half::new().await;
    let new = json!({"name": "Late", "permissions": ["chats:read"]});
    let begun = half.begin("POST /api/v1/api-keys", &new).await;
    let left = json!({"permissions": ["api_keys:manage"]});
    half.server.root().patch(&half.caller.path(""), left).await.expect(200);
    begun.end().await.problem(403, "exceeds_caller");

    let begun = half.begin("POST /api/v1/api-keys", &new).await;
    let elsewhere = json!({"ipWhitelist": ["203.0.113.7"]});
    half.server.root().patch(&half.caller.path(""), elsewhere).await.expect(200);
    begun.end().await.problem(403, "ip_not_allowed");
}

#[tokio::test]
async fn a_caller_that_keeps_what_it_has_may_take_its_time() {
    let half = Half::new().await;
    let new = json!({"name": "Late", "permissions": ["chats:read"]});
    let answer = half.begin("POST /api/v1/api-keys", &new).await.end().await.expect(201);
    assert_eq!(answer.header("x-ratelimit-limit"), Some("5000"));
    assert_eq!(half.requests().await, 1);
}
