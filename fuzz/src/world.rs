//! The service and its console over an engine in memory, as the targets ask them.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use qwetty::{Engine, Entropy, ManualClock};
use qwetty_console::{Console, ConsoleOptions};
use qwetty_guard::{RouteTable, TrustedProxies};
use qwetty_http::Api;
use qwetty_keys::Timestamp;
use qwetty_ratelimit::{Quota, TierQuotas};
use qwetty_storage::MemoryStore;
use rand::SeedableRng;
use rand::rngs::ChaCha20Rng;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// The peer of every request: a trusted proxy.
const PEER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 40_000);
/// 2030-01-01T12:00:00Z, at which time stands still.
const NOON: Timestamp = Timestamp::from_unix_micros(1_893_499_200_000_000);
/// After so many changes a world is made anew, so that its lists stay short.
const CHANGES: u32 = 100;

/// The name of a key that only whoever is signed in may read.
pub(crate) const UNSEEN: &str = "Never shown to strangers";

/// What the targets ask.
pub(crate) struct World {
    runtime: Runtime,
    api: Api,
    console: Console,
    changes: u32,
    /// An operator's key.
    pub(crate) root: String,
    /// A key for `chats:read` on the channel `wa-1` from `192.0.2.0/24`, and its id.
    pub(crate) scoped: String,
    pub(crate) scoped_id: String,
    /// Cookie and form token of a visit to the sign-in page.
    pub(crate) visit: (String, String),
    /// Cookie and form token of a session of the operator's.
    pub(crate) session: (String, String),
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl World {
    /// Asks in the world of this thread.
    pub(crate) fn with<T>(ask: impl FnOnce(&mut Self) -> T) -> T {
        thread_local! {
            static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
        }
        WORLD.with_borrow_mut(|world| {
            if world.as_ref().is_none_or(|world| world.changes >= CHANGES) {
                *world = Some(Self::new());
            }
            ask(world.as_mut().unwrap())
        })
    }

    /// Notes a change; the world is made anew before the next question if it was a large one.
    pub(crate) fn changed(&mut self, by: u32) {
        self.changes = self.changes.saturating_add(by);
    }

    /// The service's answer.
    pub(crate) fn api(&self, request: Request<Full<Bytes>>) -> Answer {
        self.runtime.block_on(async { Answer::of(self.api.handle(request, PEER).await.response).await })
    }

    /// The console's answer.
    pub(crate) fn console(&self, request: Request<Full<Bytes>>) -> Answer {
        self.runtime.block_on(async { Answer::of(self.console.handle(request, PEER).await.response).await })
    }

    /// An operator's call of the service.
    pub(crate) fn call(&self, method: &str, path: &str, body: impl Into<Bytes>) -> Answer {
        let request = Request::builder().method(method).uri(path).header("host", "a");
        let request = request.header("authorization", format!("Bearer {}", self.root));
        let request = request.header("content-type", "application/json");
        self.api(request.body(Full::new(body.into())).unwrap())
    }

    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let (api, console, root) = runtime.block_on(async {
            let quota = Quota::new(Quota::MAX_LIMIT, 1).unwrap();
            let engine = Engine::builder(Arc::new(MemoryStore::new()))
                .clock(Arc::new(ManualClock::at(NOON)))
                .entropy(Entropy::seeded(7))
                .quotas(TierQuotas { standard: quota, admin: quota })
                .flush_interval(Duration::from_secs(24 * 3600))
                .start()
                .unwrap();
            let root = engine.manager().set_up().await.unwrap().unwrap().value.expose().to_owned();
            let trusted: TrustedProxies = ["127.0.0.1".parse().unwrap()].into_iter().collect();
            let options = ConsoleOptions { trusted_proxies: trusted.clone(), ..ConsoleOptions::default() };
            let console = Console::new(engine.clone(), options, ChaCha20Rng::seed_from_u64(7)).unwrap();
            (Api::new(engine, trusted, RouteTable::qwetty(), 7).unwrap(), console, root)
        });
        let none = || (String::new(), String::new());
        let (scoped, scoped_id) = none();
        let mut world = Self {
            runtime,
            api,
            console,
            changes: 0,
            root,
            scoped,
            scoped_id,
            visit: none(),
            session: none(),
        };
        world.furnish();
        world
    }

    fn furnish(&mut self) {
        let channel = json!({"name": "WhatsApp", "type": "whatsapp"}).to_string();
        assert!(self.call("PUT", "/api/v1/channels/wa-1", channel).status < 300);
        let fields = json!({
            "name": UNSEEN, "permissions": ["chats:read"], "channelScopes": ["wa-1"], "ipWhitelist": ["192.0.2.0/24"],
        });
        let made = self.call("POST", "/api/v1/api-keys", fields.to_string()).json();
        self.scoped = made["data"]["key"].as_str().unwrap().to_owned();
        self.scoped_id = made["data"]["id"].as_str().unwrap().to_owned();

        let shown = self.console(page("GET", "/settings/sign-in", "", ""));
        self.visit = (shown.cookie(), shown.form_token());
        let body = format!("key={}&csrf={}", self.root, self.visit.1);
        let entered = self.console(page("POST", "/settings/sign-in", &self.visit.0, &body));
        let shown = self.console(page("GET", "/settings/api-keys/new", &entered.cookie(), ""));
        self.session = (entered.cookie(), shown.form_token());
    }
}

fn page(method: &str, path: &str, cookie: &str, body: &str) -> Request<Full<Bytes>> {
    let request = Request::builder().method(method).uri(path).header("host", "a").header("cookie", cookie);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    request.body(Full::new(Bytes::from(body.to_owned()))).unwrap()
}

impl Answer {
    async fn of(response: Response<Full<Bytes>>) -> Self {
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Self { status: head.status.as_u16(), headers: head.headers, body }
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The body as text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// A header that stands once.
    pub(crate) fn header(&self, name: &str) -> &str {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next().map_or("", |value| value.to_str().unwrap());
        assert!(values.next().is_none(), "{name} stands twice");
        value
    }

    /// The cookie that it sets.
    fn cookie(&self) -> String {
        let cookies: Vec<&str> =
            self.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap()).collect();
        let kept = cookies.iter().find(|cookie| !cookie.contains("Max-Age=0"));
        kept.unwrap_or_else(|| panic!("no cookie: {} {}", self.status, self.text()))
            .split(';')
            .next()
            .unwrap()
            .to_owned()
    }

    /// The token in the last form of the page, which is the page's own and no part of its frame.
    fn form_token(&self) -> String {
        let (_, rest) = self.text().rsplit_once("name=\"csrf\" value=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    }
}
