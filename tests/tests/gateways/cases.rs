//! The cases, in the order of the table.

use crate::case::{Asks, Case};
use crate::headers::{CLAIMED, PROVENANCE};
use crate::key::{ELSEWHERE, Key, PROXY};
use crate::request::{Body, Credential, Request};

const CHATS: &str = "/api/v1/chats";
const MESSAGES: &str = "/api/v1/chats/1/messages";
/// No gateway keeps a body of this length in one piece.
const LARGE: usize = 300_007;

/// The default route table: method, path, permission.
const ROUTES: [(&str, &str, &str); 13] = [
    ("GET", CHATS, "chats:read"),
    ("GET", "/api/v1/chats/1", "chats:read"),
    ("GET", MESSAGES, "chats:read"),
    ("POST", MESSAGES, "messages:send"),
    ("GET", "/api/v1/contacts", "contacts:manage"),
    ("POST", "/api/v1/contacts", "contacts:manage"),
    ("GET", "/api/v1/contacts/1", "contacts:manage"),
    ("PUT", "/api/v1/contacts/1", "contacts:manage"),
    ("PATCH", "/api/v1/contacts/1", "contacts:manage"),
    ("DELETE", "/api/v1/contacts/1", "contacts:manage"),
    ("GET", "/api/v1/templates", "templates:read"),
    ("GET", "/api/v1/templates/1", "templates:read"),
    ("POST", "/api/v1/templates/1/send", "templates:send"),
];

pub(crate) fn cases() -> Vec<Case> {
    [
        routes(),
        bodies(),
        credentials(),
        channels(),
        quota(),
        forged(),
        paths(),
        addresses(),
        sizes(),
        answers(),
        connections(),
    ]
    .concat()
}

fn routes() -> Vec<Case> {
    let with = |(method, path, permission), key| {
        let body = if matches!(method, "GET" | "DELETE") { Body::None } else { Body::Whole(101) };
        let who = match key {
            Key::Only(_) => format!("{permission} alone"),
            _ => format!("all but {permission}"),
        };
        Case::new(
            "routes",
            format!("{method} {path} with {who}"),
            Request::new(method, path).by(key).body(body),
        )
    };
    let each = ROUTES.into_iter();
    let mut cases: Vec<Case> =
        each.flat_map(|route| [with(route, Key::Only(route.2)), with(route, Key::AllBut(route.2))]).collect();
    for (method, path) in
        [("POST", CHATS), ("HEAD", CHATS), ("OPTIONS", CHATS), ("GET", "/"), ("GET", "/api/v1/me")]
    {
        let request = Request::new(method, path).by(Key::All);
        cases.push(Case::new("routes", format!("{method} {path}, which no row maps"), request));
    }
    for (method, path) in
        [("TRACE", CHATS), ("get", CHATS), ("QUERY", CHATS), ("OPTIONS", "*"), ("CONNECT", "api.test:443")]
    {
        let request = Request::new(method, path).by(Key::All);
        cases.push(Case::new("routes", format!("{method} {path}"), request).asks(Asks::Withheld));
    }
    cases
}

fn bodies() -> Vec<Case> {
    let post = Request::new("POST", MESSAGES).by(Key::All);
    let get = Request::get(CHATS).by(Key::All);
    [
        ("an empty body", post.clone().body(Body::Whole(0))),
        ("a large body", post.clone().body(Body::Whole(LARGE))),
        ("a chunked body", post.clone().body(Body::Chunked(59))),
        ("a large chunked body", post.clone().body(Body::Chunked(LARGE))),
        ("a body that waits to be asked for", post.header("Expect: 100-continue").body(Body::Whole(59))),
        ("GET with a body", get.body(Body::Whole(59))),
    ]
    .map(|(name, request)| Case::new("bodies", name, request))
    .to_vec()
}

fn credentials() -> Vec<Case> {
    let chats = || Request::get(CHATS);
    let mut cases: Vec<Case> = [
        ("none", Credential::None),
        ("Basic", Credential::Basic(Key::All)),
        ("Bearer and nothing", Credential::Verbatim("Bearer")),
        ("malformed value", Credential::Verbatim("Bearer 1234")),
        (
            "value with a wrong checksum",
            Credential::Verbatim("Bearer 1wt_0000000000000000000000000000000000000000000000000"),
        ),
        ("revoked key", Credential::Bearer(Key::Revoked)),
        ("expired key", Credential::Bearer(Key::Expired)),
        ("deleted key", Credential::Bearer(Key::Deleted)),
        ("to the proxy, too", Credential::AndToProxy(Key::All)),
        ("right address", Credential::Bearer(Key::Here)),
        ("wrong address", Credential::Bearer(Key::Elsewhere)),
    ]
    .map(|(name, credential)| Case::new("credentials", name, chats().credential(credential)))
    .to_vec();
    let twice = chats().credential(Credential::Twice(Key::All));
    cases.push(Case::new("credentials", "two, the same", twice).asks(Asks::Withheld));
    let after = chats().credential(Credential::Bearer(Key::All)).header("Authorization: Basic YTpi");
    cases.push(Case::new("credentials", "two, another scheme", after).asks(Asks::Withheld));
    cases
}

