//! Something that listens where Qwetty should, and answers each question in its own way.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use qwetty_tests::{Kind, Message, eventually};
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::task::JoinHandle;

use crate::port::free_port;

/// What it answers: a name, and the bytes. It hangs up then, or at once if there are none.
pub(crate) const ANSWERS: [(&str, &str); 10] = [
    ("hangs up on each question", ""),
    ("says what is no HTTP", "ok\r\n\r\n"),
    (
        "says 200 and names nobody",
        "HTTP/1.1 200 OK\r\nX-Request-Id: req_1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    ),
    (
        "says 200 and an empty key",
        "HTTP/1.1 200 OK\r\nX-Qwetty-Key-Id: \r\nX-Qwetty-Organization-Id: org_1\r\nX-Qwetty-Permissions: chats:read\r\n\
         X-Qwetty-Channel-Scopes: \r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    ),
    ("says 201 and a key", "HTTP/1.1 201 Created\r\nNAMED"),
    ("says 204 and a key", "HTTP/1.1 204 No Content\r\nNAMED"),
    ("says 206 and a key", "HTTP/1.1 206 Partial Content\r\nNAMED"),
    ("says 302 and a key", "HTTP/1.1 302 Found\r\nLocation: http://elsewhere.test/\r\nNAMED"),
    ("says 304 and a key", "HTTP/1.1 304 Not Modified\r\nNAMED"),
    ("says 500 and a key", "HTTP/1.1 500 Internal Server Error\r\nNAMED"),
];

const NAMED: &str = "X-Qwetty-Key-Id: key_1\r\nX-Qwetty-Organization-Id: org_1\r\nX-Qwetty-Permissions: chats:read\r\n\
                     X-Qwetty-Channel-Scopes: \r\nX-Request-Id: req_1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

/// One that runs.
pub(crate) struct StandIn {
    address: SocketAddr,
    questions: Arc<AtomicUsize>,
    listening: JoinHandle<()>,
}

impl StandIn {
    /// One that answers so.
    pub(crate) async fn start(address: SocketAddr, answer: &str) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let questions = Arc::new(AtomicUsize::new(0));
        let (counted, answer) = (Arc::clone(&questions), answer.replace("NAMED", NAMED));
        let listening = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let mut stream = BufReader::new(stream);
                if let Ok(Some(_)) = Message::read(&mut stream, Kind::Request).await {
                    counted.fetch_add(1, Ordering::Relaxed);
                    let _ = stream.write_all(answer.as_bytes()).await;
                }
            }
        });
        Self { address, questions, listening }
    }

    /// Ends it, and waits until its address is free: the number of questions that it was asked.
    pub(crate) async fn stop(self) -> usize {
        self.listening.abort();
        let _ = self.listening.await;
        // A program that is being started has copies of all that is open here, until it runs.
        eventually("nothing listens any more", async || TcpStream::connect(self.address).await.err()).await;
        self.questions.load(Ordering::Relaxed)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_free_when_a_stand_in_has_stopped_while_programs_are_started() {
    let address = ([127, 0, 0, 1], free_port()).into();
    let starting = tokio::spawn(async {
        loop {
            Command::new("true").status().await.unwrap();
        }
    });
    for _ in 0..500 {
        StandIn::start(address, "").await.stop().await;
    }
    starting.abort();
    assert!(starting.await.unwrap_err().is_cancelled(), "programs were started to the end");
}
