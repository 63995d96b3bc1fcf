use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Mutex;

use qwetty_tests::{Kind, Message, Raw, Upstream};

use crate::case::{Asks, Case};
use crate::headers::{CLAIMED, STEERING, folded};
use crate::key::Key;
use crate::request::Request;
use crate::world::Keys;

/// Something that decides in front of an API, and the API behind it.
pub(crate) struct Subject {
    /// Where clients connect.
    pub(crate) address: SocketAddr,
    pub(crate) keys: Keys,
    pub(crate) upstream: Upstream,
    manners: Mutex<BTreeMap<&'static str, BTreeSet<&'static str>>>,
    charged: Mutex<BTreeMap<Key, Charged>>,
}

/// How often a key was let through, and refused at its own cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Charged {
    pub(crate) requests: u64,
    pub(crate) denials: u64,
}

impl Subject {
    pub(crate) fn new(address: SocketAddr, keys: Keys, upstream: Upstream) -> Self {
        Self { address, keys, upstream, manners: Mutex::default(), charged: Mutex::default() }
    }

    /// What became of the requests of a case, in the words of the table.
    pub(crate) async fn outcome(&self, case: &Case) -> String {
        let mut connection = None;
        let mut words = Vec::new();
        for request in &case.requests {
            let word = self.exchange(&mut connection, case, request).await;
            words.push(match case.asks {
                Asks::Withheld if word != "allowed" => "kept from the API".to_owned(),
                Asks::Nothing => "allowed, or kept from the API".to_owned(),
                _ => word,
            });
        }
        words.join(", then ")
    }

    /// What was seen of how it does things that each may do in its own way.
    pub(crate) fn manners(&self) -> Vec<(&'static str, String)> {
        let manners = self.manners.lock().unwrap();
        let joined = |seen: &BTreeSet<&str>| seen.iter().copied().collect::<Vec<_>>().join(" or ");
        manners.iter().map(|(manner, seen)| (*manner, joined(seen))).collect()
    }

    /// What each key was charged by all cases so far.
    pub(crate) fn charged(&self) -> BTreeMap<Key, Charged> {
        self.charged.lock().unwrap().clone()
    }

    async fn exchange(&self, connection: &mut Option<Raw>, case: &Case, request: &Request) -> String {
        let bytes = request.bytes(&self.keys);
        let kind = if request.method == "HEAD" { Kind::AnswerToHead } else { Kind::Answer };
        let mut answer = None;
        if let Some(kept) = connection {
            kept.send(&bytes).await;
            answer = kept.last_message(kind).await;
        }
        // A server may close a connection between two requests.
        if answer.is_none() {
            let mut new = Raw::connect_from(case.from.parse().unwrap(), self.address).await;
            new.send(&bytes).await;
            answer = new.last_message(kind).await;
            *connection = Some(new);
        }
        let seen = self.upstream.taken();
        let Some(answer) = answer else {
            assert!(seen.is_empty(), "the API was asked, and nothing answered: {:?}", seen[0].start);
            return "no answer".to_owned();
        };
        if answer.values("connection").any(|value| value.eq_ignore_ascii_case(b"close")) {
            *connection = None;
        }
        self.word(case, request, &answer, &seen)
    }

    /// What became of a request to which this is the answer, and of which the API saw this.
    pub(crate) fn word(&self, case: &Case, request: &Request, answer: &Message, seen: &[Message]) -> String {
        self.assert_discreet(answer);
        match seen {
            [] => self.refused(case, request, answer),
            [seen] => self.allowed(request, answer, seen),
            more => panic!("the API was asked {} times", more.len()),
        }
    }

    /// Nothing that is for the gateway or for the API reaches the client.
    fn assert_discreet(&self, answer: &Message) {
        for (name, _) in &answer.headers {
            assert!(!folded(name).starts_with("x-qwetty-"), "the client sees {name}");
        }
        assert!(!holds(&answer.bytes, b"qwt_"), "the client sees a key value");
    }