fn channels() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, query) in [
        ("no channel", ""),
        ("its channel", "?channelId=sales"),
        ("its channel, encoded", "?x=1&channel%49d=s%61les"),
        ("another channel", "?channelId=other"),
        ("a channel that never was", "?channelId=none"),
        ("an empty channel", "?channelId="),
        ("its channel twice", "?channelId=sales&channelId=sales"),
        ("its channel, then another", "?channelId=sales&channelId=other"),
        ("another channel, then its own", "?channelId=other&channelId=sales"),
    ] {
        let target = format!("{CHATS}{query}");
        let (scoped, free) =
            (Request::get(target.clone()).by(Key::Scoped), Request::get(target).by(Key::All));
        cases.push(Case::new("channels", format!("scoped key, {name}"), scoped));
        cases.push(Case::new("channels", format!("unscoped key, {name}"), free));
    }
    cases
}

fn quota() -> Vec<Case> {
    let (limited, another) = (Request::get(CHATS).by(Key::Limited), Request::get(CHATS).by(Key::All));
    let used_up = Case::new("quota", "three requests with a quota of two", limited.clone());
    vec![
        used_up.then(limited.clone()).then(limited.clone()),
        Case::new("quota", "one more with a body, then another key", limited.body(Body::None)).then(another),
    ]
}

/// Names of the headers by which a gateway tells who calls.
const IDENTITY: [&str; 5] = [
    "X-Qwetty-Key-Id",
    "X-Qwetty-Organization-Id",
    "X-Qwetty-Permissions",
    "X-Qwetty-Channel-Scopes",
    "X-Qwetty-Problem",
];

fn forged() -> Vec<Case> {
    let chats = |key| Request::get(CHATS).by(key);
    let mut cases = Vec::new();
    for (spelling, spelt) in [
        ("as they are", IDENTITY.map(str::to_owned)),
        ("in capitals", IDENTITY.map(str::to_uppercase)),
        ("with _", IDENTITY.map(|name| name.replace('-', "_"))),
        ("with .", IDENTITY.map(|name| name.replace('-', "."))),
        ("with _ first", IDENTITY.map(|name| name.replacen('-', "_", 1))),
        ("with . and _", IDENTITY.map(|name| name.replacen('-', ".", 1).replacen('-', "_", 1))),
        (
            "with _ last",
            IDENTITY.map(|name| name.replace("-Id", "_Id").replace("y-P", "y_P").replace("-S", "_S")),
        ),
    ] {
        let forged = |key, value: &str| {
            spelt.iter().fold(chats(key), |request, name| request.header(format!("{name}: {value}")))
        };
        cases.push(Case::new("forged", format!("identity headers {spelling}"), forged(Key::All, "forged")));
        cases.push(Case::new(
            "forged",
            format!("empty identity headers {spelling}"),
            forged(Key::Scoped, ""),
        ));
        let twice =
            spelt.iter().fold(forged(Key::All, "one"), |all, name| all.header(format!("{name}: two")));
        cases.push(Case::new("forged", format!("identity headers {spelling}, twice"), twice));
    }
    let other = chats(Key::All).header("X-Qwetty-Anything: forged").header("X_Qwetty_Anything: forged");
    cases.push(Case::new("forged", "a name of the kind that Qwetty does not use", other));
    for listed in [
        "X-Qwetty-Key-Id, X-Qwetty-Organization-Id, X-Qwetty-Permissions, X-Qwetty-Channel-Scopes",
        "close, X-Qwetty-Key-Id, X-Qwetty-Channel-Scopes",
        "keep-alive, x-qwetty-permissions",
    ] {
        let request = chats(Key::Scoped).header(format!("Connection: {listed}"));
        cases.push(Case::new("forged", format!("Connection: {listed}"), request));
    }
    let request =
        chats(Key::Here).header("Connection: X-Forwarded-For, X-Forwarded-Uri, X-Original-URI, X-Request-Id");
    cases.push(Case::new("forged", "Connection names headers of the question", request).asks(Asks::Nothing));
    let request = chats(Key::All).header("TE: trailers, X-Qwetty-Key-Id").header("Trailer: X-Qwetty-Key-Id");
    cases.push(Case::new("forged", "TE and Trailer name an identity header", request));
    let claims =
        PROVENANCE.iter().fold(chats(Key::All), |all, name| all.header(format!("{name}: {CLAIMED}")));
    cases.push(Case::new("forged", "headers that say where a request comes from", claims));
    cases.extend(forged_originals());
    cases
}

