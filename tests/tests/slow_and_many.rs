//! Clients that are slow, silent or too many: each is closed at its time, and nobody else waits for them.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::Method;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use qwetty_tests::{Call, Certificate, Client, Kind, Launch, NewKey, Raw, Server, eventually, in_time};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, interval, timeout};

/// What a client has for a complete request, and for reading its answer; contract, section 6.
const DEADLINE: Duration = Duration::from_secs(30);
/// For a machine that has other things to do.
const LATEST: Duration = Duration::from_secs(60);

const HEAD: &str = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
const ENDLESS_HEAD: &str = "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ";
const H2_PREFACE_AND_SETTINGS: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// Every way to be slow, and from which address of this machine: by that, the server's end of it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slow {
    Silent = 1,
    Head,
    Body,
    Unread,
    Http2Silent,
    Http2Idle,
}

impl Slow {
    const ALL: [Self; 6] =
        [Self::Silent, Self::Head, Self::Body, Self::Unread, Self::Http2Silent, Self::Http2Idle];

    fn address(self) -> Ipv4Addr {
        Ipv4Addr::new(127, 0, 9, self as u8)
    }

    /// Is slow on this connection until the server has closed it.
    async fn dawdle(self, mut stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, key: &str) {
        match self {
            Self::Silent => ended(&mut stream).await,
            Self::Head => drip(stream, ENDLESS_HEAD).await,
            Self::Body => {
                let head = format!(
                    "POST /api/v1/verify HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Type: \
                     application/json\r\nContent-Length: 60000\r\n\r\n"
                );
                drip(stream, &head).await;
            }
            Self::Unread => {
                let ask = "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(1000);
                // All of the answers fit into no buffer, so that not all of the requests are taken.
                while stream.write_all(ask.as_bytes()).await.is_ok() {}
            }
            Self::Http2Silent => {
                stream.write_all(H2_PREFACE_AND_SETTINGS).await.unwrap();
                ended(&mut stream).await;
            }
            Self::Http2Idle => {
                let (mut client, connection) =
                    http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
                let connection = tokio::spawn(connection);
                let request = http::Request::get("http://x/healthz").body(String::new()).unwrap();
                assert_eq!(client.send_request(request).await.unwrap().status(), 200);
                let _ = connection.await.unwrap();
            }
        }
    }
}

/// Sends a byte a second, after the head.
async fn drip(mut stream: impl AsyncRead + AsyncWrite + Unpin, head: &str) {
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    let mut seconds = interval(Duration::from_secs(1));
    loop {
        let mut byte = [0];
        tokio::select! {
            _ = seconds.tick() => {
                if stream.write_all(b"a").await.is_err() || stream.flush().await.is_err() {
                    return;
                }
            }
            // Nothing was asked that could be answered: an end, or a reset.
            _ = stream.read(&mut byte) => return,
        }
    }
}

/// Reads until the server has closed the connection; a reset closes, too.
async fn ended(stream: &mut (impl AsyncRead + Unpin)) {
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

async fn connect(server: &Server, from: Ipv4Addr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((from, 0).into()).unwrap();
    in_time("a connection", socket.connect(server.address())).await.unwrap()
}

/// The server's ends of connections from this address that are neither closed nor closing.
///
/// The system hands its table out piece by piece: while others connect and close, a row may come twice, or not at all.
fn open_from(server: &Server, from: Ipv4Addr) -> usize {
    const ESTABLISHED: &str = "01";
    let hexadecimal = |address: Ipv4Addr| format!("{:08X}", u32::from_le_bytes(address.octets()));
    let own = format!(":{:04X}", server.address().port());
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let fields = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    fields
        .filter(|fields| {
            fields[1].ends_with(&own) && fields[2].starts_with(&hexadecimal(from)) && fields[3] == ESTABLISHED
        })
        .map(|fields| fields[2].to_owned())
        .collect::<HashSet<_>>()
        .len()
}

fn open_files(server: &Server) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", server.id())).unwrap().count()
}

/// A key with a quota that no test uses up.
async fn key(root: &mut Client) -> NewKey {
    root.create(json!({"permissions": ["api_keys:verify", "chats:read"], "tier": "admin"})).await
}

