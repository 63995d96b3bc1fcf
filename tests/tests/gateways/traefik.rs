//! Traefik is in no registry that tests can install from. So its question is asked for it, as its documentation and its source
//! have it (`forwardAuth`, `writeHeader`), and what it would copy of the answer is read from the shipped file.

use std::net::SocketAddr;

use qwetty_tests::{Kind, Message};

use crate::case::{Asks, Case};
use crate::cases::cases;
use crate::forward::exchange;
use crate::key::{CLIENT, Key};
use crate::port::free_port;
use crate::request::Request;
use crate::table;
use crate::world::{Keys, World};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/gateways/traefik.yml");

/// The groups whose requests reach Traefik's question as they were sent: Go reads others its own way first.
const GROUPS: [&str; 4] = ["routes", "credentials", "channels", "paths"];

#[tokio::test]
async fn traefik_is_answered_as_the_table_says_by_what_it_copies() {
    let file = std::fs::read_to_string(FILE).unwrap();
    assert_eq!(
        list(&file, "authRequestHeaders"),
        ["Authorization"],
        "of the client's own headers Qwetty needs one"
    );
    let copied = list(&file, "authResponseHeaders");
    let world = World::new(free_port()).await;
    let qwetty = world.server.address();
    let (mut asked, table) = (0, table::known());
    let once =
        |case: &Case| case.requests.len() == 1 && case.asks == Asks::Answer && GROUPS.contains(&case.group);
    for case in cases().into_iter().filter(once) {
        let answer = ask(qwetty, &world.keys, &case.requests[0]).await;
        let expected = &table[&(case.group.to_owned(), case.name.clone())];
        match expected.as_str() {
            "allowed" => assert_allowed(&world.keys, &case, &copied, &answer),
            refused => assert_refused(&case, refused, &answer),
        }
        asked += 1;
    }
    assert!(asked > 60, "only {asked} questions");
    assert_too_many(qwetty, &world.keys).await;
}

/// Traefik sets each header in its list from the answer, where it takes any 2xx for an admission.
fn assert_allowed(keys: &Keys, case: &Case, copied: &[&str], answer: &Message) {
    assert_eq!((answer.status(), answer.body.len()), (200, 0), "{}", case.name);
    let key = case.requests[0].key().expect("nobody is let in without a key");
    for (name, value) in keys.identity(key) {
        assert!(
            copied.iter().any(|copied| copied.eq_ignore_ascii_case(name)),
            "the file does not copy {name}"
        );
        assert_eq!(answer.values(name).collect::<Vec<_>>(), [value.as_bytes()], "{}: {name}", case.name);
    }
    for name in copied {
        assert_eq!(answer.values(name).count(), 1, "{}: {name} in the answer", case.name);
    }
}

/// Anything else goes to the client as it is: status, headers, body.
fn assert_refused(case: &Case, expected: &str, answer: &Message) {
    let status = answer.status();
    assert!(expected.starts_with(&status.to_string()), "{}: {status}, not {expected}", case.name);
    if let Some((_, code)) = expected.split_once(' ') {
        let code = code.split(',').next().unwrap_or_default();
        answer.answer().problem(status, code);
    }
}

async fn assert_too_many(qwetty: SocketAddr, keys: &Keys) {
    let request = Request::get("/api/v1/chats").by(Key::Limited);
    for expected in [200, 200, 429] {
        assert_eq!(ask(qwetty, keys, &request).await.status(), expected);
    }
    let answer = ask(qwetty, keys, &request).await.answer().problem(429, "rate_limited");
    assert!(answer.number("retry-after") > 0);
    assert_eq!(answer.number("x-ratelimit-remaining"), 0);
}

async fn ask(qwetty: SocketAddr, keys: &Keys, request: &Request) -> Message {
    let (method, target) = (request.method, &request.target);
    let mut question =
        format!("GET /api/v1/authorize HTTP/1.1\r\nHost: {qwetty}\r\nUser-Agent: Go-http-client/1.1\r\n");
    for credential in request.authorizations(keys) {
        question.push_str(&format!("Authorization: {credential}\r\n"));
    }
    question.push_str(&format!(
        "X-Forwarded-For: {CLIENT}\r\nX-Forwarded-Host: api.test\r\nX-Forwarded-Method: {method}\r\n\
         X-Forwarded-Port: 8000\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Uri: "
    ));
    let question = [question.as_bytes(), target, b"\r\nAccept-Encoding: gzip\r\n\r\n"].concat();
    exchange(qwetty, &question, Kind::Answer).await.expect("an answer")
}

/// The entries of the list with this name in the file.
fn list<'a>(file: &'a str, name: &str) -> Vec<&'a str> {
    let heading = format!("{name}:");
    let lines = file.lines().map(str::trim).skip_while(|line| *line != heading).skip(1);
    let entries: Vec<&str> = lines.map_while(|line| line.strip_prefix("- ")).collect();
    assert!(!entries.is_empty(), "the file has no list {name}");
    entries
}