    fn allowed(&self, request: &Request, answer: &Message, seen: &Message) -> String {
        let key = request.key().expect("the API is not asked without a key");
        assert_eq!(answer.body, Upstream::BODY, "the API's answer: {}", answer.start);
        self.assert_passed(request, seen);
        self.assert_rate_headers(answer);
        assert_eq!(answer.values("x-request-id").count(), 1, "X-Request-Id to the client");
        for (name, value) in
            [("retry-after", "7"), ("www-authenticate", "Api"), ("content-type", "text/plain")]
        {
            let values: Vec<&[u8]> = answer.values(name).collect();
            assert_eq!(values, [value.as_bytes()], "{name} is the API's");
        }
        self.charged.lock().unwrap().entry(key).or_default().requests += 1;
        match answer.status() {
            200 => "allowed".to_owned(),
            status => format!("{status} of the API"),
        }
    }

    /// The API got the request that was sent, and knows who sent it.
    pub(crate) fn assert_passed(&self, request: &Request, seen: &Message) {
        self.assert_request(request, seen);
        self.assert_identity(request, request.key().expect("the API is not asked without a key"), seen);
    }

    /// The API got the request as it was sent, but for the key value.
    fn assert_request(&self, request: &Request, seen: &Message) {
        let target = String::from_utf8_lossy(&request.target);
        // Only proxies are asked for a whole URI.
        let target = target.strip_prefix("http://api.test").unwrap_or(&target);
        // Bytes that no URI may hold, a gateway may encode before anybody judges them.
        let encoded: String = target
            .chars()
            .map(|char| if char.is_ascii() { char.to_string() } else { encoded(char) })
            .collect();
        let lines = [target, &*encoded].map(|target| format!("{} {target} HTTP/1.1", request.method));
        assert!(lines.contains(&seen.start), "the API got {:?}", seen.start);
        assert!(seen.body == request.content(), "the body is another: {} bytes", seen.body.len());
        assert!(!holds(&seen.bytes, b"qwt_"), "the API sees a key value");
        assert!(
            seen.headers.iter().all(|(name, _)| folded(name) != "authorization"),
            "the API sees Authorization"
        );
        assert_eq!(seen.values("host").collect::<Vec<_>>(), [b"api.test"], "Host to the API");
        for name in STEERING {
            let sent = seen.headers.iter().any(|(own, _)| folded(own) == name.to_lowercase());
            assert!(!sent, "the API sees {name}");
        }
        assert!(!holds(&seen.bytes, CLAIMED.as_bytes()), "the API sees where the client claims to come from");
    }

    /// The API is told who calls, by Qwetty alone, in whatever way it may read the names of headers.
    fn assert_identity(&self, request: &Request, key: Key, seen: &Message) {
        let told = |name: &str| -> Vec<(&str, String)> {
            let lines = seen.headers.iter().filter(|(own, _)| folded(own) == name);
            lines.map(|(own, value)| (own.as_str(), String::from_utf8_lossy(value).into_owned())).collect()
        };
        for (name, value) in self.keys.identity(key) {
            match &told(name)[..] {
                [] if value.is_empty() => self.saw("an empty identity header", "left out"),
                [(spelt, got)] if spelt.eq_ignore_ascii_case(name) && *got == value => {
                    if value.is_empty() {
                        self.saw("an empty identity header", "sent");
                    }
                }
                other => panic!("the API is told {other:?} as {name}, not {value:?}"),
            }
        }
        // Or the next proxy would take it for hop-by-hop, and away.
        let listed = |value: &[u8]| value.to_ascii_lowercase().windows(6).any(|part| part == b"qwetty");
        assert!(!seen.values("connection").any(listed), "Connection names an identity header to the API");
        assert_eq!(told("x-qwetty-problem"), [], "the API is told X-Qwetty-Problem");
        let other = told("x-qwetty-anything");
        assert!(other.iter().all(|(spelt, _)| spelt.eq_ignore_ascii_case("x-qwetty-anything")), "{other:?}");
        if request.sends("x-qwetty-anything") {
            self.saw(
                "other X-Qwetty- names to the API",
                if other.is_empty() { "removed" } else { "passed on" },
            );
        }
    }

