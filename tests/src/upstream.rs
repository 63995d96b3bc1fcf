use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::message::{Kind, Message};

/// The API behind a gateway: it answers everything, and keeps every byte that it was sent.
///
/// Its answer is 200 with the body [`Upstream::BODY`], or has the status that the request names in `X-Answer`, and those
/// headers of an answer that only a gateway may say. To whatever a request asks to upgrade it does, and sends back all that
/// comes then.
pub struct Upstream {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Message>>>,
    listening: JoinHandle<()>,
}

impl Upstream {
    /// The body of its answers.
    pub const BODY: &str = "the API's own answer";

    /// The only key of a WebSocket handshake that it can answer: that of RFC 6455, section 1.3.
    pub const WEBSOCKET_KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

    /// Headers of its answers; a gateway replaces or removes them where Qwetty has its own.
    const HEADERS: &str = "X-RateLimit-Limit: 1\r\nRateLimit: \"api\";r=1\r\nX-Qwetty-Problem: {}\r\n\
                           X-Qwetty-Key-Id: api\r\nX-Qwetty-Organization-Id: api\r\nX-Qwetty-Permissions: api\r\n\
                           X-Qwetty-Channel-Scopes: api\r\nRetry-After: 7\r\n\
                           WWW-Authenticate: Api\r\nContent-Type: text/plain\r\n";

    /// One on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, seen) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<Message>>>::default());
        let recorded = Arc::clone(&seen);
        let listening = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&recorded)));
            }
        });
        Self { address, seen, listening }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The requests that came since this was last asked. What is no request, or ends within, counts as one
    /// that says so in its first line.
    pub fn taken(&self) -> Vec<Message> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn serve(stream: TcpStream, seen: Arc<Mutex<Vec<Message>>>) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut request = Message::default();
        match request.fill(&mut stream, Kind::Request).await {
            Ok(true) => {
                let (answer, upgrade) = (answer(&request), request.values("upgrade").next().is_some());
                seen.lock().unwrap().push(request);
                if stream.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
                if upgrade {
                    let (mut from, mut to) = tokio::io::split(stream);
                    let _ = tokio::io::copy(&mut from, &mut to).await;
                    return;
                }
            }
            Ok(false) => return,
            // A connection that was kept for later, and is reset.
            Err(_) if request.bytes.is_empty() => return,
            Err(error) => {
                request.start = format!("no whole request: {error}: {}", request.start);
                seen.lock().unwrap().push(request);
                return;
            }
        }
    }
}

fn answer(request: &Message) -> String {
    if let Some(protocol) = request.values("upgrade").next() {
        let protocol = String::from_utf8_lossy(protocol);
        return format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: {protocol}\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
        );
    }
    let status = request.values("x-answer").next().map_or("200".into(), String::from_utf8_lossy);
    let (length, headers, body) = (Upstream::BODY.len(), Upstream::HEADERS, Upstream::BODY);
    format!("HTTP/1.1 {status} As asked\r\n{headers}Content-Length: {length}\r\n\r\n{body}")
}
