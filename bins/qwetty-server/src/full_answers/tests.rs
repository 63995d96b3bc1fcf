use http::{Request, Response, StatusCode};
use http_body_util::Full;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;
use crate::activity::Patience;
use crate::request_body::RequestBody;

const BARE: &[u8] = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\n\
                      content-length: 0\r\ndate: Mon, 23 Nov 2026 03:29:56 GMT\r\n\r\n";
const FULL: &str = "HTTP/1.1 431 Request Header Fields Too Large\r\nx-request-id: req_1\r\nconnection: close\r\n\
                    content-length: 7\r\ndate: Mon, 23 Nov 2026 03:29:56 GMT\r\n\r\nrefused";
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

struct Service;

impl Handler for Service {
    async fn handle(&self, _: Request<&mut RequestBody>, _: SocketAddr) -> Response<Full<Bytes>> {
        unreachable!("nothing here is a request")
    }

    fn refusal(&self, status: StatusCode) -> Response<Full<Bytes>> {
        Response::builder()
            .status(status)
            .header("x-request-id", "req_1")
            .body(Full::from("refused"))
            .unwrap()
    }
}

struct Wrapped {
    client: DuplexStream,
    activity: Arc<Activity>,
    stream: FullAnswers<DuplexStream, Service>,
}

/// A stream whose socket buffer holds so many bytes.
fn wrapped(buffer: usize) -> Wrapped {
    let (client, server) = duplex(buffer);
    let activity = Activity::new(Patience::default());
    let stream = FullAnswers::new(server, Arc::new(Service), Arc::clone(&activity));
    Wrapped { client, activity, stream }
}

impl Wrapped {
    /// What the client has when the stream is closed.
    async fn received(self) -> String {
        let Self { mut client, mut stream, .. } = self;
        stream.shutdown().await.unwrap();
        let mut received = String::new();
        client.read_to_string(&mut received).await.unwrap();
        received
    }
}

#[tokio::test]
async fn a_refusal_takes_the_place_of_a_bare_answer() {
    let mut wrapped = wrapped(4096);
    assert_eq!(wrapped.stream.write(BARE).await.unwrap(), BARE.len());
    assert!(wrapped.activity.cut_short(), "the connection lingers");
    assert_eq!(wrapped.received().await, FULL);
}

#[tokio::test]
async fn a_vectored_write_is_understood_alike() {
    let mut wrapped = wrapped(4096);
    assert!(wrapped.stream.is_write_vectored());
    let first = [&ANSWER[..38], &ANSWER[38..]].map(IoSlice::new);
    assert_eq!(wrapped.stream.write_vectored(&first).await.unwrap(), ANSWER.len());
    assert_eq!(wrapped.stream.write_vectored(&[IoSlice::new(BARE)]).await.unwrap(), BARE.len());
    assert_eq!(wrapped.received().await, format!("{}{FULL}", str::from_utf8(ANSWER).unwrap()));
}

#[tokio::test]
async fn a_bare_answer_is_written_when_all_of_the_refusal_is() {
    let mut wrapped = wrapped(10);
    let writing = tokio::spawn(async move {
        let count = wrapped.stream.write(BARE).await.unwrap();
        wrapped.stream.write_all(b"after").await.unwrap();
        count
    });
    let mut received = vec![0; FULL.len() - 11];
    wrapped.client.read_exact(&mut received).await.unwrap();
    tokio::task::yield_now().await;
    assert!(!writing.is_finished());
    let mut rest = String::new();
    wrapped.client.read_to_string(&mut rest).await.unwrap();
    assert_eq!(String::from_utf8(received).unwrap() + &rest, format!("{FULL}after"));
    assert_eq!(writing.await.unwrap(), BARE.len());
}

#[tokio::test]
async fn what_looks_like_a_bare_answer_within_an_answer_is_let_be() {
    let mut wrapped = wrapped(4096);
    let exchange = wrapped.activity.begin(false);
    exchange.answered(tokio::time::Instant::now());
    wrapped.stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
    wrapped.stream.write_all(BARE).await.unwrap();
    drop(exchange);
    assert!(wrapped.received().await.as_bytes().ends_with(BARE));
}

#[tokio::test]
async fn http_2_is_let_be() {
    let mut wrapped = wrapped(4096);
    // SETTINGS
    wrapped.stream.write_all(b"\0\0\0\x04\0\0\0\0\0").await.unwrap();
    wrapped.stream.write_all(BARE).await.unwrap();
    assert!(wrapped.received().await.as_bytes().ends_with(BARE));
}

#[tokio::test]
async fn a_client_that_is_gone_is_an_error() {
    let mut wrapped = wrapped(10);
    drop(wrapped.client);
    assert!(wrapped.stream.write(BARE).await.is_err());
}
