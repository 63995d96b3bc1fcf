//! HTTP/1 that is wrong, in doubt or rare: the table of `golden/hostile_http1.txt`, against the real server.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::{Path, PathBuf};

use qwetty_tests::{Kind, Server};

const PROBE: &[u8] = b"GET /probe HTTP/1.1\r\nHost: a\r\n\r\n";

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/hostile_http1.txt")
}

/// One row of the table.
struct Case {
    title: String,
    /// As the table has it.
    sent: Vec<String>,
    answers: Vec<String>,
}

/// What stands before the first case, and the cases.
fn table() -> (String, Vec<Case>) {
    let text = std::fs::read_to_string(golden()).unwrap();
    let mut parts = text.split("\n== ");
    let preamble = parts.next().unwrap().to_owned();
    let cases = parts.map(|part| {
        let (title, rest) = part.split_once('\n').unwrap();
        let (sent, answers) = rest.split_once("=>").unwrap();
        let sent = sent.strip_suffix('\n').unwrap().split('\n').map(str::to_owned).collect();
        let answers =
            answers.split(',').map(|answer| answer.trim().to_owned()).filter(|answer| !answer.is_empty());
        Case { title: title.to_owned(), sent, answers: answers.collect() }
    });
    (preamble, cases.collect())
}

impl Case {
    fn bytes(&self, root: &str) -> Vec<u8> {
        let auth = format!("Authorization: Bearer {root}");
        let channel = "{\"name\":\"S\",\"type\":\"web_chat\"}";
        let smuggled = format!(
            "PUT /api/v1/channels/smuggled HTTP/1.1\r\nHost: a\r\n{auth}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{channel}",
            channel.len()
        );
        let mut bytes = Vec::new();
        for line in &self.sent {
            let (line, end) = match line.strip_suffix('\\') {
                Some(line) => (line, ""),
                None => (line.as_str(), "\r\n"),
            };
            bytes.extend(unescaped(&repeated(line)));
            bytes.extend(end.bytes());
        }
        for (word, by) in [
            ("{smuggled.length}", smuggled.len().to_string()),
            ("{smuggled.length.hex}", format!("{:x}", smuggled.len())),
            ("{smuggled}", smuggled),
            ("{auth}", auth),
        ] {
            while let Some(at) = bytes.windows(word.len()).position(|window| window == word.as_bytes()) {
                bytes.splice(at..at + word.len(), by.bytes());
            }
        }
        bytes
    }
}

/// `{x*3}` as `xxx`.
fn repeated(line: &str) -> String {
    let Some((before, rest)) = line.split_once('{') else { return line.to_owned() };
    let Some((piece, after)) = rest.split_once('}') else { return line.to_owned() };
    match piece.rsplit_once('*').and_then(|(piece, count)| Some((piece, count.parse().ok()?))) {
        Some((piece, count)) => format!("{before}{}{}", piece.repeat(count), repeated(after)),
        None => format!("{before}{{{piece}}}{}", repeated(after)),
    }
}

fn unescaped(line: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = line.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'\\' => match rest.next().unwrap() {
                b'r' => b'\r',
                b'n' => b'\n',
                b't' => b'\t',
                b'0' => 0,
                b'x' => {
                    let digits = [rest.next().unwrap(), rest.next().unwrap()];
                    u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
                }
                other => panic!("\\{} is no escape", char::from(other)),
            },
            byte => byte,
        });
    }
    bytes
}

/// What the server answers to these bytes and the probe behind them, sent in pieces of this size.
async fn answers(server: &Server, bytes: &[u8], piece: usize) -> Vec<String> {
    let mut raw = server.raw().await;
    for piece in [bytes, PROBE].concat().chunks(piece) {
        raw.send(piece).await;
    }
    raw.finish().await;
    let mut answers = Vec::new();
    while let Some(message) = raw.message(Kind::Answer).await {
        let answer = message.answer();
        let is_problem = answer.header("content-type") == Some("application/problem+json");
        answers.push(match answer.status {
            status @ (100 | 200) => status.to_string(),
            status if is_problem => {
                let code = answer.json()["code"].as_str().unwrap().to_owned();
                answer.problem(status, &code);
                format!("{status} {code}")
            }
            // The console's.
            status => format!("{status} as a page"),
        });
    }
    answers
}

/// The server's one promise about all of them: the request that hides in a body is not taken for one.
async fn assert_nothing_smuggled(server: &Server, title: &str) {
    let channels = server.root().get("/api/v1/channels").await.expect(200).json();
    assert_eq!(channels["meta"]["total"], 0, "{title}");
}

#[tokio::test]
async fn each_is_answered_as_the_table_has_it() {
    let server = Server::start().await;
    let (preamble, mut cases) = table();
    let mut wrong = Vec::new();
    for case in &mut cases {
        let bytes = case.bytes(server.root_key());
        let found = answers(&server, &bytes, usize::MAX).await;
        assert_nothing_smuggled(&server, &case.title).await;
        if found != case.answers {
            wrong.push(format!("{}: {found:?}, not {:?}", case.title, case.answers));
            case.answers = found;
        }
    }
    if std::env::var_os("QWETTY_BLESS").is_some() {
        let cases = cases.iter().map(|case| {
            format!("\n== {}\n{}\n=> {}\n", case.title, case.sent.join("\n"), case.answers.join(", "))
        });
        let text: String = std::iter::once(preamble).chain(cases).collect();
        return std::fs::write(golden(), text).unwrap();
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// How a request is cut into packets changes nothing but whether the connection outlives a refusal.
#[tokio::test]
async fn in_small_pieces_nothing_else_is_answered() {
    let server = Server::start().await;
    for case in table().1 {
        let bytes = case.bytes(server.root_key());
        if bytes.len() > 4_000 {
            continue;
        }
        let found = answers(&server, &bytes, 7).await;
        assert!(case.answers.starts_with(&found), "{}: {found:?}, not {:?}", case.title, case.answers);
        assert_nothing_smuggled(&server, &case.title).await;
    }
}

#[tokio::test]
async fn memory_stays_flat_and_others_are_served() {
    /// Rounds of the whole table until memory has its size, and then until it would have grown.
    const WARM: usize = 2;
    const MORE: usize = 4;
    /// Far less than what a round sends.
    const GROWTH_KIB: u64 = 8 * 1024;
    let server = Server::start().await;
    let cases: Vec<Vec<u8>> = table().1.iter().map(|case| case.bytes(server.root_key())).collect();
    let mut other = server.root();
    let mut settled = 0;
    for round in 0..WARM + MORE {
        if round == WARM {
            settled = server.resident_kib();
        }
        for bytes in &cases {
            answers(&server, bytes, usize::MAX).await;
        }
        other.get("/api/v1/me").await.expect(200);
    }
    let grown = server.resident_kib().saturating_sub(settled);
    assert!(grown <= GROWTH_KIB, "{grown} KiB more than {settled}");
}
