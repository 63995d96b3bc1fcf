//! The smallest gateway there can be: it asks `/authorize` as the contract says, and does what it answers.

use std::net::SocketAddr;

use qwetty_tests::{Kind, Message};
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::forward::{exchange, forward};

const IDENTITY: [&str; 4] =
    ["X-Qwetty-Key-Id", "X-Qwetty-Organization-Id", "X-Qwetty-Permissions", "X-Qwetty-Channel-Scopes"];
/// What the client is told of a decision, beside the answer.
const TOLD: [&str; 6] = [
    "x-request-id",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "ratelimit-policy",
    "ratelimit",
];

const UNAVAILABLE: &str = "{\"type\":\"/docs/errors#unavailable\",\"title\":\"Unavailable\",\"status\":503,\"detail\":\"The service cannot \
                           answer now; try again\",\"code\":\"unavailable\",\"requestId\":\"req_gateway\"}";

/// How the question says what is asked about.
#[derive(Clone, Copy)]
pub(crate) enum Form {
    /// `X-Forwarded-Method` and `X-Forwarded-Uri`.
    Forwarded,
    /// `X-Original-Method` and `X-Original-URI`.
    Original,
    /// The request line of Envoy's `path_prefix`.
    PathPrefix,
}

/// Listens on a free port until the test ends.
pub(crate) async fn start(form: Form, qwetty: SocketAddr, api: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, peer)) = listener.accept().await {
            tokio::spawn(async move { Gateway { form, qwetty, api, peer }.serve(stream).await });
        }
    });
    address
}

struct Gateway {
    form: Form,
    qwetty: SocketAddr,
    api: SocketAddr,
    peer: SocketAddr,
}

impl Gateway {
    async fn serve(&self, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        loop {
            let request = match Message::read(&mut stream, Kind::Request).await {
                Ok(Some(request)) => request,
                Ok(None) => return,
                Err(_) => {
                    let _ = stream
                        .write_all(
                            b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
                        )
                        .await;
                    return;
                }
            };
            let answer = self.answer(&request).await;
            let last =
                request.values("connection").any(|value| value.to_ascii_lowercase().starts_with(b"close"));
            if stream.write_all(&answer).await.is_err() || last {
                return;
            }
        }
    }

    async fn answer(&self, request: &Message) -> Vec<u8> {
        let parts: Vec<&str> = request.start.split(' ').collect();
        let [method, target, _] = parts[..] else {
            return b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".to_vec();
        };
        let target = target.strip_prefix("http://api.test").unwrap_or(target);
        // As Envoy does: of a request line, a server may be told nothing behind this.
        if matches!(self.form, Form::PathPrefix) && target.contains('#') {
            return b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".to_vec();
        }
        let decision = match self.ask(method, target, request).await {
            Some(decision) if is_of_qwetty(&decision) => decision,
            _ => {
                let head = "HTTP/1.1 503 Unavailable\r\nContent-Type: application/problem+json\r\nCache-Control: no-store\r\n\
                            X-Request-Id: req_gateway";
                return format!("{head}\r\nContent-Length: {}\r\n\r\n{UNAVAILABLE}", UNAVAILABLE.len())
                    .into();
            }
        };
        if decision.status() != 200 {
            return answered(&decision, |name| !name.starts_with("x-qwetty-"), &[], method == "HEAD");
        }
        let identity = IDENTITY.map(|name| {
            let value = decision.values(name).next().expect("every identity header is set");
            (name, String::from_utf8_lossy(value).into_owned())
        });
        let headers = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
        let passed =
            forward(self.api, &format!("{method} {target}"), headers, &identity, &request.body).await;
        let told: Vec<(String, Vec<u8>)> = decision
            .headers
            .iter()
            .filter(|(name, _)| TOLD.contains(&&*name.to_lowercase()))
            .cloned()
            .collect();
        answered(&passed, |name| !name.starts_with("x-qwetty-") && !TOLD.contains(&name), &told, false)
    }

    async fn ask(&self, method: &str, target: &str, request: &Message) -> Option<Message> {
        let (line, pair) = match self.form {
            Form::Forwarded => {
                ("GET /api/v1/authorize".to_owned(), Some(("X-Forwarded-Method", "X-Forwarded-Uri")))
            }
            Form::Original => {
                ("GET /api/v1/authorize".to_owned(), Some(("X-Original-Method", "X-Original-URI")))
            }
            Form::PathPrefix => (format!("{method} /api/v1/authorize/envoy{target}"), None),
        };
        let mut question = format!("{line} HTTP/1.1\r\nHost: qwetty\r\n").into_bytes();
        let mut add =
            |name: &str, value: &[u8]| question.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        if let Some((method_name, uri_name)) = pair {
            add(method_name, method.as_bytes());
            add(uri_name, target.as_bytes());
        }
        request.values("authorization").for_each(|value| add("Authorization", value));
        let mut claimed: Vec<String> = request
            .values("x-forwarded-for")
            .map(|value| String::from_utf8_lossy(value).into_owned())
            .collect();
        claimed.push(self.peer.ip().to_string());
        add("X-Forwarded-For", claimed.join(", ").as_bytes());
        add("Connection", b"close");
        question.extend(b"\r\n");
        let kind = if line.starts_with("HEAD") { Kind::AnswerToHead } else { Kind::Answer };
        let answer =
            tokio::time::timeout(std::time::Duration::from_secs(2), exchange(self.qwetty, &question, kind));
        answer.await.ok()?
    }
}

/// Whether it is an admission that names a key, or a refusal; something else that listens there says something else.
fn is_of_qwetty(decision: &Message) -> bool {
    let first = |name: &str| decision.values(name).next().map(<[u8]>::to_vec);
    match decision.status() {
        200 => IDENTITY.iter().all(|name| first(name).is_some()) && first(IDENTITY[0]) != Some(Vec::new()),
        _ => first("content-type").is_some_and(|kind| kind == b"application/problem+json"),
    }
}

/// An answer on its way to the client: those of its headers that pass, and these.
fn answered(
    answer: &Message,
    passes: impl Fn(&str) -> bool,
    added: &[(String, Vec<u8>)],
    bodiless: bool,
) -> Vec<u8> {
    let mut bytes = format!("{}\r\n", answer.start).into_bytes();
    let framing = ["content-length", "transfer-encoding", "connection"];
    let passing = answer.headers.iter().filter(|(name, _)| {
        let name = name.to_lowercase();
        passes(&name) && !framing.contains(&&*name)
    });
    for (name, value) in passing.chain(added) {
        bytes.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    bytes.extend(format!("Content-Length: {}\r\n\r\n", answer.body.len()).into_bytes());
    if !bodiless {
        bytes.extend(&answer.body);
    }
    bytes
}
