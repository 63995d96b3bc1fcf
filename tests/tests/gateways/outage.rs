//! What becomes of requests while Qwetty cannot be asked: nothing is let through, and nothing is asked twice.

use qwetty_tests::Server;

use crate::case::Case;
use crate::key::Key;
use crate::request::{Body, Request};
use crate::stand_in::{ANSWERS, StandIn};
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

    for (does, answer) in ANSWERS {
        let stand_in = StandIn::start(address, answer).await;
        let asked = ask(subject, &format!("Something in Qwetty's place {does}")).await;
        let questions = stand_in.stop().await;
        assert!(questions <= asked.len(), "{does}: {questions} questions about {} requests", asked.len());
        rows.extend(asked);
    }

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
