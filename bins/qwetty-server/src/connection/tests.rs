//! Connections over an in-memory stream and a paused clock: deadlines to the millisecond, in no time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioExecutor;
use qwetty_keys::Timestamp;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream, duplex, split};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;
use crate::tls::{Tls, TlsFiles};
use crate::workers::Workers;

const PATIENCE: Patience = Patience { request: Duration::from_secs(30), reading: Duration::from_secs(20) };
const HEAD: &[u8] = b"GET /echo HTTP/1.1\r\nHost: a\r\n\r\n";
const H2_PREFACE_AND_SETTINGS: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// `/echo` answers with the body, `/big` with a lot, `/wait` when told to, `/frame` too, with the body's first frame,
/// `/early` without reading, `/panic` not.
#[derive(Default)]
struct Service {
    go_on: Notify,
    begun: AtomicUsize,
    finished: AtomicUsize,
}

impl Handler for Service {
    fn is_for_at_once(&self, head: &Parts) -> bool {
        head.uri.path().starts_with("/at-once")
    }

    fn handle_at_once(
        &self,
        head: &mut Parts,
        body: &[u8],
        _: SocketAddr,
        _: Instant,
    ) -> Option<Response<Full<Bytes>>> {
        let is_enough = head.uri.path() == "/at-once" && !body.is_empty();
        is_enough.then(|| Response::new(Full::from([b"at once: ", body].concat())))
    }

    async fn handle(&self, request: Request<&mut RequestBody>, _: SocketAddr) -> Response<Full<Bytes>> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        let body = match request.uri().path() {
            "/big" => Bytes::from(vec![b'x'; 1024 * 1024]),
            "/wait" => {
                self.go_on.notified().await;
                Bytes::from_static(b"waited")
            }
            "/frame" => {
                let frame = request.into_body().frame().await.unwrap().unwrap();
                self.go_on.notified().await;
                frame.into_data().unwrap()
            }
            "/early" => Bytes::from_static(b"too much"),
            "/panic" => panic!("on purpose"),
            _ => match request.into_body().collect().await {
                Ok(body) => body.to_bytes(),
                Err(_) => Bytes::from_static(b"broken off"),
            },
        };
        self.finished.fetch_add(1, Ordering::SeqCst);
        Response::new(Full::new(body))
    }

    fn refusal(&self, status: StatusCode) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::from("refused"));
        *response.status_mut() = status;
        response
    }
}

struct Served {
    client: DuplexStream,
    service: Arc<Service>,
    workers: Workers,
    connection: JoinHandle<()>,
    started: Instant,
}

fn served() -> Served {
    served_through(64 * 1024)
}

/// Serves a connection whose socket buffers hold so many bytes.
fn served_through(buffer: usize) -> Served {
    let (client, server) = duplex(buffer);
    let service = Arc::new(Service::default());
    let workers = Workers::new();
    let peer = SocketAddr::from(([127, 0, 0, 1], 1));
    let connection = tokio::spawn(serve(server, peer, Arc::clone(&service), PATIENCE, workers.worker()));
    Served { client, service, workers, connection, started: Instant::now() }
}

