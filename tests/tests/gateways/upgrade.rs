//! Connections that leave HTTP. A WebSocket may; within anything else, requests would pass that nobody decided.

use qwetty_tests::{Kind, Raw, Upstream};

use crate::case::Case;
use crate::key::{CLIENT, Key};
use crate::request::Request;
use crate::subject::Subject;

pub(crate) const GROUP: &str = "upgrades";

/// Name, protocol, and the key that it is asked for with.
const UPGRADES: [(&str, &str, Option<Key>); 4] = [
    ("WebSocket with a key", "websocket", Some(Key::Attacker)),
    ("WebSocket without a key", "websocket", None),
    ("h2c with a key", "h2c", Some(Key::Attacker)),
    ("another protocol with a key", "anything/1.0", Some(Key::Attacker)),
];

/// Runs all of them: the name of each, and what became of it.
pub(crate) async fn upgrades(subject: &Subject) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    for (name, protocol, key) in UPGRADES {
        let request = Request::get("/api/v1/chats/upgraded")
            .header("Connection: Upgrade, HTTP2-Settings")
            .header(format!("Upgrade: {protocol}"))
            .header("HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA")
            .header("Sec-WebSocket-Version: 13")
            .header(format!("Sec-WebSocket-Key: {}", Upstream::WEBSOCKET_KEY));
        let request = if let Some(key) = key { request.by(key) } else { request };
        rows.push((name.to_owned(), subject.upgrade(name, protocol, request).await));
    }
    rows
}

impl Subject {
    async fn upgrade(&self, name: &str, asked: &str, request: Request) -> String {
        let mut raw = Raw::connect_from(CLIENT.parse().unwrap(), self.address).await;
        raw.send(request.bytes(&self.keys)).await;
        let answer = raw.last_message(Kind::Answer).await.expect("an answer");
        let seen = self.upstream.taken();
        if answer.status() != 101 {
            let case = Case::new(GROUP, name, request.clone());
            let word = self.word(&case, &request, &answer, &seen);
            // Whether it is answered or refused, the connection stays what it is.
            return if asked == "websocket" { word } else { "not upgraded".to_owned() };
        }
        self.assert_passed(&request, &seen[0]);
        raw.send(Upstream::BODY).await;
        assert_eq!(
            raw.bytes(Upstream::BODY.len()).await,
            Upstream::BODY.as_bytes(),
            "what the API says back"
        );
        "upgraded".to_owned()
    }
}