/// Headers that tell a gateway's question what is asked about: of a request that is allowed, sent with one that is not.
fn forged_originals() -> Vec<Case> {
    let send =
        || Request::new("POST", "/api/v1/templates/1/send").by(Key::Only("chats:read")).body(Body::Whole(9));
    let mut cases = Vec::new();
    for (name, pairs) in [
        ("X-Forwarded-Method and -Uri", &[("X-Forwarded-Method", "GET"), ("X-Forwarded-Uri", CHATS)][..]),
        ("X-Original-Method and -URI", &[("X-Original-Method", "GET"), ("X-Original-URI", CHATS)]),
        (
            "both pairs",
            &[
                ("X-Forwarded-Method", "GET"),
                ("X-Forwarded-Uri", CHATS),
                ("X-Original-Method", "GET"),
                ("X-Original-URI", CHATS),
            ],
        ),
        ("X_Forwarded_Method and _Uri", &[("X_Forwarded_Method", "GET"), ("X_Forwarded_Uri", CHATS)]),
        (
            "headers that other programs rewrite by",
            &[
                ("X-Original-Url", CHATS),
                ("X-Rewrite-Url", CHATS),
                ("X-Envoy-Original-Path", CHATS),
                ("X-Forwarded-Prefix", CHATS),
                ("X-HTTP-Method-Override", "GET"),
                ("X-HTTP-Method", "GET"),
                ("X-Method-Override", "GET"),
            ],
        ),
    ] {
        let forged =
            pairs.iter().fold(send(), |request, (name, value)| request.header(format!("{name}: {value}")));
        cases.push(Case::new("forged", format!("{name} of a request that is allowed"), forged));
        let allowed = Request::get(CHATS).by(Key::Only("chats:read"));
        let forged =
            pairs.iter().fold(allowed, |request, (name, _)| request.header(format!("{name}: /api/v1/me")));
        cases.push(Case::new("forged", format!("{name} of a request that is not"), forged));
    }
    cases
}

fn paths() -> Vec<Case> {
    let mut cases = Vec::new();
    for path in [
        "/api/v1/chats/a%40b",
        "/api/v1/ch%61ts",
        "/api/v1/chats/%C3%A9",
        "/api/v1/chats/1;x=/y",
        "/api/v1/chats/a+b,c:d@e!$&'()*~",
        "/api/v1/chats/%252e%252e",
        "/api/v1/chats/...",
        "/api/v1/chats?",
        "/api/v1/chats?a=/../%2e%2e//b%2f%00#&b=?",
        "/api/v1/chats?a=/../%2e%2e//b%2f&b=?&c=%zz",
        "/api/v1/chats/",
        "/api/v1/chats/../templates",
        "/api/v1/chats/./1",
        "/api/v1/chats/..",
        "/api/v1/chats/%2e%2e/templates",
        "/api/v1/chats/%2E/1",
        "/api/v1/chats/.%2e/templates",
        "/api/v1/chats/..;x/templates",
        "/api/v1/chats;x",
        "//api/v1/chats",
        "/api//v1/chats",
        "/api/v1/chats//",
        "/api/v1/chats/1%2fmessages",
        "/api/v1/chats%2F1",
        "/api/v1/chats/1%5cmessages",
        "/api/v1/chats/%00",
        "/api/v1/chats/%0d%0aX-Qwetty-Key-Id:%20forged",
        "/api/v1/chats/%ff",
        "/api/v1/chats/%",
        "/api/v1/chats/%zz",
        "/API/v1/chats",
        "/api/v1/chats/1\\messages",
        "/api/v1/chats#x",
        "api/v1/chats",
        "/api/v1/chats x",
        "/api/v1/chats/\u{0}",
        "/api/v1/chats/\u{1}",
        "http://api.test/api/v1/me",
        "http://api.test/api/v1/../v1/chats",
    ] {
        let asks = match path {
            path if path.contains(['\\', '#', ' ', '\u{0}', '\u{1}']) => Asks::Withheld,
            path if path.contains("%00") || path.contains("%zz") || path.ends_with('%') => Asks::Withheld,
            path if !path.starts_with('/') => Asks::Withheld,
            _ => Asks::Answer,
        };
        let name = path.escape_default().to_string().replace("\\'", "'");
        let case = Case::new("paths", name, Request::get(path).by(Key::All)).asks(asks);
        // hyper cuts a fragment off before any service is asked.
        cases.push(if path.contains('#') { case.behind_a_gateway() } else { case });
    }
    let accent = Request::get("/api/v1/chats/\u{e9}").by(Key::All);
    cases.push(Case::new("paths", "/api/v1/chats/\u{e9}, as it is", accent).asks(Asks::Nothing));
    cases
}

