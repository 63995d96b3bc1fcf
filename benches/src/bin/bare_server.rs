//! What the server is measured against: hyper that answers every request with the same answer, and nothing around it.
//!
//! `bare_server ADDRESS FILE…`: each file holds an answer as `curl -i` prints it, and has a listener of its own from the port
//! of the address on. `benches/http.sh` gives it the very answers of the server.

#![allow(clippy::expect_used, reason = "a bench that cannot be set up says so by panicking")]

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
// For its allocator, which is the server's.
use qwetty_benches as _;

/// Headers that hyper writes itself.
const BY_HYPER: [&str; 4] = ["connection", "content-length", "date", "transfer-encoding"];

/// The one answer there is.
struct Answer {
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut address: SocketAddr = arguments.next().ok_or("an address is missing")?.parse()?;
    // As it comes. The server's own workers give way besides.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        for file in arguments {
            let answer = Answer::read(&std::fs::read_to_string(file)?)?;
            tokio::spawn(serve(TcpListener::bind(address).await?, Arc::new(answer)));
            address.set_port(address.port() + 1);
        }
        std::future::pending().await
    })
}

async fn serve(listener: TcpListener, answer: Arc<Answer>) {
    loop {
        let (stream, _) = listener.accept().await.expect("a connection can be accepted");
        stream.set_nodelay(true).expect("a connection can be set up");
        let answer = Arc::clone(&answer);
        let service = service_fn(move |request| respond(Arc::clone(&answer), request));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// Reads the body, as whoever answers by it must.
async fn respond(
    answer: Arc<Answer>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let mut body = request.into_body();
    while let Some(frame) = body.frame().await {
        frame?;
    }
    Ok(answer.response())
}

impl Answer {
    fn read(text: &str) -> Result<Self, Box<dyn Error>> {
        let (head, body) = text.split_once("\r\n\r\n").ok_or("the answer has no end of its headers")?;
        let mut headers = Vec::new();
        for line in head.lines().skip(1) {
            let (name, value) = line.split_once(": ").ok_or("a header has no value")?;
            if !BY_HYPER.contains(&name) {
                headers.push((name.parse()?, value.parse()?));
            }
        }
        Ok(Self { headers, body: Bytes::copy_from_slice(body.as_bytes()) })
    }

    fn response(&self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(self.body.clone()));
        for (name, value) in &self.headers {
            response.headers_mut().insert(name, value.clone());
        }
        response
    }
}
