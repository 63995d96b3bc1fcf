//! Floods of HTTP/2 frames, written by hand: each is cut off, or costs the server next to nothing; others are served meanwhile.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::time::Duration;

use qwetty_tests::http2::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, GO_AWAY, HEADERS, PING, PREFACE, PRIORITY, RESET, SETTINGS,
    WINDOW_UPDATE, frame,
};
use qwetty_tests::{Client, Server, in_time};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// What memory may grow by in two floods.
const GROWTH_KIB: u64 = 8 * 1024;

/// `GET` of this path as a header block: names of the static table, values as they are.
fn get(path: &str) -> Vec<u8> {
    block(0x82, path)
}

fn post(path: &str) -> Vec<u8> {
    block(0x83, path)
}

fn block(method: u8, path: &str) -> Vec<u8> {
    [&[method, 0x86, 0x04, u8::try_from(path.len()).unwrap()], path.as_bytes(), b"\x01\x01a"].concat()
}

/// A connection on which everything that comes is read, or nothing is.
struct Flood {
    writing: OwnedWriteHalf,
    reading: Option<JoinHandle<Vec<u8>>>,
    /// Kept, so that it is open.
    _unread: Option<OwnedReadHalf>,
}

/// What the server said before it closed the connection; `None` if it has not.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// It bore the flood.
    Open,
    /// It closed the connection, and gave this reason if any.
    Closed(Option<u32>),
}

const PROTOCOL_ERROR: u32 = 1;
const FLOW_CONTROL_ERROR: u32 = 3;
const FRAME_SIZE_ERROR: u32 = 6;
const COMPRESSION_ERROR: u32 = 9;
const ENHANCE_YOUR_CALM: u32 = 11;

