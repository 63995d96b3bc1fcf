//! A world for tests: a console over an engine in memory, at a time that the test sets, and browsers that visit it.
#![allow(dead_code, unreachable_pub, reason = "each test file is a crate of its own and uses its own part")]

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE, HOST, LOCATION, SET_COOKIE};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use qwetty::{Caller, Engine, IssuedKey, KeyManager, ManualClock, NewKey, Origin};
use qwetty_authz::{ChannelScope, IpPolicy, Networks, PermissionSet};
use qwetty_console::{Console, ConsoleOptions};
use qwetty_keys::{KeyId, OrganizationId, Timestamp};
use qwetty_ratelimit::Tier;
use qwetty_storage::MemoryStore;
use rand::SeedableRng;
use rand::rngs::ChaCha20Rng;

/// 2030-01-01T12:00:00Z, when every world begins.
pub const NOON: Timestamp = Timestamp::from_unix_micros(1_893_499_200_000_000);
pub const MINUTE: Duration = Duration::from_secs(60);
pub const HOUR: Duration = Duration::from_secs(3600);
pub const DAY: Duration = Duration::from_secs(24 * 3600);

pub const LIST: &str = "/settings/api-keys";
pub const SIGN_IN: &str = "/settings/sign-in";
pub const SIGN_OUT: &str = "/settings/sign-out";

pub struct World {
    pub console: Console,
    pub engine: Engine,
    pub manager: KeyManager,
    pub clock: Arc<ManualClock>,
    pub organization: OrganizationId,
    pub root: TestKey,
}

pub struct TestKey {
    pub id: KeyId,
    pub value: String,
}

impl From<IssuedKey> for TestKey {
    fn from(issued: IssuedKey) -> Self {
        Self { id: issued.key.record.id, value: issued.value.expose().to_owned() }
    }
}

impl World {
    pub async fn new() -> Self {
        Self::with(ConsoleOptions::default()).await
    }

    pub async fn with(options: ConsoleOptions) -> Self {
        let clock = Arc::new(ManualClock::at(NOON));
        let builder = Engine::builder(Arc::new(MemoryStore::new())).clock(Arc::clone(&clock));
        let engine = builder.flush_interval(DAY).start().unwrap();
        let manager = engine.manager();
        let root = manager.set_up().await.unwrap().unwrap();
        let organization = manager.get(&owner(), root.id).await.unwrap().record.organization;
        let root = TestKey { id: root.id, value: root.value.expose().to_owned() };
        let console = Console::new(engine.clone(), options, ChaCha20Rng::seed_from_u64(7)).unwrap();
        Self { console, engine, manager, clock, organization, root }
    }

    pub async fn key(&self, new: NewKey) -> TestKey {
        let organization = new.organization.or(Some(self.organization));
        self.manager.create(&owner(), NewKey { organization, ..new }).await.unwrap().into()
    }

    pub async fn revoke(&self, key: &TestKey) {
        self.manager.revoke(&owner(), key.id, None).await.unwrap();
    }

    /// A browser that is signed in with this key.
    pub async fn signed_in(&self, key: &TestKey) -> Browser<'_> {
        let mut browser = Browser::of(self);
        let answer = browser.sign_in(&key.value).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        browser
    }

    pub async fn send(&self, request: Request<Full<Bytes>>, peer: IpAddr) -> Answer {
        let answer = self.console.handle(request, SocketAddr::new(peer, 40_000)).await;
        let (parts, body) = answer.response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, body, route: answer.route }
    }
}

pub fn owner() -> Caller {
    Caller::owner(Origin::default())
}

/// A draft that asks for these permissions and is not restricted otherwise.
pub fn draft(name: &str, permissions: &[&str]) -> NewKey {
    NewKey {
        organization: None,
        name: name.parse().unwrap(),
        description: None,
        permissions: PermissionSet::from_permissions(permissions.iter().map(|name| name.parse().unwrap()))
            .unwrap(),
        channels: ChannelScope::All,
        networks: IpPolicy::Any,
        expires_at: None,
        tier: Tier::Standard,
    }
}

pub fn networks(blocks: &[&str]) -> IpPolicy {
    let blocks: Vec<_> = blocks.iter().map(|block| block.parse().unwrap()).collect();
    IpPolicy::Only(Networks::try_from(blocks).unwrap())
}