fn addresses() -> Vec<Case> {
    let here = || Request::get(CHATS).by(Key::Here);
    let elsewhere = || Request::get(CHATS).by(Key::Elsewhere);
    let forwarded = |request: Request, list: &str| request.header(format!("X-Forwarded-For: {list}"));
    let case = |name: &str, request| Case::new("addresses", name, request);
    vec![
        case("an address as it claims", forwarded(here(), "127.0.0.9")),
        case("an address claimed", forwarded(elsewhere(), ELSEWHERE)),
        case(
            "an address claimed, and a trusted proxy behind it",
            forwarded(elsewhere(), &format!("{ELSEWHERE}, 127.0.0.1")),
        ),
        case("an address claimed twice", forwarded(forwarded(elsewhere(), ELSEWHERE), ELSEWHERE)),
        case(
            "an address claimed, and the header named in Connection",
            forwarded(elsewhere(), ELSEWHERE).header("Connection: X-Forwarded-For"),
        )
        .asks(Asks::Withheld),
        case(
            "an address claimed in other headers",
            elsewhere()
                .header(format!("X-Real-IP: {ELSEWHERE}"))
                .header(format!("Forwarded: for={ELSEWHERE}"))
                .header(format!("X_Forwarded_For: {ELSEWHERE}"))
                .header(format!("X-Envoy-External-Address: {ELSEWHERE}")),
        ),
        case("a malformed claim, wrong address", forwarded(elsewhere(), "unknown")),
        // Without a gateway nobody but the client says this, and nobody reads it.
        case("a malformed claim, right address", forwarded(here(), "unknown")).behind_a_gateway(),
        case("through a second proxy, right address", forwarded(here(), "127.0.0.9")).from(PROXY),
        case("through a second proxy, wrong address", forwarded(elsewhere(), "127.0.0.9")).from(PROXY),
        case(
            "through a second proxy, an address claimed",
            forwarded(elsewhere(), &format!("{ELSEWHERE}, 127.0.0.9")),
        )
        .from(PROXY),
        case("through a second proxy, a malformed claim", forwarded(here(), "1.2.3, 127.0.0.9")).from(PROXY),
        case("through a second proxy that says nothing", here()).from(PROXY),
    ]
}

/// Where there is no room for them, nobody is asked: the charges tell.
fn sizes() -> Vec<Case> {
    let with = |count: usize, length: usize| {
        let lines = (0..count).map(|number| format!("X-Filler-{number}: {}", "x".repeat(length)));
        lines.fold(Request::get(CHATS).by(Key::All), Request::header)
    };
    [(50, 9), (75, 9), (85, 9), (90, 9), (95, 9), (200, 9), (1, 9_000), (7, 7_000), (9, 7_000)]
        .map(|(count, length)| {
            let name = format!("{count} headers of {length} bytes");
            Case::new("sizes", name, with(count, length)).asks(Asks::Nothing)
        })
        .to_vec()
}

fn answers() -> Vec<Case> {
    let mut cases = Vec::new();
    for status in [201, 400, 401, 403, 404, 429, 500, 502, 503] {
        let request = Request::get(CHATS).by(Key::All).header(format!("X-Answer: {status}"));
        cases.push(Case::new("answers", format!("the API says {status}"), request));
    }
    cases
}

fn connections() -> Vec<Case> {
    let case = |name: &str, request| Case::new("connections", name, request);
    let chats = || Request::get(CHATS).by(Key::All);
    let post = |key| Request::new("POST", MESSAGES).by(key).body(Body::Whole(997));
    vec![
        case("refused, then allowed", Request::get(CHATS)).then(chats()),
        case("refused with a body, then allowed", post(Key::AllBut("messages:send"))).then(chats()),
        case("refused with a chunked body, then allowed", post(Key::Revoked).body(Body::Chunked(997)))
            .then(chats()),
        case("allowed, then the same without a key", chats()).then(Request::get(CHATS)),
        case("allowed, then another's key", post(Key::All))
            .then(post(Key::Elsewhere))
            .then(post(Key::Scoped)),
    ]
}