impl Flood {
    async fn on(server: &Server, reads: bool) -> Self {
        let stream = TcpStream::connect(server.address()).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (mut reading, writing) = stream.into_split();
        let (reading, unread) = if reads {
            let all = tokio::spawn(async move {
                let mut all = Vec::new();
                // A reset ends it, too.
                let _ = reading.read_to_end(&mut all).await;
                all
            });
            (Some(all), None)
        } else {
            (None, Some(reading))
        };
        let mut flood = Self { writing, reading, _unread: unread };
        flood.send(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await;
        flood
    }

    /// Whether the server took the bytes, or at least may yet.
    async fn send(&mut self, bytes: &[u8]) -> bool {
        // One that does not read any more has borne enough.
        let written = timeout(Duration::from_secs(2), self.writing.write_all(bytes)).await;
        matches!(written, Ok(Ok(())))
    }

    /// Sends what `bytes` makes of each round until the server has enough.
    async fn rounds(&mut self, rounds: u32, mut bytes: impl FnMut(u32) -> Vec<u8>) {
        for round in 0..rounds {
            if !self.send(&bytes(round)).await || self.is_over() {
                return;
            }
        }
    }

    fn is_over(&self) -> bool {
        self.reading.as_ref().is_some_and(JoinHandle::is_finished)
    }

    /// What came of it. A connection that is open answers a last ping.
    async fn end(mut self) -> End {
        self.send(&frame(PING, 0, 0, b"last one")).await;
        let _ = self.writing.shutdown().await;
        let all = in_time("the end of the flood", self.reading.take().unwrap()).await.unwrap();
        let mut rest = &all[..];
        let mut reason = None;
        let mut answered = false;
        while rest.len() >= 9 {
            let length = usize::from(rest[0]) << 16 | usize::from(rest[1]) << 8 | usize::from(rest[2]);
            let Some(payload) = rest.get(9..9 + length) else { break };
            match rest[3] {
                GO_AWAY => reason = Some(u32::from_be_bytes(payload[4..8].try_into().unwrap())),
                PING => answered |= payload == b"last one",
                _ => {}
            }
            rest = &rest[9 + length..];
        }
        if answered { End::Open } else { End::Closed(reason) }
    }
}

/// Lets `flood` loose: others are served meanwhile, and memory does not grow for ever. A flood may be the first that finds the
/// server's threads as busy as it makes them, and then leaves them with more memory of their own than those before: what grows
/// with the floods grows with the next ones, too.
async fn borne(server: &Server, name: &str, flood: impl AsyncFn() -> End, expected: &[End]) {
    let mut other = server.root();
    let mut two_floods = async || {
        for _ in 0..2 {
            let end = beside(&mut other, flood()).await;
            assert!(expected.contains(&end), "{name}: {end:?}");
        }
        server.resident_kib()
    };
    let mut sizes = vec![two_floods().await];
    loop {
        sizes.push(two_floods().await);
        if sizes.is_sorted_by(|before, after| *after > before + GROWTH_KIB) {
            assert!(sizes.len() < 4, "{name}: memory grows with each two floods, in KiB: {sizes:?}");
        } else {
            break;
        }
    }
    server.root().get("/api/v1/me").await.expect(200);
}

/// What comes of the flood, while others are served.
async fn beside(other: &mut Client, flood: impl Future<Output = End>) -> End {
    let mut flood = std::pin::pin!(flood);
    loop {
        tokio::select! {
            end = &mut flood => return end,
            answer = other.get("/api/v1/me") => {
                answer.expect(200);
                tokio::task::yield_now().await;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }
}

/// The reason may be lost, where the server closes on what is still being sent.
const CUT: &[End] = &[End::Closed(Some(ENHANCE_YOUR_CALM)), End::Closed(None)];

#[tokio::test]
async fn streams_that_are_opened_and_reset() {
    let server = Server::start().await;
    let flood = async || {
        let mut flood = Flood::on(&server, true).await;
        flood
            .rounds(200, |round| {
                let streams = (0..100).map(|index| (round * 100 + index) * 2 + 1);
                let frames = streams.map(|stream| {
                    [
                        frame(HEADERS, END_STREAM | END_HEADERS, stream, &get("/api/v1/me")),
                        frame(RESET, 0, stream, &8_u32.to_be_bytes()),
                    ]
                    .concat()
                });
                frames.collect::<Vec<_>>().concat()
            })
            .await;
        flood.end().await
    };
    borne(&server, "rapid reset", flood, CUT).await;
}

#[tokio::test]
async fn streams_that_the_server_is_made_to_reset() {
    let server = Server::start().await;
    // CVE-2025-8671: each breaks a rule of its stream, so that the server resets it while its call is under way.
    let broken: [(&str, u32, &[End]); 2] = [
        ("a window beyond 2^31", 0x7fff_ffff, CUT),
        // h2 ends the connection at once.
        ("a window update of 0", 0, &[End::Closed(Some(PROTOCOL_ERROR)), End::Closed(None)]),
    ];
    for (name, increment, expected) in broken {
        let flood = async || {
            let mut flood = Flood::on(&server, true).await;
            flood
                .rounds(1_000, |round| {
                    let stream = round * 2 + 1;
                    [
                        frame(HEADERS, END_HEADERS, stream, &post("/api/v1/verify")),
                        frame(WINDOW_UPDATE, 0, stream, &increment.to_be_bytes()),
                    ]
                    .concat()
                })
                .await;
            flood.end().await
        };
        borne(&server, name, flood, expected).await;
    }
}

#[tokio::test]
async fn header_blocks_without_an_end() {
    let server = Server::start().await;
    let flood = async |rounds: u32, piece: Vec<u8>| {
        let mut flood = Flood::on(&server, true).await;
        flood.send(&frame(HEADERS, END_STREAM, 1, &get("/api/v1/me"))).await;
        flood.rounds(rounds, |_| frame(CONTINUATION, 0, 1, &piece)).await;
        flood.end().await
    };
    // CVE-2024-27316 and its like: frames without anything in them, and frames with more and more.
    let expected =
        &[End::Closed(Some(ENHANCE_YOUR_CALM)), End::Closed(Some(COMPRESSION_ERROR)), End::Closed(None)];
    borne(&server, "empty CONTINUATION", async || flood(5_000, Vec::new()).await, expected).await;
    let piece = [&b"\x00\x01x\x7f\x99\x74"[..], &[b'v'; 15_000]].concat();
    borne(&server, "large CONTINUATION", async || flood(500, piece.clone()).await, expected).await;
}

#[tokio::test]
async fn a_header_list_that_is_larger_than_what_was_sent() {
    let server = Server::start().await;
    let flood = async || {
        let mut flood = Flood::on(&server, true).await;
        // An entry of 4,000 bytes in the table of the connection, then a byte for each time that it stands in the list.
        let entry = [&b"\x40\x01x\x7f\xa1\x1e"[..], &[b'v'; 4_000]].concat();
        flood
            .rounds(50, |round| {
                let block = [
                    get("/api/v1/me"),
                    if round == 0 { entry.clone() } else { Vec::new() },
                    vec![0xbe; 8_000],
                ]
                .concat();
                frame(HEADERS, END_STREAM | END_HEADERS, round * 2 + 1, &block)
            })
            .await;
        flood.end().await
    };
    let expected = &[End::Open, End::Closed(Some(ENHANCE_YOUR_CALM)), End::Closed(None)];
    borne(&server, "a bomb of HPACK", flood, expected).await;
}

#[tokio::test]
async fn frames_that_each_want_an_answer() {
    let server = Server::start().await;
    let pings: Vec<u8> = frame(PING, 0, 0, b"whatever").repeat(500);
    let settings: Vec<u8> = frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 9]).repeat(500);
    let expected = &[End::Open, End::Closed(Some(ENHANCE_YOUR_CALM)), End::Closed(None)];
    for (name, frames) in [("PING", &pings), ("SETTINGS", &settings)] {
        let read = async || {
            let mut flood = Flood::on(&server, true).await;
            flood.rounds(40, |_| frames.clone()).await;
            flood.end().await
        };
        borne(&server, name, read, expected).await;
    }
    // Whoever does not read the answers is not read either.
    let mut unread = Flood::on(&server, false).await;
    let before = server.resident_kib();
    unread.rounds(1_000, |_| pings.clone()).await;
    let grown = server.resident_kib().saturating_sub(before);
    assert!(grown <= GROWTH_KIB, "unread PING: {grown} KiB more");
    server.root().get("/api/v1/me").await.expect(200);
}

#[tokio::test]
async fn frames_that_want_nothing() {
    let server = Server::start().await;
    let (empty, priority, unknown) = (
        frame(DATA, 0, 1, &[]).repeat(1_000),
        frame(PRIORITY, 0, 3, &[0, 0, 0, 0, 1]).repeat(1_000),
        frame(0xfa, 0, 0, &[0; 100]).repeat(100),
    );
    let expected = &[End::Open, End::Closed(Some(ENHANCE_YOUR_CALM)), End::Closed(None)];
    for (name, frames) in
        [("empty DATA", &empty), ("PRIORITY", &priority), ("frames of no known kind", &unknown)]
    {
        let flood = async || {
            let mut flood = Flood::on(&server, true).await;
            flood.send(&frame(HEADERS, END_HEADERS, 1, &post("/api/v1/verify"))).await;
            flood.rounds(15, |_| frames.clone()).await;
            flood.end().await
        };
        borne(&server, name, flood, expected).await;
    }
}

#[tokio::test]
async fn answers_that_find_no_window() {
    let server = Server::start().await;
    let flood = async || {
        let mut flood = Flood::on(&server, true).await;
        // A window of 0 for each stream.
        flood.send(&frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0])).await;
        let requests = (0..100)
            .map(|index| frame(HEADERS, END_STREAM | END_HEADERS, index * 2 + 1, &get("/openapi.json")));
        flood.send(&requests.collect::<Vec<_>>().concat()).await;
        // One more than there may be is refused, and not kept.
        flood.send(&frame(HEADERS, END_STREAM | END_HEADERS, 201, &get("/openapi.json"))).await;
        flood.end().await
    };
    borne(&server, "a window of 0", flood, &[End::Open]).await;
}