#[tokio::test]
async fn whoever_is_slow_is_closed_after_thirty_seconds_and_nobody_waits_for_them() {
    let certificate = Certificate::new();
    let connector = Certificate::connector(&[&certificate], &[]);
    let quota = ["--tier-admin", "1000000/3600"];
    let plain = Launch::serve().with(quota).start().await;
    let tls = Launch::serve().with(quota).tls(&certificate).start().await;
    let mut closed = tokio::task::JoinSet::new();
    for (server, is_tls) in [(&plain, false), (&tls, true)] {
        let key = key(&mut server.root()).await;
        for slow in Slow::ALL {
            let began = Instant::now();
            let stream = connect(server, slow.address()).await;
            let (key, connector) = (key.value.clone(), connector.clone());
            let name = server.address().ip().into();
            closed.spawn(async move {
                let closed = timeout(LATEST, async {
                    // Silence begins before the handshake.
                    if is_tls && slow != Slow::Silent {
                        let stream = in_time("a handshake", connector.connect(name, stream)).await.unwrap();
                        slow.dawdle(stream, &key).await;
                    } else {
                        slow.dawdle(stream, &key).await;
                    }
                });
                assert!(closed.await.is_ok(), "{slow:?} is not closed, TLS: {is_tls}");
                assert!(
                    began.elapsed() > DEADLINE - Duration::from_secs(1),
                    "{slow:?}, TLS: {is_tls}: too early"
                );
                (slow, is_tls)
            });
        }
    }
    for server in [&plain, &tls] {
        for slow in Slow::ALL {
            eventually(&format!("one {slow:?} is open"), async || {
                (open_from(server, slow.address()) == 1).then_some(())
            })
            .await;
        }
    }

    let is_over = AtomicBool::new(false);
    let others = async |server: &Server| {
        let (key, mut calls) = (key(&mut server.root()).await, 0);
        let mut old = server.client(&key.value);
        while !is_over.load(Ordering::SeqCst) {
            assert_eq!(old.code(&key.value).await, "valid");
            assert_eq!(server.client(&key.value).code(&key.value).await, "valid");
            calls += 1;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(calls > 10, "{calls}");
    };
    let ending = async {
        while let Some(done) = closed.join_next().await {
            let (slow, is_tls) = done.unwrap();
            let server = if is_tls { &tls } else { &plain };
            eventually("the server's end is closed", async || {
                (open_from(server, slow.address()) == 0).then_some(())
            })
            .await;
        }
        is_over.store(true, Ordering::SeqCst);
    };
    tokio::join!(others(&plain), others(&tls), ending);
    plain.stop().await;
    tls.stop().await;
}

/// Lets this process open as many files as the system allows it, and tells how many.
fn allowed_files() -> usize {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
    limit.maximum.map_or(usize::MAX, |files| usize::try_from(files).unwrap())
}

#[tokio::test]
async fn one_address_has_its_share_of_the_connections_and_others_have_theirs() {
    // Some address of this machine that is none of its own alone; nothing is sent to find it.
    let probe = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
    let own = probe.connect("192.0.2.1:9").and_then(|()| probe.local_addr()).map(|address| address.ip());
    let Some(own) = own.ok().filter(|own| !own.is_loopback() && !own.is_unspecified()) else {
        println!("skipped: this machine has a loopback address only");
        return;
    };
    let launch = Launch::serve().with(["--listen", "0.0.0.0:0"]);
    let server = launch.env("QWETTY_MAX_CONNECTIONS_PER_ADDRESS", "3").start().await;
    let address = SocketAddr::new(own, server.address().port());
    let open = async || {
        let mut raw = Raw::connect_from(own, address).await;
        raw.send(HEAD).await;
        raw
    };
    let mut mine = Vec::new();
    for _ in 0..3 {
        let mut raw = open().await;
        assert_eq!(raw.answer().await.status, 200);
        mine.push(raw);
    }
    for _ in 0..10 {
        assert!(open().await.message(Kind::Answer).await.is_none(), "closed without an answer");
    }
    let mut others = Vec::new();
    for _ in 0..10 {
        let mut raw = server.raw().await;
        raw.send(HEAD).await;
        assert_eq!(raw.answer().await.status, 200);
        others.push(raw);
    }
    drop(mine.pop());
    eventually("a place", async || open().await.message(Kind::Answer).await.map(drop)).await;
    let ended = server.stop().await;
    let warnings = ended.log.matches("max_connections_per_address").count();
    assert!((1..=2).contains(&warnings), "each address is told of once: {}", ended.log);
}

#[tokio::test]
async fn ten_thousand_connections_are_held_and_let_go() {
    /// For the rest of what either process has open.
    const BESIDE: usize = 500;
    let count = allowed_files().saturating_sub(BESIDE).min(10_000);
    if count < 10_000 {
        println!("no more than {count} connections: the limit on open files allows no more");
    }
    let server = Launch::serve().env("QWETTY_MAX_CONNECTIONS", &(count + 100).to_string()).start().await;
    // Kept: a connection that ends only once it was counted would be missed below.
    let mut root = server.root();
    let key = key(&mut root).await;
    let mut old = server.client(&key.value);
    assert_eq!(old.code(&key.value).await, "valid");
    let (files, memory) = (open_files(&server), server.resident_kib());

    let mut opening = tokio::task::JoinSet::new();
    for opener in 0..10_u8 {
        let address = server.address();
        let share = count / 10;
        opening.spawn(async move {
            let mut open = Vec::with_capacity(share);
            for number in 0..share {
                let from = IpAddr::from(Ipv4Addr::new(127, 0, 10, opener + 1));
                let mut raw = Raw::connect_from(from, address).await;
                // In turn: nothing, half a head, a whole request.
                match number % 3 {
                    0 => {}
                    1 => raw.send(ENDLESS_HEAD).await,
                    _ => {
                        raw.send(HEAD).await;
                        assert_eq!(raw.answer().await.status, 200);
                    }
                }
                open.push(raw);
            }
            open
        });
    }
    let open: Vec<_> = in_time("the connections", opening.join_all()).await;
    let wanted = files + count / 10 * 10;
    eventually("all are open at once", async || (open_files(&server) >= wanted).then_some(())).await;
    assert_eq!(old.code(&key.value).await, "valid");
    assert_eq!(server.client(&key.value).code(&key.value).await, "valid");
    let each = server.resident_kib().saturating_sub(memory) / u64::try_from(count).unwrap();
    assert!(each < 64, "{each} KiB a connection");

    drop(open);
    eventually("all are closed", async || (open_files(&server) < files + 100).then_some(())).await;
    assert_eq!(server.client(&key.value).code(&key.value).await, "valid");
    let log = server.stop().await.log;
    assert!(!log.contains("cannot accept"), "{log}");
}

#[tokio::test]
async fn without_files_left_open_connections_are_served_and_new_ones_as_soon_as_there_are_some() {
    let server = Server::start().await;
    let key = key(&mut server.root()).await;
    let mut old = server.client(&key.value);
    let mut root = server.root();
    assert_eq!(old.code(&key.value).await, "valid");
    assert_eq!(root.code(&key.value).await, "valid");
    // At its start it would take this into account; no more than a few connections are left.
    let id = Pid::from_raw(i32::try_from(server.id()).unwrap());
    let few = u64::try_from(open_files(&server) + 5).unwrap();
    let before =
        prlimit(id, Resource::Nofile, Rlimit { current: Some(few), ..getrlimit(Resource::Nofile) }).unwrap();

    let mut many = Vec::new();
    for _ in 0..50 {
        many.push(server.raw().await);
    }
    eventually("no file is left", async || {
        server.launch().log().contains("cannot accept connections").then_some(())
    })
    .await;
    for _ in 0..10 {
        assert_eq!(old.code(&key.value).await, "valid");
        root.act(&key.path("/revoke")).await.expect(200);
        assert_eq!(old.get("/api/v1/me").await.status, 401);
        root.act(&key.path("/reactivate")).await.expect(200);
    }

    // Either is enough: that others go, or that there are more files.
    drop(many);
    assert_eq!(server.client(&key.value).code(&key.value).await, "valid");
    let mut many = Vec::new();
    for _ in 0..50 {
        many.push(server.raw().await);
    }
    prlimit(id, Resource::Nofile, before).unwrap();
    server.anyone().send(Call::new(Method::GET, "/healthz")).await.expect(200);
    drop(many);
    server.stop().await;
}
