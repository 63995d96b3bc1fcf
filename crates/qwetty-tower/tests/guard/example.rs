//! `examples/chats`, started as people start it: a process, a file, a port.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::wire::{bearing, send};

struct Chats {
    process: Child,
    output: Lines<BufReader<ChildStdout>>,
    address: SocketAddr,
    /// The lines before the one that tells the address.
    told: Vec<String>,
}

impl Chats {
    async fn start(directory: &Path) -> Self {
        let built = escargot::CargoBuild::new().package("qwetty-tower").example("chats").run().unwrap();
        let mut process = Command::from(built.command())
            .args(["--listen", "127.0.0.1:0", "--database"])
            .arg(directory.join("chats.db"))
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut told = Vec::new();
        loop {
            let line = output.next_line().await.unwrap().expect("it says where it listens");
            match line.strip_prefix("listening on http://") {
                Some(address) => return Self { address: address.parse().unwrap(), process, output, told },
                None => told.push(line),
            }
        }
    }

    /// The key value that it told at its start.
    fn told(&self, name: &str) -> String {
        self.told.iter().find_map(|line| line.strip_prefix(name)).unwrap().to_owned()
    }

    async fn call(&self, method: Method, path: &str, key: &str, body: Value) -> Response<Incoming> {
        let mut request = bearing(path, key);
        *request.method_mut() = method;
        request.headers_mut().insert(CONTENT_TYPE, "application/json".parse().unwrap());
        *request.body_mut() = Full::new(Bytes::from(body.to_string()));
        send(self.address, request).await
    }

    async fn get(&self, path: &str, key: &str) -> (u16, Value) {
        read(self.call(Method::GET, path, key, Value::Null).await).await
    }

    async fn post(&self, path: &str, key: &str, body: Value) -> (u16, Value) {
        read(self.call(Method::POST, path, key, body).await).await
    }

    /// Asks it to stop, and waits until it has.
    async fn stop(mut self) {
        let id = self.process.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
        assert!(self.process.wait().await.unwrap().success());
        assert_eq!(self.output.next_line().await.unwrap(), None);
    }
}

async fn read(response: Response<Incoming>) -> (u16, Value) {
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

/// The channels of a list, in its order.
fn channels(list: &Value) -> Vec<&str> {
    list["data"].as_array().unwrap().iter().map(|one| one["channelId"].as_str().unwrap()).collect()
}

/// The id of the first thing of a channel in a list.
fn first_of<'a>(list: &'a Value, channel: &str) -> &'a str {
    let list = list["data"].as_array().unwrap();
    list.iter().find(|one| one["channelId"] == channel).unwrap()["id"].as_str().unwrap()
}

#[tokio::test]
async fn a_key_gets_as_far_as_its_channels_and_permissions() {
    let directory = tempfile::tempdir().unwrap();
    let chats = Chats::start(directory.path()).await;
    let (root, sales) = (chats.told("root key: "), chats.told("sales key: "));

    let (_, all) = chats.get("/api/v1/chats", &root).await;
    assert_eq!(channels(&all), ["wa-sales", "ig-shop"]);
    assert_eq!(channels(&chats.get("/api/v1/chats?channelId=ig-shop", &root).await.1), ["ig-shop"]);
    assert_eq!(channels(&chats.get("/api/v1/chats", &sales).await.1), ["wa-sales"]);
    let (status, problem) = chats.get("/api/v1/chats?channelId=ig-shop", &sales).await;
    assert_eq!((status, &problem["code"]), (403, &json!("channel_not_allowed")));

    let (own, other) = (first_of(&all, "wa-sales"), first_of(&all, "ig-shop"));
    for (chat, status, code) in [(own, 200, Value::Null), (other, 404, json!("not_found"))] {
        for path in [format!("/api/v1/chats/{chat}"), format!("/api/v1/chats/{chat}/messages")] {
            let (answered, body) = chats.get(&path, &sales).await;
            assert_eq!((answered, &body["code"]), (status, &code), "{path}");
        }
    }
    let text = json!({ "text": "It is." });
    for (path, status) in [
        (format!("/api/v1/chats/{own}/messages"), 201),
        (format!("/api/v1/chats/{other}/messages"), 404),
        // The query says another channel than the chat's own.
        (format!("/api/v1/chats/{other}/messages?channelId=wa-sales"), 404),
    ] {
        assert_eq!(chats.post(&path, &sales, text.clone()).await.0, status, "{path}");
    }
    let messages = chats.get(&format!("/api/v1/chats/{own}/messages"), &sales).await.1;
    assert_eq!(messages["data"][1]["text"], "It is.");
    let messages = chats.get(&format!("/api/v1/chats/{other}/messages"), &root).await.1;
    assert_eq!(messages["data"].as_array().unwrap().len(), 1);

    for (path, code) in [
        ("/api/v1/contacts", "insufficient_permissions"),
        ("/api/v1/templates", "insufficient_permissions"),
        ("/api/v1/nothing", "route_not_mapped"),
    ] {
        let (status, problem) = chats.get(path, &sales).await;
        assert_eq!((status, &problem["code"]), (403, &json!(code)), "{path}");
    }
    chats.stop().await;
}

#[tokio::test]
async fn templates_go_to_chats_of_their_channel_and_contacts_come_and_go() {
    let directory = tempfile::tempdir().unwrap();
    let chats = Chats::start(directory.path()).await;
    let root = chats.told("root key: ");

    let (_, all) = chats.get("/api/v1/chats", &root).await;
    let (_, templates) = chats.get("/api/v1/templates?channelId=wa-sales", &root).await;
    let template = first_of(&templates, "wa-sales");
    assert_eq!(chats.get(&format!("/api/v1/templates/{template}"), &root).await.0, 200);
    for (channel, status) in [("wa-sales", 201), ("ig-shop", 404)] {
        let body = json!({ "chatId": first_of(&all, channel) });
        let path = format!("/api/v1/templates/{template}/send");
        assert_eq!(chats.post(&path, &root, body).await.0, status, "{channel}");
    }

    let (status, made) = chats.post("/api/v1/contacts", &root, json!({ "name": "Edsger" })).await;
    assert_eq!(status, 201);
    let path = format!("/api/v1/contacts/{}", made["data"]["id"].as_str().unwrap());
    for method in [Method::PUT, Method::PATCH] {
        let renamed = chats.call(method, &path, &root, json!({ "name": "Barbara" })).await;
        assert_eq!(read(renamed).await.1["data"]["name"], "Barbara");
    }
    assert_eq!(chats.get("/api/v1/contacts", &root).await.1["data"].as_array().unwrap().len(), 3);
    assert_eq!(chats.call(Method::DELETE, &path, &root, Value::Null).await.status(), 204);
    assert_eq!(chats.get(&path, &root).await.0, 404);
    chats.stop().await;
}

#[tokio::test]
async fn keys_and_their_quotas_outlast_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let chats = Chats::start(directory.path()).await;
    let sales = chats.told("sales key: ");
    assert_eq!(chats.get("/api/v1/chats", &sales).await.0, 200);
    chats.stop().await;

    let chats = Chats::start(directory.path()).await;
    assert_eq!(chats.told, [""; 0]);
    let response = chats.call(Method::GET, "/api/v1/chats", &sales, Value::Null).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["x-ratelimit-remaining"], "998");
    chats.stop().await;
}
