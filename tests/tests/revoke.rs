//! What is taken away is gone from the moment the answer is sent, contract section 2, on every connection.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use http::Method;
use qwetty_tests::{Answer, Call, Client, Launch, NewKey, Server, in_time};
use serde_json::{Value, json};
use tokio::task::JoinSet;

const CONNECTIONS: usize = 8;

/// A server whose quotas no round exhausts.
async fn server() -> Server {
    Launch::serve().with(["--tier-standard", "1000000/3600", "--tier-admin", "1000000/3600"]).start().await
}

fn connections(server: &Server) -> Vec<Client> {
    (0..CONNECTIONS).map(|_| server.root()).collect()
}

fn verify(value: &str, ask: &Value) -> Call {
    let mut body = json!({"key": value});
    body.as_object_mut().unwrap().extend(ask.as_object().unwrap().clone());
    Call::new(Method::POST, "/api/v1/verify").json(&body)
}

fn code(answer: &Answer) -> String {
    let json = answer.json();
    let code = json["data"]["code"].as_str().or(json["code"].as_str());
    code.unwrap_or("valid").to_owned()
}

/// Every client makes the same call again and again while `take_away` runs. No call that is sent after its end is
/// admitted; it is refused with the code `refusal`. Gives the clients back for the next round.
async fn round(
    clients: Vec<Client>,
    call: &Call,
    refusal: &'static str,
    warm_up: usize,
    take_away: impl Future<Output = ()>,
) -> Vec<Client> {
    let (taken, admitted) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut hammering = JoinSet::new();
    for mut client in clients {
        let (call, taken, admitted) = (call.clone(), Arc::clone(&taken), Arc::clone(&admitted));
        hammering.spawn(async move {
            loop {
                let was_taken = taken.load(Ordering::SeqCst);
                let code = code(&client.send(call.clone()).await);
                if was_taken {
                    assert_eq!(code, refusal, "sent after the answer that took it away");
                    return client;
                }
                if code == "valid" {
                    admitted.fetch_add(1, Ordering::SeqCst);
                } else {
                    assert_eq!(code, refusal);
                }
            }
        });
    }
    in_time("admissions before anything is taken away", async {
        while admitted.load(Ordering::SeqCst) < warm_up {
            tokio::task::yield_now().await;
        }
    })
    .await;
    take_away.await;
    taken.store(true, Ordering::SeqCst);
    in_time("the end of the round", hammering.join_all()).await
}

/// How many admissions to wait for, so that the change meets the calls at ever other moments.
fn warm_up(number: usize) -> usize {
    1 + number % 13
}

#[tokio::test]
async fn no_verification_sent_after_a_revocation_is_admitted() {
    let server = server().await;
    let mut root = server.root();
    let key = root.create(json!({})).await;
    let call = verify(&key.value, &json!({}));
    let mut clients = connections(&server);
    for number in 0..1_000 {
        root.act(&key.path("/reactivate")).await.expect(200);
        let revoke = async { drop(root.act(&key.path("/revoke")).await.expect(200)) };
        clients = round(clients, &call, "revoked", warm_up(number), revoke).await;
    }
}

#[tokio::test]
async fn no_call_sent_after_a_revocation_of_its_key_is_admitted() {
    let server = server().await;
    let mut root = server.root();
    let key = root.create(json!({})).await;
    let mut clients: Vec<Client> = (0..CONNECTIONS).map(|_| server.client(&key.value)).collect();
    for number in 0..50 {
        root.act(&key.path("/reactivate")).await.expect(200);
        let revoke = async { drop(root.act(&key.path("/revoke")).await.expect(200)) };
        let call = Call::new(Method::GET, "/api/v1/me");
        clients = round(clients, &call, "invalid_api_key", warm_up(number), revoke).await;
    }
}

#[tokio::test]
async fn no_verification_of_the_old_value_sent_after_a_regeneration_is_admitted() {
    let server = server().await;
    let mut root = server.root();
    let mut key = root.create(json!({})).await;
    let mut clients = connections(&server);
    for number in 0..50 {
        let call = verify(&key.value, &json!({}));
        let regenerate = async { key = NewKey::from(root.act(&key.path("/regenerate")).await.expect(200)) };
        clients = round(clients, &call, "not_found", warm_up(number), regenerate).await;
        assert_eq!(root.code(&key.value).await, "valid");
    }
}

#[tokio::test]
async fn no_verification_sent_after_a_deletion_is_admitted() {
    let server = server().await;
    let mut root = server.root();
    let mut clients = connections(&server);
    for number in 0..50 {
        let key = root.create(json!({})).await;
        let call = verify(&key.value, &json!({}));
        let delete = async { drop(root.delete(&key.path("")).await.expect(204)) };
        clients = round(clients, &call, "not_found", warm_up(number), delete).await;
    }
}

#[tokio::test]
async fn no_verification_sent_after_a_narrowing_update_is_admitted_for_what_it_took() {
    let server = server().await;
    let mut root = server.root();
    for channel in ["wa-1", "wa-2"] {
        let path = format!("/api/v1/channels/{channel}");
        root.put(&path, json!({"name": channel, "type": "whatsapp"})).await.expect(200);
    }
    let wide =
        json!({"permissions": ["chats:read", "messages:send"], "channelScopes": null, "ipWhitelist": null});
    let key = root.create(wide.clone()).await;
    let ask = json!({"permissions": ["messages:send"], "channel": "wa-1", "ip": "192.0.2.1"});
    let call = verify(&key.value, &ask);
    let mut clients = connections(&server);
    for number in 0..51 {
        root.patch(&key.path(""), wide.clone()).await.expect(200);
        let (narrow, refusal) = match number % 3 {
            0 => (json!({"permissions": ["chats:read"]}), "insufficient_permissions"),
            1 => (json!({"channelScopes": ["wa-2"]}), "channel_not_allowed"),
            _ => (json!({"ipWhitelist": ["10.0.0.0/8"]}), "ip_not_allowed"),
        };
        let update = async { drop(root.patch(&key.path(""), narrow).await.expect(200)) };
        clients = round(clients, &call, refusal, warm_up(number), update).await;
    }
}