    fn assert_rate_headers(&self, answer: &Message) {
        let limit = String::from_utf8_lossy(answer.values("x-ratelimit-limit").next().unwrap_or_default());
        if limit == "1" {
            return self.saw("rate-limit headers with the API's answers", "the API's own");
        }
        for name in [
            "x-ratelimit-limit",
            "x-ratelimit-remaining",
            "x-ratelimit-reset",
            "ratelimit-policy",
            "ratelimit",
        ] {
            let values: Vec<&[u8]> = answer.values(name).collect();
            assert!(values.len() == 1 && !values[0].is_empty(), "{name} to the client: {values:?}");
            assert!(!holds(values[0], b"api"), "{name} is the API's");
        }
        self.saw("rate-limit headers with the API's answers", "Qwetty's");
    }

    fn refused(&self, case: &Case, request: &Request, message: &Message) -> String {
        let status = message.status();
        let refused = status >= 400 || case.asks != Asks::Answer;
        assert!(refused, "neither refused nor asked of the API: {}", message.start);
        // Without a body there is nothing whose kind to tell.
        if request.method == "HEAD" {
            return status.to_string();
        }
        let answer = message.answer();
        if answer.headers.get("content-type").is_none_or(|kind| kind != "application/problem+json") {
            return format!("{status} in other words");
        }
        for (name, _) in &message.headers {
            assert_eq!(message.values(name).count(), 1, "{name} stands twice");
        }
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let code = answer.json()["code"].as_str().unwrap().to_owned();
        let answer = answer.problem(status, &code);
        let challenge = answer.header("www-authenticate");
        let expected = match &*code {
            "missing_authorization" => Some("Bearer realm=\"qwetty\""),
            "invalid_api_key" => Some("Bearer realm=\"qwetty\", error=\"invalid_token\""),
            "insufficient_permissions" => {
                challenge.filter(|challenge| challenge.contains("insufficient_scope"))
            }
            _ => None,
        };
        assert!(challenge == expected, "{code} comes with the challenge {challenge:?}");
        self.count_denial(request, &code);
        let mut word = format!("{status} {code}");
        if let Some((_, scope)) = challenge.and_then(|challenge| challenge.split_once("scope=")) {
            word.push_str(&format!(", scope {}", scope.trim_matches('"')));
        }
        if code == "rate_limited" {
            assert!((1..=86_400).contains(&answer.number("retry-after")));
            assert_eq!((answer.number("x-ratelimit-limit"), answer.number("x-ratelimit-remaining")), (2, 0));
            assert!(answer.number("x-ratelimit-reset") > qwetty_tests::unix_seconds());
            assert_eq!(answer.header("ratelimit-policy"), Some("\"standard\";q=2;w=86400"));
            assert!(answer.header("ratelimit").unwrap().starts_with("\"standard\";r=0;t="));
        } else {
            assert_eq!(answer.header("retry-after"), None);
        }
        if status == 401 || code == "route_not_mapped" {
            assert_eq!(answer.header("x-ratelimit-limit"), None, "{code} tells of a quota");
        }
        word
    }

    fn count_denial(&self, request: &Request, code: &str) {
        let Some(key) = request.key() else { return };
        let counts = match code {
            "invalid_api_key" => matches!(key, Key::Revoked | Key::Expired),
            code => ["insufficient_permissions", "ip_not_allowed", "channel_not_allowed", "rate_limited"]
                .contains(&code),
        };
        self.charged.lock().unwrap().entry(key).or_default().denials += u64::from(counts);
    }

    fn saw(&self, manner: &'static str, way: &'static str) {
        self.manners.lock().unwrap().entry(manner).or_default().insert(way);
    }
}

fn encoded(char: char) -> String {
    char.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
