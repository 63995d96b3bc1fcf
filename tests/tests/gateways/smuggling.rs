//! Requests about whose end two programs could be of two minds, each with a request in it that nobody decided.

use qwetty_tests::{Kind, Raw};

use crate::key::{CLIENT, Key};
use crate::request::Request;
use crate::subject::Subject;

/// The request within; the API must not be asked for it.
const WITHIN: &str = "GET /api/v1/templates/smuggled HTTP/1.1\r\nHost: api.test\r\n\r\n";

/// What the first request says of its length, and what follows its headers; `WITHIN` stands for the request within.
const ATTACKS: [(&str, &str, &str); 11] = [
    (
        "a length and chunks, the length longer",
        "Content-Length: ALL\r\nTransfer-Encoding: chunked",
        "0\r\n\r\nWITHIN",
    ),
    (
        "a length and chunks, the length shorter",
        "Content-Length: 4\r\nTransfer-Encoding: chunked",
        "SIZE\r\nWITHIN\r\n0\r\n\r\n",
    ),
    ("chunks and a length", "Transfer-Encoding: chunked\r\nContent-Length: ALL", "0\r\n\r\nWITHIN"),
    ("two lengths", "Content-Length: 0\r\nContent-Length: ALL", "WITHIN"),
    ("two lengths in one header", "Content-Length: 0, ALL", "WITHIN"),
    ("a length with a sign", "Content-Length: +ALL", "WITHIN"),
    ("another coding", "Content-Length: ALL\r\nTransfer-Encoding: xchunked", "0\r\n\r\nWITHIN"),
    (
        "chunks twice",
        "Content-Length: ALL\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked",
        "0\r\n\r\nWITHIN",
    ),
    ("a space before the colon", "Content-Length: ALL\r\nTransfer-Encoding : chunked", "0\r\n\r\nWITHIN"),
    ("a folded header", "Content-Length: ALL\r\nTransfer-Encoding:\r\n chunked", "0\r\n\r\nWITHIN"),
    ("a header with _", "Content-Length: ALL\r\nTransfer_Encoding: chunked", "0\r\n\r\nWITHIN"),
];

/// The name of each attack.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    ATTACKS.iter().map(|(name, ..)| *name)
}

impl Subject {
    /// What becomes of the attack with this name.
    pub(crate) async fn smuggle(&self, name: &str) -> String {
        let (_, framing, content) = ATTACKS.iter().find(|(own, ..)| *own == name).unwrap();
        let content = content.replace("SIZE", &format!("{:x}", WITHIN.len())).replace("WITHIN", WITHIN);
        let framing = framing.replace("ALL", &content.len().to_string());
        let outer = Request::new("POST", "/api/v1/chats/1/messages").by(Key::Attacker).header(framing);
        let last = Request::get("/api/v1/chats/last").by(Key::Attacker).header("Connection: close");
        let mut raw = Raw::connect_from(CLIENT.parse().unwrap(), self.address).await;
        raw.send([outer.bytes(&self.keys), content.into_bytes(), last.bytes(&self.keys)].concat()).await;
        while let Some(answer) = raw.message(Kind::Answer).await {
            let status = answer.status();
            assert!(status == 200 || status >= 400, "{}", answer.start);
        }
        let seen = self.upstream.taken();
        for request in &seen {
            let smuggled = request.start.contains("smuggled") || !request.start.contains(" /api/v1/chats/");
            assert!(!smuggled, "the API got {:?}", request.start);
        }
        "never asked of the API".to_owned()
    }
}
