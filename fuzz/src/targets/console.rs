//! The console: a request line of method and target, header lines, an empty line, and the form. `$SESSION`, `$CSRF`, `$VISIT`,
//! `$VISITCSRF` and `$ROOT` stand for what a browser was given: without them it is a stranger's.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request};
use http_body_util::Full;

use crate::targets::json_body::replaced;
use crate::world::{UNSEEN, World};

pub(crate) const WORDS: &[&str] = &[
    "GET /settings/api-keys\n",
    "GET /settings/sign-in?next=",
    "POST /settings/sign-in\n",
    "POST /settings/api-keys/new\n",
    "POST /settings/channels/new\n",
    "GET /settings/audit-log?",
    "Cookie: $SESSION\n",
    "Cookie: $VISIT\n",
    "; ",
    "csrf=$CSRF",
    "csrf=$VISITCSRF",
    "once=00000000000000000000000000000000000000000000000000000000000000aa",
    "&",
    "=",
    "+",
    "%",
    "%00",
    "%ff",
    "<fuzz>",
    "%3Cfuzz%3E",
    "\"",
    "'",
    "//evil.example",
    "/\\evil.example",
    "name=",
    "permissions=chats%3Aread",
    "search=",
    "page=",
    "key=$ROOT",
    "Sec-Fetch-Site: cross-site\n",
    "Origin: null\n",
    "X-Forwarded-For: 192.0.2.7\n",
    "X-Forwarded-Proto: https\n",
];

pub(crate) fn run(data: &[u8]) {
    World::with(|world| {
        let has = |word: &str| data.windows(word.len()).any(|window| window == word.as_bytes());
        let (knows_session, knows_form, knows_root) = (has("$SESSION"), has("$CSRF"), has("$ROOT"));
        let data = replaced(
            data,
            &[
                ("$SESSION", &world.session.0),
                ("$CSRF", &world.session.1),
                ("$VISITCSRF", &world.visit.1),
                ("$VISIT", &world.visit.0),
                ("$ROOT", &world.root),
            ],
        );
        let Some(request) = request(&data) else { return };
        let is_post = request.method() == "POST";
        let before = is_post.then(|| events(world));
        let answer = world.console(request);

        assert!(answer.status < 500, "{} {}", answer.status, answer.text());
        let location = answer.header("location");
        assert!(
            location.is_empty() || location == "/settings" || location.starts_with("/settings/"),
            "{location}"
        );
        if answer.header("content-type").starts_with("text/html") {
            assert!(answer.header("content-security-policy").contains("default-src 'none'"));
            assert!(!answer.text().contains("<fuzz"), "text became markup");
            assert!(!answer.text().contains(&world.scoped), "a key value is shown");
        }
        // A stranger sees nothing and changes nothing; nor does a page of another site with a signed-in browser.
        assert!(knows_session || !answer.text().contains(UNSEEN), "shown to a stranger");
        if let Some(before) = before {
            assert!((knows_session && knows_form) || events(world) == before, "a stranger changed something");
            if knows_root || (knows_session && knows_form) {
                world.changed(if answer.status == 303 { u32::MAX } else { 5 });
            }
        }
    });
}

/// The first bytes as a request, if they can be one.
fn request(data: &[u8]) -> Option<Request<Full<Bytes>>> {
    let end = data.windows(2).position(|window| window == b"\n\n");
    let (head, body) = end.map_or((data, &b""[..]), |end| (&data[..end], &data[end + 2..]));
    let mut lines = head.split(|byte| *byte == b'\n');
    let first = std::str::from_utf8(lines.next()?).ok()?;
    let (method, target) = first.split_once(' ')?;
    let mut request = Request::builder().method(method).uri(target).header("host", "a");
    if method == "POST" {
        request = request.header("content-type", "application/x-www-form-urlencoded");
    }
    for line in lines.take(20) {
        let end = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&line[..end]).ok()?;
        request = request.header(name, HeaderValue::from_bytes(line[end + 1..].trim_ascii()).ok()?);
    }
    request.body(Full::new(Bytes::copy_from_slice(body))).ok()
}

/// How many changes there have been: each has its event.
fn events(world: &World) -> u64 {
    world.call("GET", "/api/v1/audit-events?limit=1", "").json()["meta"]["total"].as_u64().unwrap()
}
