//! What becomes of requests while Qwetty cannot be asked: nothing is let through, and nothing is asked twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use qwetty_tests::{Kind, Message, Server};
use tokio::io::BufReader;
use tokio::net::TcpListener;

use crate::case::Case;
use crate::key::Key;
use crate::request::{Body, Request};
use crate::subject::Subject;

pub(crate) const GROUP: &str = "outages";

/// Runs all of them, which ends the server more than once.
pub(crate) async fn outages(subject: &Subject, server: Server) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    let address = server.address();

    server.pause().await;
    rows.extend(ask(subject, "Qwetty does not answer").await);
    server.resume();

    let launch = server.launch().clone();
    server.kill().await;
    rows.extend(ask(subject, "Qwetty is not there").await);

    let listener = TcpListener::bind(address).await.unwrap();
    let questions = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&questions);
    let hangs_up = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = BufReader::new(stream);
            if let Ok(Some(_)) = Message::read(&mut stream, Kind::Request).await {
                counted.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    let hung_up = ask(subject, "Qwetty hangs up on each question").await;
    let asked = questions.load(Ordering::Relaxed);
    assert!(asked <= hung_up.len(), "{asked} questions about {} requests", hung_up.len());
    rows.extend(hung_up);
    hangs_up.abort();
    let _ = hangs_up.await;

    let _again = launch.start().await;
    rows.extend(ask(subject, "Qwetty is back").await);
    rows
}

async fn ask(subject: &Subject, when: &str) -> Vec<(String, String)> {
    let get = Request::get("/api/v1/chats");
    let post = Request::new("POST", "/api/v1/chats/1/messages").body(Body::Whole(101));
    let mut rows = Vec::new();
    // The first has been decided on before.
    for (name, request) in [
        ("", get.clone().by(Key::All)),
        (", a key it does not know yet", get.by(Key::Fresh)),
        (", with a body", post.by(Key::All)),
    ] {
        let case = Case::new(GROUP, format!("{when}{name}"), request);
        let outcome = subject.outcome(&case).await;
        rows.push((case.name, outcome));
    }
    rows
}
