//! The golden table `golden/calls.txt`: what every call answers to every kind of caller.
//!
//! The calls come from the server's own description, and so does what each of them needs and which errors it can have:
//! a call without a line, or an error that is described and never met, or met and never described, fails the test.
//! `QWETTY_BLESS=1` writes the table anew; read what changed before you commit it.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

mod case;
mod interface;
mod request;
mod world;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use case::cases;
use interface::Interface;
use qwetty_tests::Answer;
use world::World;

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/calls.txt");

const HEADER: &str = "\
# What the server answers: every call, to every kind of caller. The code of a success is that of the decision, if it is one.
#
# Written by `QWETTY_BLESS=1 cargo test -p qwetty-tests --test golden`, which otherwise compares.
";

/// Errors that no single request meets: the end of the call that has them, and their code.
const UNMET: [(&str, &str); 3] = [
    // A broken store's.
    ("", "unavailable"),
    // That of a key that is deleted while it asks for itself.
    ("/me", "not_found"),
    // That of a server without GitHub's keys.
    ("/leaked-keys/github", "not_found"),
];

/// One line of the table.
struct Line {
    call: String,
    case: String,
    status: u16,
    code: String,
}

impl Line {
    fn new(call: &str, case: String, answer: &Answer) -> Self {
        let body = serde_json::from_slice::<serde_json::Value>(&answer.body).unwrap_or_default();
        let code = body["code"].as_str().or(body["data"]["code"].as_str()).unwrap_or("-").to_owned();
        Self { call: call.to_owned(), case, status: answer.status, code }
    }
}

#[tokio::test]
async fn every_call_answers_every_caller_as_the_table_says() {
    let world = World::new().await;
    let interface = Interface::of(&world.server).await;
    let mut lines = Vec::new();
    for operation in interface.operations() {
        for case in cases(operation) {
            let answer = world.answer(operation, &case).await;
            lines.push(Line::new(&operation.call(), case.to_string(), &answer));
        }
    }
    compare(&table(&lines));
    assert_described(&interface, &lines);
}

/// Every error of a call that is described was met, and the other way round.
fn assert_described(interface: &Interface, lines: &[Line]) {
    let mut differing = Vec::new();
    for operation in interface.operations() {
        let call = operation.call();
        let of_call = lines.iter().filter(|line| line.call == call && line.code != "-");
        let met: BTreeSet<&str> = of_call.map(|line| &*line.code).collect();
        let unmet = |code: &&str| UNMET.iter().any(|(calls, unmet)| call.ends_with(calls) && code == unmet);
        let mut described: BTreeSet<&str> = operation.codes.iter().map(String::as_str).collect();
        described.retain(|code| !unmet(code));
        // That of the other methods of a path, so no operation's.
        if !operation.takes_any {
            described.insert("method_not_allowed");
        }
        for code in met.symmetric_difference(&described) {
            let only = if met.contains(code) { "met and not described" } else { "described and not met" };
            differing.push(format!("{call}: {code} is {only}"));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

fn table(lines: &[Line]) -> String {
    let width =
        |column: fn(&Line) -> &str| lines.iter().map(|line| column(line).chars().count()).max().unwrap();
    let (calls, cases) = (width(|line| &line.call), width(|line| &line.case));
    let mut table = HEADER.to_owned();
    let mut last = "";
    for line in lines {
        if line.call != last {
            table.push('\n');
        }
        last = &line.call;
        writeln!(table, "{:calls$}  {:cases$}  {}  {}", line.call, line.case, line.status, line.code)
            .unwrap();
    }
    table
}

fn compare(table: &str) {
    let path = Path::new(TABLE);
    if std::env::var_os("QWETTY_BLESS").is_some_and(|bless| bless == "1") {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, table).unwrap();
        return;
    }
    let known = std::fs::read_to_string(path).unwrap_or_default();
    let (known, found): (Vec<&str>, Vec<&str>) = (known.lines().collect(), table.lines().collect());
    let gone = known.iter().filter(|line| !found.contains(line)).map(|line| format!("- {line}"));
    let new = found.iter().filter(|line| !known.contains(line)).map(|line| format!("+ {line}"));
    let difference: Vec<String> = gone.chain(new).collect();
    assert!(known == found, "{} is not what the server does:\n{}", path.display(), difference.join("\n"));
}