pub fn form(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
    pub route: &'static str,
}

impl Answer {
    pub fn location(&self) -> &str {
        self.headers[LOCATION].to_str().unwrap()
    }

    pub fn set_cookies(&self) -> Vec<&str> {
        self.headers.get_all(SET_COOKIE).iter().map(|cookie| cookie.to_str().unwrap()).collect()
    }

    /// The token in the first form of the page that posts to `action`.
    pub fn token_for(&self, action: &str) -> String {
        let form = self.body.split_once(&format!("action=\"{action}\"")).unwrap().1;
        form.split_once("name=\"csrf\" value=\"").unwrap().1.split('"').next().unwrap().to_owned()
    }

    /// The hidden fields of the first form of the page that posts to `action`.
    pub fn hidden_of(&self, action: &str) -> Vec<(String, String)> {
        let form = self.body.split_once(&format!("action=\"{action}\"")).unwrap().1;
        let form = form.split("</form>").next().unwrap();
        let value = |part: &str, name: &str| {
            part.split_once(&format!("{name}=\"")).unwrap().1.split('"').next().unwrap().to_owned()
        };
        let hidden = form.split("<input type=\"hidden\"").skip(1);
        hidden.map(|part| (value(part, " name"), value(part, " value"))).collect()
    }

    /// The text between two pieces of the page.
    pub fn between(&self, before: &str, after: &str) -> &str {
        self.body.split_once(before).unwrap().1.split_once(after).unwrap().0
    }

    pub fn shows(&self, text: &str) -> bool {
        self.body.contains(text)
    }
}

/// A browser: it keeps cookies, and sends the headers that Chromium sends with a console's own forms.
pub struct Browser<'a> {
    world: &'a World,
    pub address: IpAddr,
    pub cookies: BTreeMap<String, String>,
    /// Headers beside the browser's own, or in their place.
    pub headers: Vec<(&'static str, &'static str)>,
}

impl<'a> Browser<'a> {
    pub fn of(world: &'a World) -> Self {
        Self { world, address: [192, 0, 2, 7].into(), cookies: BTreeMap::new(), headers: Vec::new() }
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, None).await
    }

    pub async fn post(&mut self, path: &str, pairs: &[(&str, &str)]) -> Answer {
        self.send("POST", path, Some(form(pairs))).await
    }

    /// Opens a page and sends the form on it that posts to `action`, its hidden fields included.
    pub async fn fill(&mut self, page: &str, action: &str, fields: &[(&str, &str)]) -> Answer {
        let page = self.get(page).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        let hidden = page.hidden_of(action);
        let hidden = hidden.iter().map(|(name, value)| (&**name, &**value));
        let all: Vec<(&str, &str)> = hidden.chain(fields.iter().copied()).collect();
        self.post(action, &all).await
    }

    /// Opens the sign-in page and sends its form.
    pub async fn sign_in(&mut self, value: &str) -> Answer {
        self.sign_in_from(SIGN_IN, value).await
    }

    pub async fn sign_in_from(&mut self, address: &str, value: &str) -> Answer {
        let page = self.get(address).await;
        let token = page.token_for(SIGN_IN);
        let next = page.body.split_once("name=\"next\" value=\"").unwrap().1.split('"').next().unwrap();
        let next = next.replace("&amp;", "&");
        self.post(SIGN_IN, &[("csrf", &token), ("next", &next), ("key", value)]).await
    }

    pub async fn send(&mut self, method: &str, path: &str, body: Option<String>) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header(HOST, "keys.example");
        if body.is_some() {
            request = request
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header("sec-fetch-site", "same-origin")
                .header("origin", "http://keys.example");
        }
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            request = request.header(COOKIE, cookies.join("; "));
        }
        let mut request = request.body(Full::from(body.unwrap_or_default())).unwrap();
        for (name, value) in &self.headers {
            request.headers_mut().remove(*name);
            if !value.is_empty() {
                request.headers_mut().insert(*name, value.parse().unwrap());
            }
        }
        let answer = self.world.send(request, self.address).await;
        for cookie in answer.set_cookies() {
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }
}
