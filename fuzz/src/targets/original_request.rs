//! What a gateway asks about: the first line of the input is the method and target of its own request, each other one a header
//! line of it. It bears a key for `chats:read` on the channel `wa-1` from `192.0.2.0/24`.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request};
use http_body_util::Full;

use crate::targets::route_table::{decoded, is_normal};
use crate::world::World;

pub(crate) const WORDS: &[&str] = &[
    "GET /api/v1/authorize\n",
    "GET /api/v1/authorize/envoy/api/v1/chats\n",
    "X-Forwarded-Method: GET\n",
    "X-Forwarded-Uri: /api/v1/chats\n",
    "X-Original-Method: GET\n",
    "X-Original-URI: /api/v1/chats?channelId=wa-1\n",
    "X-Forwarded-For: 192.0.2.7\n",
    ", 127.0.0.1",
    "/messages",
    "/..",
    "%2e",
    "%2f",
    "%00",
    "//",
    ";",
    "#",
    "?",
    "&",
    "channelId=wa-1",
    "channelId[]=",
    "channelid=",
    "POST",
    "HEAD",
    "chats",
    "CHATS",
    "\n",
];

const ENVOY: &str = "/api/v1/authorize/envoy";

pub(crate) fn run(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let first = String::from_utf8_lossy(lines.next().unwrap_or_default());
    let (method, target) = first.split_once(' ').unwrap_or(("GET", "/api/v1/authorize"));
    let mut request = Request::builder().method(method).uri(target).header("host", "a");
    let mut told: Vec<(HeaderName, HeaderValue)> = Vec::new();
    for line in lines.take(20) {
        let Some(end) = line.iter().position(|byte| *byte == b':') else { continue };
        let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(&line[..end]), HeaderValue::from_bytes(line[end + 1..].trim_ascii()))
        else {
            continue;
        };
        if !["authorization", "host"].contains(&name.as_str()) {
            request = request.header(&name, &value);
            told.push((name, value));
        }
    }
    World::with(|world| {
        request = request.header("authorization", format!("Bearer {}", world.scoped));
        let Ok(request) = request.body(Full::new(Bytes::new())) else { return };
        let path = request.uri().path().to_owned();
        let own = request.uri().path_and_query().map_or("", |target| target.as_str()).to_owned();
        let method = request.method().to_string();
        let answer = world.api(request);
        assert!(answer.status < 500, "{}", answer.text());
        assert!(!answer.text().contains(&world.scoped));
        if !path.starts_with("/api/v1/authorize") {
            return;
        }
        if answer.status != 200 {
            assert!(answer.status >= 400);
            return;
        }
        assert_eq!(answer.header("x-qwetty-permissions"), "chats:read");
        assert_eq!(answer.header("x-qwetty-channel-scopes"), "wa-1");
        assert_eq!(answer.header("x-qwetty-key-id"), world.scoped_id);
        let values = |name: &str| -> Vec<&[u8]> {
            told.iter().filter(|(own, _)| own == name).map(|(_, value)| value.as_bytes()).collect()
        };
        // Whoever is allowed came from the whitelisted network, by the word of the one trusted proxy.
        let forwarded = values("x-forwarded-for").join(&b","[..]);
        let forwarded = String::from_utf8(forwarded).unwrap();
        let client = forwarded
            .split(',')
            .map(str::trim)
            .rfind(|one| !one.contains("127.0.0.1") && !one.contains("7f00:1"));
        assert!(
            client.is_some_and(|client| client.contains("192.0.2.") || client.contains("c000:2")),
            "{forwarded}"
        );
        if let Some(target) = own.strip_prefix(ENVOY) {
            return assert_allowed(method.as_bytes(), target.as_bytes());
        }
        let mut seen = 0;
        for pair in [("x-forwarded-method", "x-forwarded-uri"), ("x-original-method", "x-original-uri")] {
            match (&values(pair.0)[..], &values(pair.1)[..]) {
                ([], []) => {}
                ([method], [target]) => {
                    assert_allowed(method, target);
                    seen += 1;
                }
                other => panic!("in doubt, and allowed: {other:?}"),
            }
        }
        assert!(seen > 0, "nothing was asked about, and allowed");
    });
}

/// `GET` of chats or their messages, on no channel or on `wa-1`, spelt so that every program reads that.
fn assert_allowed(method: &[u8], target: &[u8]) {
    let text = String::from_utf8_lossy(target);
    assert_eq!(method, b"GET", "{text}");
    assert!(!text.contains('#'), "{text}");
    let (path, query) = text.split_once('?').unwrap_or((&text, ""));
    assert!(path.split('/').skip(1).all(is_normal), "{path}");
    let segments: Vec<String> = path.split('/').map(|segment| decoded(segment).unwrap()).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    assert!(
        matches!(
            segments[..],
            ["", "api", "v1", "chats"]
                | ["", "api", "v1", "chats", _]
                | ["", "api", "v1", "chats", _, "messages"]
        ),
        "{path}"
    );
    for parameter in query.split(['&', ';']) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let name = decoded(&name.replace('+', " ")).unwrap_or_default().to_lowercase();
        if name.trim().split(['[', '\0']).next() == Some("channelid") {
            assert_eq!(decoded(value).as_deref(), Some("wa-1"), "{query}");
        }
    }
}