impl Served {
    /// Reads one answer, which must be in one piece and no longer than the buffer.
    async fn answer(&mut self) -> String {
        let mut buffer = vec![0; 4096];
        let length = self.client.read(&mut buffer).await.unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    /// Seconds from the start until the server ends the connection, rounded.
    async fn closed_after(self) -> u64 {
        timeout(Duration::from_secs(3600), self.connection).await.expect("never closed").unwrap();
        (self.started.elapsed().as_millis() as u64 + 500) / 1000
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_connection_is_closed() {
    assert_eq!(served().closed_after().await, 30);
}

#[tokio::test(start_paused = true)]
async fn a_head_of_one_byte_a_second_is_closed() {
    let served = served();
    let (_reading, mut writing) = split(served.client);
    tokio::spawn(async move {
        for byte in HEAD.iter().cycle() {
            if writing.write_all(&[*byte; 1]).await.is_err() {
                return;
            }
            sleep(Duration::from_secs(1)).await;
            if *byte == b':' {
                // Never ends the head.
                while writing.write_all(b"a").await.is_ok() {
                    sleep(Duration::from_secs(1)).await;
                }
                return;
            }
        }
    });
    let started = served.started;
    served.connection.await.unwrap();
    assert_eq!(started.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_body_of_one_byte_a_second_is_closed() {
    let served = served();
    let (_reading, mut writing) = split(served.client);
    tokio::spawn(async move {
        writing.write_all(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n").await.unwrap();
        while writing.write_all(b"a").await.is_ok() {
            sleep(Duration::from_secs(1)).await;
        }
    });
    let started = served.started;
    served.connection.await.unwrap();
    assert_eq!(started.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed_counting_from_its_last_answer() {
    let mut served = served();
    sleep(Duration::from_secs(25)).await;
    served.client.write_all(HEAD).await.unwrap();
    assert!(served.answer().await.starts_with("HTTP/1.1 200 OK\r\n"));
    assert_eq!(served.closed_after().await, 55);
}

#[tokio::test(start_paused = true)]
async fn the_service_may_work_longer_than_a_client_may_dawdle() {
    let mut served = served();
    served.client.write_all(b"POST /wait HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    sleep(Duration::from_secs(300)).await;
    served.service.go_on.notify_one();
    assert!(served.answer().await.ends_with("waited"));
    assert_eq!(served.closed_after().await, 330);
}

#[tokio::test(start_paused = true)]
async fn a_body_is_complete_with_its_last_byte() {
    let mut served = served();
    let request = b"POST /frame HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
    served.client.write_all(request).await.unwrap();
    sleep(Duration::from_secs(300)).await;
    served.service.go_on.notify_one();
    assert!(served.answer().await.ends_with("hello"));
}

#[tokio::test(start_paused = true)]
async fn an_unread_answer_closes_the_connection() {
    let mut served = served_through(1024);
    served.client.write_all(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    sleep(Duration::from_secs(10)).await;
    let mut taken = [0; 500];
    served.client.read_exact(&mut taken).await.unwrap();
    assert_eq!(served.closed_after().await, 10 + 20);
}

/// Reads to the end with a pause before each read, and says how many bytes came.
async fn read_slowly(client: &mut (impl AsyncRead + Unpin), pause: Duration) -> usize {
    let (mut total, mut buffer) = (0, vec![0; 64 * 1024]);
    loop {
        sleep(pause).await;
        match client.read(&mut buffer).await.unwrap() {
            0 => return total,
            length => total += length,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_gets_its_whole_answer() {
    let mut served = served_through(64 * 1024);
    served.client.write_all(b"GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
    let total = read_slowly(&mut served.client, Duration::from_secs(15)).await;
    assert!(total > 1024 * 1024, "{total}");
    assert!(served.started.elapsed() > Duration::from_secs(60));
}

#[tokio::test(start_paused = true)]
async fn pipelined_requests_are_answered_in_order() {
    let mut served = served();
    let post = |body: &str| {
        format!("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    };
    let requests = [post("first"), post("second"), String::from_utf8(HEAD.to_vec()).unwrap()].concat();
    served.client.write_all(requests.as_bytes()).await.unwrap();
    served.client.shutdown().await.unwrap();
    let mut answers = String::new();
    served.client.read_to_string(&mut answers).await.unwrap();
    let (first, second) = (answers.find("first").unwrap(), answers.find("second").unwrap());
    assert!(first < second);
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 3, "{answers}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_is_let_go_at_once() {
    let mut served = served();
    served.client.write_all(HEAD).await.unwrap();
    served.answer().await;
    served.client.shutdown().await.unwrap();
    assert_eq!(served.closed_after().await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_hangs_up_does_not_stop_what_it_began() {
    let mut served = served();
    served.client.write_all(b"POST /wait HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    sleep(Duration::from_millis(1)).await;
    served.connection.abort();
    drop(served.client);
    assert!(served.connection.await.unwrap_err().is_cancelled());
    served.service.go_on.notify_one();
    assert!(served.workers.drain(Duration::from_secs(10)).await);
    assert_eq!(served.service.finished.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn an_early_answer_is_not_lost_in_the_rest_of_its_request() {
    let mut served = served_through(1024);
    let head = b"POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n";
    served.client.write_all(head).await.unwrap();
    // All of it can be sent, although nobody reads it, and the answer is there afterwards.
    served.client.write_all(&[b'a'; 100_000]).await.unwrap();
    let mut answer = String::new();
    served.client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("too much"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_closing_connection_does_not_linger_for_long() {
    let mut served = served();
    let head = b"POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabc";
    served.client.write_all(head).await.unwrap();
    assert!(served.closed_after().await <= 3);
}

#[tokio::test(start_paused = true)]
async fn a_panic_ends_its_own_connection() {
    let mut served = served();
    served.client.write_all(b"GET /panic HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    assert!(served.connection.await.unwrap_err().is_panic());
    let mut answer = Vec::new();
    served.client.read_to_end(&mut answer).await.unwrap();
    assert!(answer.is_empty());
}

#[tokio::test(start_paused = true)]
async fn shutdown_answers_what_is_in_flight() {
    let mut served = served();
    served.client.write_all(b"POST /wait HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    sleep(Duration::from_millis(1)).await;
    let drained = tokio::spawn(served.workers.drain(Duration::from_secs(10)));
    sleep(Duration::from_secs(5)).await;
    served.service.go_on.notify_one();
    let mut answer = String::new();
    served.client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("waited"), "{answer}");
    assert!(answer.to_lowercase().contains("connection: close"), "{answer}");
    assert!(drained.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn shutdown_closes_connections_with_nothing_in_flight_at_once() {
    let silent = served();
    let mut idle = served();
    idle.client.write_all(HEAD).await.unwrap();
    idle.answer().await;
    for Served { client: _client, workers, started, .. } in [silent, idle] {
        assert!(workers.drain(Duration::from_secs(10)).await);
        assert!(started.elapsed() < Duration::from_secs(1));
    }
}

#[tokio::test(start_paused = true)]
async fn shutdown_ends_a_call_that_outlasts_the_grace() {
    let mut served = served();
    served.client.write_all(b"POST /wait HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    sleep(Duration::from_millis(1)).await;
    // The task of the connection is the test's own; the listener's ends with the grace.
    let aborted = served.connection.abort_handle();
    let drained = tokio::spawn(served.workers.drain(Duration::from_secs(10)));
    sleep(Duration::from_secs(10)).await;
    aborted.abort();
    assert!(!drained.await.unwrap());
    assert_eq!(served.service.finished.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn http2_is_closed_when_silent_after_its_preface() {
    let mut served = served();
    served.client.write_all(H2_PREFACE_AND_SETTINGS).await.unwrap();
    assert_eq!(served.closed_after().await, 30);
}

#[tokio::test(start_paused = true)]
async fn http2_is_closed_when_it_only_pings() {
    let served = served();
    let (mut reading, mut writing) = split(served.client);
    tokio::spawn(async move { tokio::io::copy(&mut reading, &mut tokio::io::sink()).await });
    tokio::spawn(async move {
        writing.write_all(H2_PREFACE_AND_SETTINGS).await.unwrap();
        // PING, eight bytes of payload.
        while writing.write_all(b"\0\0\x08\x06\0\0\0\0\0abcdefgh").await.is_ok() {
            sleep(Duration::from_secs(1)).await;
        }
    });
    let started = served.started;
    served.connection.await.unwrap();
    assert_eq!(started.elapsed().as_secs(), 30);
}

/// Serves a connection over TLS, and what a client needs to trust it.
fn served_over_tls(buffer: usize) -> (Served, TlsConnector) {
    let (client, server) = duplex(buffer);
    let (service, workers) = (Arc::new(Service::default()), Workers::new());
    let peer = SocketAddr::from(([127, 0, 0, 1], 1));
    let directory = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let files =
        TlsFiles { certificate: directory.path().join("cert.pem"), key: directory.path().join("key.pem") };
    std::fs::write(&files.certificate, made.cert.pem()).unwrap();
    std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    let acceptor = Tls::load(files, Timestamp::from_unix_micros(0)).unwrap().acceptor();
    let serving = serve_tls(server, acceptor, peer, Arc::clone(&service), PATIENCE, workers.worker());
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.into()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connection = tokio::spawn(serving);
    let served = Served { client, service, workers, connection, started: Instant::now() };
    (served, Arc::new(config).into())
}

struct ServedOverTls {
    client: TlsStream<DuplexStream>,
    connection: JoinHandle<()>,
    started: Instant,
    _alive: (Arc<Service>, Workers),
}

/// The same after the handshake.
async fn served_after_handshake(buffer: usize) -> ServedOverTls {
    let (served, connector) = served_over_tls(buffer);
    let client = connector.connect("localhost".try_into().unwrap(), served.client).await.unwrap();
    let Served { service, workers, connection, started, .. } = served;
    ServedOverTls { client, connection, started, _alive: (service, workers) }
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_does_not_begin_is_closed() {
    let (served, _) = served_over_tls(64 * 1024);
    assert_eq!(served.closed_after().await, 30);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_of_one_byte_a_second_is_closed() {
    let (served, _) = served_over_tls(64 * 1024);
    let (_reading, mut writing) = split(served.client);
    tokio::spawn(async move {
        // The head of a record of 512 bytes with a ClientHello, and then its body.
        let record = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".iter().chain(std::iter::repeat(&b'a'));
        for byte in record {
            if writing.write_all(&[*byte]).await.is_err() {
                return;
            }
            sleep(Duration::from_secs(1)).await;
        }
    });
    let started = served.started;
    served.connection.await.unwrap();
    assert_eq!(started.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_earns_no_time_for_the_request() {
    let (served, connector) = served_over_tls(64 * 1024);
    sleep(Duration::from_secs(20)).await;
    let _client = connector.connect("localhost".try_into().unwrap(), served.client).await.unwrap();
    served.connection.await.unwrap();
    assert_eq!(served.started.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn plain_http_where_tls_is_spoken_is_closed_at_once() {
    let (mut served, _) = served_over_tls(64 * 1024);
    served.client.write_all(HEAD).await.unwrap();
    let mut answer = Vec::new();
    served.client.read_to_end(&mut answer).await.unwrap();
    assert!(!answer.starts_with(b"HTTP/"), "{answer:?}");
    served.connection.await.unwrap();
    assert_eq!(served.started.elapsed().as_secs(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_under_way_does_not_keep_a_shutdown_waiting() {
    let (served, _) = served_over_tls(64 * 1024);
    sleep(Duration::from_secs(1)).await;
    let asked = Instant::now();
    assert!(served.workers.drain(Duration::from_secs(10)).await);
    assert!(asked.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn an_unread_answer_over_tls_closes_the_connection() {
    let mut served = served_after_handshake(1024).await;
    served.client.write_all(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    served.client.flush().await.unwrap();
    served.connection.await.unwrap();
    assert_eq!(served.started.elapsed().as_secs(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_over_tls_gets_its_whole_answer_and_its_end() {
    let mut served = served_after_handshake(16 * 1024).await;
    served.client.write_all(b"GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
    served.client.flush().await.unwrap();
    // An end without a word that it is one (close_notify) would be an error.
    let total = read_slowly(&mut served.client, Duration::from_secs(2)).await;
    assert!(total > 1024 * 1024, "{total}");
    assert!(served.started.elapsed() > Duration::from_secs(60));
}

#[tokio::test(start_paused = true)]
async fn an_early_answer_over_tls_is_not_lost_in_the_rest_of_its_request() {
    let mut served = served_after_handshake(1024).await;
    let head = b"POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n";
    served.client.write_all(head).await.unwrap();
    served.client.write_all(&[b'a'; 100_000]).await.unwrap();
    served.client.flush().await.unwrap();
    let mut answer = String::new();
    served.client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("too much"), "{answer}");
}

type H2Client = hyper::client::conn::http2::SendRequest<Full<Bytes>>;

async fn h2_client(stream: DuplexStream, window: u32) -> H2Client {
    let (client, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(window)
        .handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    client
}

fn h2_request(path: &str) -> Request<Full<Bytes>> {
    Request::post(format!("http://a{path}")).body(Full::new(Bytes::from_static(b"hello"))).unwrap()
}

#[tokio::test(start_paused = true)]
async fn http2_answers_and_is_closed_when_idle() {
    let served = served();
    let mut client = h2_client(served.client, 65_535).await;
    sleep(Duration::from_secs(20)).await;
    let response = client.send_request(h2_request("/echo")).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "hello");
    served.connection.await.unwrap();
    assert_eq!(served.started.elapsed().as_secs(), 50);
}

#[tokio::test(start_paused = true)]
async fn http2_is_closed_over_one_unread_answer_however_busy_the_others_are() {
    let served = served();
    let mut client = h2_client(served.client, 1000).await;
    // The window is too small for this answer and is never opened, since nobody reads its body.
    let unread = client.send_request(h2_request("/big")).await.unwrap();
    let busy = tokio::spawn(async move {
        while let Ok(response) = client.send_request(h2_request("/echo")).await {
            let _ = response.into_body().collect().await;
            sleep(Duration::from_secs(1)).await;
        }
    });
    // In debug builds, h2 asserts that no stream is left when a connection is dropped (hyperium/h2#907).
    let _ = served.connection.await;
    assert_eq!(served.started.elapsed().as_secs(), 20);
    busy.await.unwrap();
    drop(unread);
}

#[tokio::test(start_paused = true)]
async fn http2_shutdown_answers_what_is_in_flight() {
    let served = served();
    let mut client = h2_client(served.client, 65_535).await;
    let call = tokio::spawn(client.send_request(h2_request("/wait")));
    sleep(Duration::from_secs(1)).await;
    let drained = tokio::spawn(served.workers.drain(Duration::from_secs(10)));
    sleep(Duration::from_secs(5)).await;
    served.service.go_on.notify_one();
    let response = call.await.unwrap().unwrap();
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "waited");
    assert!(drained.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn http2_idle_is_closed_at_once_at_shutdown() {
    let served = served();
    let mut client = h2_client(served.client, 65_535).await;
    client.send_request(h2_request("/echo")).await.unwrap();
    let asked = Instant::now();
    assert!(served.workers.drain(Duration::from_secs(10)).await);
    assert!(asked.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn http2_panic_ends_its_own_stream() {
    let served = served();
    let mut client = h2_client(served.client, 65_535).await;
    assert!(client.send_request(h2_request("/panic")).await.is_err());
    assert!(client.send_request(h2_request("/echo")).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn long_heads_reach_the_service() {
    let mut served = served();
    let head =
        format!("GET /echo?{} HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "q".repeat(20_000), "v".repeat(40_000));
    served.client.write_all(head.as_bytes()).await.unwrap();
    assert!(served.answer().await.starts_with("HTTP/1.1 200 OK\r\n"));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_request_is_refused_by_the_service_after_what_is_one() {
    let served = served_through(64);
    let (mut reading, mut writing) = split(served.client);
    let requests = [HEAD, HEAD, b"rubbish\r\n\r\n", HEAD].concat();
    let sending = tokio::spawn(async move {
        writing.write_all(&requests).await.unwrap();
        // All of what follows can be sent, although nobody reads it.
        writing.write_all(&[b'a'; 10_000]).await.unwrap();
        writing
    });
    let mut answers = String::new();
    reading.read_to_string(&mut answers).await.unwrap();
    assert_eq!(answers.matches("HTTP/1.1 ").count(), 3, "{answers}");
    assert_eq!(answers.matches("HTTP/1.1 200 OK\r\n").count(), 2, "{answers}");
    let (_, refusal) = answers.split_once("HTTP/1.1 400 Bad Request\r\n").unwrap();
    assert!(refusal.contains("connection: close\r\n") && refusal.ends_with("\r\n\r\nrefused"), "{answers}");
    sending.await.unwrap();
}

/// Resets that come after their calls have begun are none that h2 counts (CVE-2023-44487 is of those before).
#[tokio::test(start_paused = true)]
async fn streams_that_are_reset_leave_a_bounded_number_of_calls_under_way() {
    let mut served = served();
    served.client.write_all(H2_PREFACE_AND_SETTINGS).await.unwrap();
    let service = Arc::clone(&served.service);
    let (mut reading, mut writing) = split(served.client);
    tokio::spawn(async move { tokio::io::copy(&mut reading, &mut tokio::io::sink()).await });
    for stream in (1..600_u32).step_by(2) {
        let head = b"\x82\x86\x04\x05/wait\x01\x01a";
        let frame = [&[0, 0, head.len() as u8, 1, 5], &stream.to_be_bytes()[..], head].concat();
        writing.write_all(&frame).await.unwrap();
        // Until it is with the service, or waits for a place there.
        sleep(Duration::from_millis(1)).await;
        let reset = [&[0, 0, 4, 3, 0], &stream.to_be_bytes()[..], &[0, 0, 0, 8]].concat();
        writing.write_all(&reset).await.unwrap();
        sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(service.begun.load(Ordering::SeqCst), HTTP2_STREAMS as usize);
    assert!(!served.connection.is_finished());
    // Once they are done, there is room again.
    while service.finished.load(Ordering::SeqCst) < HTTP2_STREAMS as usize {
        service.go_on.notify_one();
        sleep(Duration::from_millis(1)).await;
    }
    let head = b"\x82\x86\x04\x05/echo\x01\x01a";
    writing.write_all(&[&[0, 0, head.len() as u8, 1, 5, 0, 0, 3, 0xe9], &head[..]].concat()).await.unwrap();
    sleep(Duration::from_millis(1)).await;
    assert_eq!(service.begun.load(Ordering::SeqCst), HTTP2_STREAMS as usize + 1);
}

/// What the service answers to so many bytes, sent in pieces of these lengths.
async fn answers_to(pieces: &[&str], count: usize) -> Vec<String> {
    let Served { client, workers, connection, .. } = served();
    let (mut reading, mut writing) = split(client);
    let pieces: Vec<Vec<u8>> = pieces.iter().map(|piece| piece.as_bytes().to_vec()).collect();
    tokio::spawn(async move {
        for piece in pieces {
            writing.write_all(&piece).await.unwrap();
            sleep(Duration::from_secs(1)).await;
        }
        // The connection stays open: only the answers wake whoever reads.
        sleep(Duration::from_secs(3600)).await;
    });
    let mut answers = Vec::new();
    let mut text = String::new();
    while answers.len() < count {
        let mut buffer = [0; 4096];
        let length = reading.read(&mut buffer).await.unwrap();
        assert_ne!(length, 0, "{answers:?} {text}");
        text += std::str::from_utf8(&buffer[..length]).unwrap();
        while let Some((head, rest)) = text.split_once("\r\n\r\n") {
            let length: usize =
                head.split("content-length: ").nth(1).unwrap().lines().next().unwrap().parse().unwrap();
            if rest.len() < length {
                break;
            }
            answers.push(rest[..length].to_owned());
            text = rest[length..].to_owned();
        }
    }
    drop((reading, connection));
    drop(workers);
    answers
}

#[tokio::test(start_paused = true)]
async fn a_body_is_read_whole_however_it_comes_and_the_connection_goes_on() {
    let post = |path: &str, body: &str| {
        format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    };
    let (one, two) = (post("/at-once", "one"), post("/at-once/not", "two"));
    // Together, one after the other, and torn apart at every byte.
    assert_eq!(
        answers_to(&[&one, &one, &two, &one], 4).await,
        ["at once: one", "at once: one", "two", "at once: one"]
    );
    let all = [&one[..], &two, &one, &one].concat();
    assert_eq!(answers_to(&[&all], 4).await, ["at once: one", "two", "at once: one", "at once: one"]);
    for at in 1..one.len() {
        let answers = answers_to(&[&one[..at], &one[at..], &one], 2).await;
        assert!(answers.iter().all(|answer| answer.ends_with("one")), "{at} {answers:?}");
    }
    let chunked = "POST /at-once HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n2\r\nab\r\n0\r\n\r\n";
    assert_eq!(answers_to(&[chunked, &one], 2).await, ["oneab", "at once: one"]);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_breaks_off_is_not_taken_for_whole() {
    let Served { mut client, .. } = served();
    client.write_all(b"POST /at-once HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\none").await.unwrap();
    client.shutdown().await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.is_empty() || answer.ends_with("broken off"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_before_the_end_of_its_request_is_the_last_and_says_so() {
    for (request, is_last) in [
        ("POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n", true),
        ("POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab", true),
        ("POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", false),
        ("POST /at-once/not HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", false),
        ("POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n", true),
        (
            "POST /early HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\nT: x\r\n\r\n",
            false,
        ),
        (
            "POST /early HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n",
            true,
        ),
        ("GET /early HTTP/1.1\r\nHost: a\r\n\r\n", false),
    ] {
        let mut served = served();
        served.client.write_all(request.as_bytes()).await.unwrap();
        let mut buffer = [0; 4096];
        let length = served.client.read(&mut buffer).await.unwrap();
        let answer = std::str::from_utf8(&buffer[..length]).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{request}{answer}");
        assert_eq!(answer.contains("\r\nconnection: close\r\n"), is_last, "{request}{answer}");
        if is_last {
            assert_eq!(served.client.read(&mut buffer).await.unwrap(), 0, "{request}");
        } else {
            served.client.write_all(HEAD).await.unwrap();
            let length = served.client.read(&mut buffer).await.unwrap();
            assert!(buffer[..length].starts_with(b"HTTP/1.1 200 "), "{request}");
        }
    }
}