#[tokio::test]
async fn what_breaks_the_rules_of_the_connection_ends_it() {
    let server = Server::start().await;
    let head = get("/api/v1/me");
    let window = 0x7fff_ffff_u32.to_be_bytes();
    for (name, frames, reason) in [
        ("a request on stream 0", frame(HEADERS, END_STREAM | END_HEADERS, 0, &head), PROTOCOL_ERROR),
        ("a request on an even stream", frame(HEADERS, END_STREAM | END_HEADERS, 2, &head), PROTOCOL_ERROR),
        ("data on a stream that is idle", frame(DATA, 0, 9, b"x"), PROTOCOL_ERROR),
        (
            "a window beyond 2^31",
            [frame(WINDOW_UPDATE, 0, 0, &window), frame(WINDOW_UPDATE, 0, 0, &window)].concat(),
            FLOW_CONTROL_ERROR,
        ),
        ("a frame larger than announced", frame(DATA, 0, 1, &[0; 20_000]), FRAME_SIZE_ERROR),
        ("a ping of 7 bytes", frame(PING, 0, 0, b"1234567"), FRAME_SIZE_ERROR),
        (
            "a frame between header frames",
            [frame(HEADERS, END_STREAM, 1, &head), frame(PING, 0, 0, b"whatever")].concat(),
            PROTOCOL_ERROR,
        ),
        (
            "headers that are not compressed as told",
            frame(HEADERS, END_STREAM | END_HEADERS, 1, &[0xff; 20]),
            COMPRESSION_ERROR,
        ),
        ("a pushed answer", frame(5, END_HEADERS, 1, &[&[0, 0, 0, 2][..], &head].concat()), PROTOCOL_ERROR),
    ] {
        let mut flood = Flood::on(&server, true).await;
        flood.send(&frames).await;
        let end = flood.end().await;
        // h2 does not tell all of them apart.
        assert!(
            [reason, PROTOCOL_ERROR].map(|reason| End::Closed(Some(reason))).contains(&end),
            "{name}: {end:?}"
        );
    }
    // No preface, or another one.
    for bytes in [
        &b"PRI * HTTP/2.0\r\n\r\nSX\r\n\r\n"[..],
        &frame(SETTINGS, 0, 0, &[]),
        &[PREFACE, &frame(PING, 0, 0, b"whatever")].concat(),
    ] {
        let mut raw = server.raw().await;
        raw.send(bytes).await;
        raw.finish().await;
        raw.ended().await;
    }
    server.root().get("/api/v1/me").await.expect(200);
}
