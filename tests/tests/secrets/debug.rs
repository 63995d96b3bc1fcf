//! `Debug` of every public type: it prints no value and no digest, and no type can be forgotten.

use std::any::type_name;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::fmt::Debug;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use http_body_util::Full;
use qwetty::{
    Caller, Charge, Engine, EngineBuilder, Entropy, EntropyError, EventList, Excess, HourRange, IssuedKey,
    KeyList, KeyManager, KeyPatch, ManageError, ManualClock, NewKey, Origin, StartError, SystemClock,
    Verdict, Verifier, VerifyRequest, Wanted,
};
use qwetty_authz::*;
use qwetty_console::{Console, ConsoleOptions};
use qwetty_guard::*;
use qwetty_http::{Api, GithubKeys, GithubKeysError};
use qwetty_keys::*;
use qwetty_ratelimit::{KeyedLimiter, LimiterCell, Moment, Quota, Tier, TierQuotas, WindowSnapshot};
use qwetty_storage::*;
use qwetty_storage_sqlite::{Options, SqliteStore};
use qwetty_tests::Github;
use qwetty_tower::{Guard, GuardFuture, GuardLayer, GuardService, PeerAddress, Requiring};
use rand::rand_core::{TryCryptoRng, TryRng};
use serde_json::json;
use tower::util::BoxService;

use crate::needles::{Digesting, Needles};

/// Names that stand for no type to be had: traits, other names of what is printed, and what a guard makes and keeps.
const NO_TYPES: [&str; 13] = [
    "qwetty::Clock",
    "qwetty_guard::PathRow",
    "qwetty_storage::AuditStore",
    "qwetty_storage::ChangeFeed",
    "qwetty_storage::Changes",
    "qwetty_storage::DirectoryStore",
    "qwetty_storage::KeyStore",
    "qwetty_storage::SetupStore",
    "qwetty_storage::Store",
    "qwetty_storage::UsageStore",
    "qwetty_tower::GuardBody",
    "qwetty_tower::Policy",
    "qwetty_tower::Requiring",
];

/// Types that cannot be printed. It does not compile once one can: then it belongs to what is printed.
macro_rules! unprintable {
    ($($type:ty),* $(,)?) => {{
        $({
            trait AmbiguousOnceDebug<Marker> {
                fn is_unprintable() {}
            }
            struct Printable;
            impl<T: ?Sized> AmbiguousOnceDebug<()> for T {}
            impl<T: ?Sized + Debug> AmbiguousOnceDebug<Printable> for T {}
            <$type as AmbiguousOnceDebug<_>>::is_unprintable();
        })*
        [$(type_name::<$type>()),*]
    }};
}

#[tokio::test]
async fn no_public_type_prints_a_value_or_a_digest() {
    let mut known: BTreeSet<String> = NO_TYPES.map(str::to_owned).into();
    let unprintable = unprintable![
        Engine,
        EngineBuilder,
        Verifier,
        KeyManager,
        Api,
        Console,
        ProblemObject<'static>,
        Single<'static>,
        Guard,
        GuardLayer<Requiring>,
        GuardService<(), Requiring>,
        GuardFuture<BoxService<Request<()>, (), Infallible>, ()>,
    ];
    known.extend(unprintable.into_iter().flat_map(ours));
    known.extend(Prints::everything().await.types);
    let forgotten: Vec<String> = public_types().difference(&known).cloned().collect();
    assert!(forgotten.is_empty(), "print these, too, in tests/tests/secrets/debug.rs: {forgotten:#?}");
}

/// Every name of a type that a crate gives out, `crate::Name`.
fn public_types() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates")).unwrap() {
        let entry = entry.unwrap();
        let folder = entry.file_name().into_string().unwrap();
        // The suite for stores holds what it made up itself.
        if folder == "qwetty-storage-conformance" {
            continue;
        }
        let library = std::fs::read_to_string(entry.path().join("src/lib.rs")).unwrap();
        assert!(
            !library.contains("pub mod ") && !library.contains("::*"),
            "{folder} names what it gives out"
        );
        for statement in library.split("pub use ").skip(1) {
            let statement = statement.split(';').next().unwrap();
            let home = statement.split("::").next().unwrap();
            let home = if home.starts_with("qwetty_") { home.to_owned() } else { folder.replace('-', "_") };
            let names = statement.split(|c: char| !c.is_alphanumeric() && c != '_');
            let names = names.filter(|name| name.starts_with(|c: char| c.is_uppercase()));
            found.extend(names.map(|name| format!("{home}::{name}")));
        }
    }
    assert!(found.len() > 100, "{found:?}");
    found
}

/// The types of ours in a type's name, `crate::Name`.
fn ours(type_name: &str) -> impl Iterator<Item = String> + '_ {
    let paths = type_name.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
    let paths = paths.filter(|path| path.starts_with("qwetty"));
    paths.map(|path| format!("{}::{}", path.split("::").next().unwrap(), path.rsplit("::").next().unwrap()))
}

/// What was printed.
struct Prints {
    secrets: Needles,
    /// One of the values, of a key that is good.
    value: String,
    /// The types of it.
    types: BTreeSet<String>,
}

impl Prints {
    fn of<T: Debug>(&mut self, thing: &T) {
        let name = type_name::<T>();
        self.secrets.assert_absent(format!("{thing:?} {thing:#?}").as_bytes(), name);
        self.types.extend(ours(name));
    }

    /// The error of who takes the value for something else.
    fn mistaken_for<T: FromStr<Err: Debug>>(&mut self) {
        let fault = self.value.parse::<T>().err().expect("a key value is no such text");
        self.of(&fault);
    }

    /// What keeps a text of people's, and the error of one that it cannot keep.
    fn text<T: FromStr<Err: Debug> + Debug>(&mut self, good: &str) {
        self.of(&good.parse::<T>().unwrap());
        let text = format!("{}\u{7}", self.value);
        let Err(fault) = text.parse::<T>() else { panic!("a control character is in no text") };
        self.of(&fault);
    }

    /// What there is when a key was issued, regenerated, used, refused and revoked.
    async fn everything() -> Self {
        let clock = Arc::new(ManualClock::at(NOON));
        let store = Arc::new(MemoryStore::new());
        let engine =
            Engine::builder(Arc::clone(&store) as Arc<dyn Store>).clock(Arc::clone(&clock)).start().unwrap();
        let (manager, owner) = (engine.manager(), Caller::owner(Origin::default()));
        let root = manager.set_up().await.unwrap().unwrap();
        let organization = manager.get(&owner, root.id).await.unwrap().record.organization;
        let (id, name) = ("wa".parse().unwrap(), "WhatsApp".parse().unwrap());
        let channel =
            manager.save_channel(&owner, Some(organization), &id, name, ChannelKind::Whatsapp).await.unwrap();
        let issued = manager.create(&owner, draft(organization)).await.unwrap();
        let overlap = Overlap::from_seconds(600).unwrap();
        let again = manager.regenerate(&owner, issued.key.record.id, overlap).await.unwrap();

        let value = again.value.expose().to_owned();
        let mut secrets = Needles::default();
        for value in [root.value.expose(), issued.value.expose(), &value] {
            secrets.add_value(value);
            secrets.add_digest(Digesting::Plain, value);
            secrets.add_digest(Digesting::Peppered(PEPPER), value);
        }
        secrets.add_pepper(PEPPER);
        let mut prints = Self { secrets, value, types: BTreeSet::new() };
        prints.of(&(&channel, &clock, &store, &root, &issued, &again, &owner, Origin::default()));
        prints.keys(&again);
        prints.access(&again.key.record);
        prints.stored(&store, &again).await;
        prints.decisions(&engine, &again).await;
        prints.management(&engine, &again).await;
        prints.limiter();
        prints.github();
        prints.requests(&engine).await;
        prints.answers(&engine, &owner).await;
        prints.pages(&engine).await;
        prints.sqlite().await;
        prints
    }

    fn keys(&mut self, issued: &IssuedKey) {
        let pepper: Pepper = PEPPER.parse().unwrap();
        let digester = Digester::new(Some(&pepper)).with_retired(None);
        let value = self.value.clone();
        let presented: PresentedKey = value.parse().unwrap();
        let lifecycle = &issued.key.record.lifecycle;
        let parts = lifecycle.clone().into_parts();
        let revoked = lifecycle.clone().revoke(NOON, Some("lost".parse().unwrap()));
        self.of(&(&digester, &pepper, PresentedText::from(&presented), digester.digest(&presented)));
        self.of(&(&presented, &issued.value, presented.start(), KeyPrefix::QWETTY, Overlap::NONE));
        self.of(&(lifecycle, &revoked, parts.state.clone(), parts.current, parts.previous.unwrap()));
        self.of(&parts);
        self.of(&lifecycle.which(&parts.current.digest, NOON).unwrap());
        self.of(&(lifecycle.status(NOON), NOON, issued.key.record.id, issued.key.record.organization));
        let Transition::Changed(revoked) = revoked else { panic!("it was live") };
        self.of(revoked.revocation().unwrap());
        self.of(&revoked.regenerate(NOON, parts.current, Overlap::NONE).unwrap_err());
        self.of(&Overlap::from_seconds(u64::MAX).unwrap_err());
        self.of(&PresentedKey::parse("acme_".parse().unwrap(), &value).unwrap_err());
        self.of(&format!("{value}x").parse::<PresentedKey>().unwrap_err());
        self.mistaken_for::<Pepper>();
        self.mistaken_for::<KeyPrefix>();
        self.mistaken_for::<KeyStart>();
        self.mistaken_for::<Timestamp>();
        self.mistaken_for::<Status>();
        self.mistaken_for::<KeyId>();
        self.mistaken_for::<OrganizationId>();
        self.mistaken_for::<EventId>();
        self.of(&EventId::from_u128(7));
        self.text::<Name>("a text");
        self.text::<Description>("a text");
        self.text::<RevocationReason>("a text");
    }

    fn access(&mut self, record: &KeyRecord) {
        self.of(&(
            &record.access,
            &record.access.permissions,
            &record.access.channels,
            &record.access.networks,
        ));
        let (IpPolicy::Only(networks), ChannelScope::Only(channels)) =
            (&record.access.networks, &record.access.channels)
        else {
            panic!("the draft is restricted")
        };
        let PermissionGrant::Only(permissions) = &record.access.permissions else {
            panic!("the draft is no root")
        };
        self.of(&(networks, *networks.iter().next().unwrap(), channels, permissions));
        self.mistaken_for::<Network>();
        self.text::<ChannelId>("wa");
        self.text::<Permission>("chats:read");
        self.of(&Networks::try_from(Vec::new()).unwrap_err());
        self.of(&Channels::try_from(Vec::new()).unwrap_err());
        let catalogue = Catalogue::qwetty();
        self.of(catalogue.entries().next().unwrap());
        // An error quotes what a configuration says.
        let ask = Ask { address: None, permissions: &["chats:read"], channel: None };
        self.of(&record.access.decide(&catalogue, &ask).unwrap_err());
        self.of(&(catalogue, ask));
        self.of(&Catalogue::new([("no name", "A label")]).unwrap_err());
        let grants = |networks| {
            let access = Access { networks, ..record.access.clone() };
            Grants { access, tier_rank: 0, expires_at: None }
        };
        let (restricted, free) = (grants(record.access.networks.clone()), grants(IpPolicy::Any));
        self.of(&restricted.covers(&free).unwrap_err());
        self.of(&restricted);
    }

    async fn stored(&mut self, store: &MemoryStore, issued: &IssuedKey) {
        let record = issued.key.record.clone();
        let (organization, page) = (record.organization, Page { offset: 0, limit: 100 });
        let found = store.find(&record.lifecycle.current().digest).await.unwrap().expect("the key");
        let stored = store.get(record.id).await.unwrap().expect("the key");
        self.of(&KeyChange { digests: record.lifecycle.digests().copied().collect() });
        self.of(&(&found, &stored, &record, record.revision, stored.usage, store.setup().await.unwrap()));
        let events = EventQuery { organization, key: None, action: None, page };
        let told = store.events(&events).await.unwrap();
        let event =
            told.items.iter().find(|event| event.action == Action::KeyRegenerated).expect("an event").clone();
        self.of(event.changes.values().next().expect("what changed"));
        self.of(&(Actor { key: record.id, name: record.name.clone() }, event.action, &event, &told, &events));
        let search = Search::new("crm");
        let query = DirectoryQuery { search: None, order: Order::Ascending, page };
        let listed = store.organizations(&query).await.unwrap();
        self.of(&(listed.items[0].clone(), &query, query.order, page, search.clone().unwrap()));
        self.of(&(KeySort::Name, ChannelKind::Whatsapp, "fax".parse::<ChannelKind>().unwrap_err()));
        self.mistaken_for::<ChannelKind>();
        self.of(&KeyQuery {
            organization,
            search,
            status: None,
            now: NOON,
            judged_later: BTreeMap::new(),
            sort: KeySort::Name,
            order: Order::Ascending,
            page,
        });
        let mut counts = OutcomeCounts::default();
        counts.add(Outcome::Admitted, 1);
        let (cell, now) = (LimiterCell::new(), Moment::from_nanos(0));
        let _ = cell.take(Quota::new(2, 60).unwrap(), 1, now);
        let window = SavedWindow { saved_at: NOON, snapshot: cell.snapshot(now).expect("it counted") };
        let hours = vec![HourlyCounts { hour: Hour::of(NOON), counts }];
        let row = UsageRow {
            key: record.id,
            hours,
            last_used_at: None,
            previous_value_last_used_at: None,
            window: Some(window.clone()),
        };
        self.of(&(window.snapshot.clone(), &window, row.hours[0], row.hours[0].hour, Outcome::Admitted));
        self.of(&(row.hours[0].counts, row.clone()));
        let batch = UsageBatch { writer: 1, sequence: 1, at: NOON, rows: vec![row] };
        store.record_usage(&batch).await.unwrap();
        self.of(&batch);
        self.of(&store.insert(&record, &event).await);
        self.of(&store.replace(&record, Revision::from_u64(99), &event).await.unwrap());
        self.of(&store.remove_organization(organization, &event).await.unwrap());
        self.of(&StoreError::damaged("a key", "its digest is too short"));
    }

    async fn decisions(&mut self, engine: &Engine, issued: &IssuedKey) {
        let (verifier, value) = (engine.verifier(), self.value.clone());
        let ask = Ask { address: Some(INSIDE), permissions: &["chats:read"], channel: None };
        let request = VerifyRequest { organization: None, ask, charge: Charge::Units(1) };
        self.of(&(
            request,
            request.charge,
            engine.now(),
            SystemClock::default(),
            Entropy::seeded(7),
            engine.quotas(),
        ));
        let allowed = verifier.verify(&value, &request).await.unwrap();
        self.of(&allowed);
        let Verdict::Allow(key) = allowed else { panic!("a good key") };
        self.of(&(key.standing().copied().unwrap(), &key, RateLimit::of(key.standing().unwrap())));
        self.of(&Caller::key(key, Origin { address: Some(INSIDE), request_id: Some("1".to_owned()) }));
        let outside = VerifyRequest { ask: Ask { address: None, ..ask }, ..request };
        let Verdict::Deny(denial) = verifier.verify(&value, &outside).await.unwrap() else {
            panic!("from nowhere")
        };
        self.of(&(denial.code, denial.key.clone().unwrap(), denial));
        let costly = VerifyRequest { charge: Charge::Units(u32::MAX), ..request };
        self.of(&verifier.verify(&value, &costly).await.unwrap_err());
        self.of(&EntropyError);
        self.of(&StartError::from(StoreError::unavailable("no disk")));
        self.of(&issued.key);
    }

    async fn management(&mut self, engine: &Engine, issued: &IssuedKey) {
        let (manager, owner) = (engine.manager(), Caller::owner(Origin::default()));
        let (id, organization) = (issued.key.record.id, Some(issued.key.record.organization));
        let page = Page { offset: 0, limit: 10 };
        let list = KeyList {
            organization,
            search: None,
            status: None,
            sort: KeySort::Name,
            order: Order::Ascending,
            page,
        };
        self.of(&list);
        self.of(&manager.list(&owner, list).await.unwrap());
        let list = EventList { organization, key: Some(id), action: None, page };
        self.of(&list);
        self.of(&manager.events(&owner, list).await.unwrap());
        let range = HourRange::new(None, None, NOON).unwrap();
        self.of(&(manager.usage(&owner, id, range).await.unwrap(), range));
        self.of(&HourRange::new(Some(NOON), Some(NOON), NOON).unwrap_err());
        let draft = draft(issued.key.record.organization);
        let patch = KeyPatch { name: Some(draft.name.clone()), ..KeyPatch::default() };
        self.of(&(&draft, &patch, Wanted::default()));
        // Whoever may change nothing of it asks for a permission that does not exist.
        let unknown = PermissionSet::from_permissions(["none:such".parse().unwrap()]).unwrap();
        let fault = manager.create(&owner, NewKey { permissions: unknown, ..draft }).await.unwrap_err();
        let ManageError::Invalid(faults) = &fault else { panic!("an unknown permission") };
        self.of(&faults[0]);
        self.of(&fault);
        self.of(&(Excess::Axis(Axis::Tier), ManageError::from(Excess::OwnKey)));
    }

    fn limiter(&mut self) {
        let (value, quota, now) = (self.value.clone(), Quota::new(2, 60).unwrap(), Moment::from_nanos(0));
        let keyed: KeyedLimiter<String> = KeyedLimiter::new();
        let outcome = keyed.take(&value, quota, 1, now);
        self.of(&(&keyed, outcome, quota, now, Tier::Admin, TierQuotas::default()));
        let cell = LimiterCell::new();
        let _ = cell.take(quota, 1, now);
        self.of(&(cell.peek(quota, now), &cell));
        self.of(&(Quota::new(0, 0).unwrap_err(), value.parse::<Tier>().unwrap_err()));
        self.of(&WindowSnapshot::from_bytes(value.as_bytes()).unwrap_err());
    }

    /// What a request is read into, with the value in every header of it.
    async fn requests(&mut self, engine: &Engine) {
        let value = self.value.clone();
        let mut headers = HeaderMap::new();
        headers.insert("authorization", format!("Token {value}").parse().unwrap());
        headers.insert("x-forwarded-for", value.parse().unwrap());
        self.of(&bearer(&headers).unwrap_err());
        let ask = Ask { address: None, permissions: &["chats:read"], channel: None };
        let refused = judge(&engine.verifier(), &headers, ask, Charge::Nothing).await.unwrap_err();
        self.of(&(refused.problem.clone(), refused));
        headers.insert("authorization", format!("Bearer {value}").parse().unwrap());
        let refused = judge(&engine.verifier(), &headers, ask, Charge::Nothing).await.unwrap_err();
        self.of(&refused.into_response(&RequestIds::new(7).next()).status());
        let proxies = TrustedProxies::from_iter(["192.0.2.0/24".parse().unwrap()]);
        self.of(&client_address(INSIDE, &headers, &proxies, WithoutForwardedFor::Peer));
        self.of(&(proxies, WithoutForwardedFor::Unknown, RequestIds::new(7), RequestIds::new(7).next()));
        let budget = AddressBudget::new(1, Duration::from_secs(1));
        let now = Moment::from_nanos(0);
        budget.take(None, 1, Duration::ZERO, now).unwrap();
        self.of(&budget.take(None, 1, Duration::ZERO, now).unwrap_err());
        self.of(&(budget, FailedAttempts::default(), Attempt::Held, ClientNetwork::of(Some(INSIDE))));
        headers.append("authorization", format!("Bearer {value}").parse().unwrap());
        self.of(&single(&headers, &http::header::AUTHORIZATION).unwrap_err());
        self.of(&bearer(&headers).unwrap_err());
        let request =
            Request::builder().uri(format!("/{value}")).header("authorization", &value).body(()).unwrap();
        self.of(&check_limits(&request.into_parts().0).unwrap_err());
        self.of(&(ErrorCode::InvalidApiKey, Problem::new(ErrorCode::InvalidApiKey), Need::any_key()));
        let (budget, now) = (AddressBudget::new(1, Duration::from_secs(60)), Moment::from_nanos(0));
        budget.take(Some(INSIDE), 1, Duration::ZERO, now).unwrap();
        self.of(&(budget.take(Some(INSIDE), 1, Duration::ZERO, now).unwrap_err(), &budget));
        self.of(&(FailedAttempts::new(budget), Attempt::Held));
        self.of(&HeaderWriter::new(&mut headers.clone()));
        let mut faults = Faults::default();
        faults.add("name", "is missing");
        self.of(&faults);
        self.of(&PeerAddress(SocketAddr::new(INSIDE, 1)));
        self.routes(&value, &headers);
    }

    fn routes(&mut self, value: &str, headers: &HeaderMap) {
        let (table, catalogue) = (RouteTable::qwetty(), Catalogue::qwetty());
        for target in [format!("/{value}"), format!("/api/../{value}"), format!("/{value}%zz")] {
            self.of(&table.find("GET", target.as_bytes(), headers).unwrap_err());
        }
        let route = Route::new("GET", "/api/{chatId}", ["chats:read"]);
        self.of(&(route.clone(), ChannelSource::Query("channelId".to_owned()), table));
        let fault = RouteTable::new([route.clone(), route], &catalogue).unwrap_err();
        self.of(&(fault.fault.clone(), fault));
        let fault = RouteTable::new([Route::new("GET", "//", ["chats:read"])], &catalogue).unwrap_err();
        let RouteFault::Pattern(fault) = fault.fault else { panic!("a pattern that is not in normal form") };
        let PatternFault::NotNormal(path) = &fault else { panic!("its path") };
        self.of(&(*path, fault.clone()));
        let table = PathTable::new(&[Row("/{id}")]).unwrap();
        self.of(&table.route(&Method::GET, &format!("/{value}")).unwrap());
        self.of(&table.route(&Method::GET, &format!("/{value}/{value}")).unwrap_err());
        self.of(&table);
        self.of(&PathTable::new(&[Row("/{id}"), Row("/{key}")]).unwrap_err());
    }

    /// Answers, even those that issue a value.
    async fn answers(&mut self, engine: &Engine, owner: &Caller) {
        let mut all = draft(self.organization(engine, owner).await);
        let administration =
            ["api_keys:read", "api_keys:manage", "chats:read"].map(|name| name.parse().unwrap());
        all.permissions = PermissionSet::from_permissions(administration).unwrap();
        all.channels = ChannelScope::All;
        all.networks = IpPolicy::Any;
        all.expires_at = None;
        let manager = engine.manager().create(owner, all).await.unwrap();
        let manager = manager.value.expose();
        let public = Github::public_keys([&Github::new("a-key")]);
        let none: Result<GithubKeys, GithubKeysError> = GithubKeys::from_json("{\"public_keys\": []}");
        self.of(&(GithubKeys::from_json(&public).unwrap(), none.unwrap_err()));
        let api = Api::new(engine.clone(), TrustedProxies::default(), RouteTable::qwetty(), 7).unwrap();
        let body = json!({"name": "A key", "permissions": ["chats:read"]}).to_string();
        let request = Request::builder()
            .method("POST")
            .uri("/api/v1/api-keys")
            .header("host", "localhost")
            .header("authorization", format!("Bearer {manager}"))
            .header("content-type", "application/json")
            .body(Full::<Bytes>::from(body))
            .unwrap();
        let answer = api.handle(request, SocketAddr::new(INSIDE, 1)).await;
        assert_eq!(answer.response.status(), 201);
        let printed = format!("{answer:?}");
        self.of(&answer);
        let body = http_body_util::BodyExt::collect(answer.response.into_body()).await.unwrap().to_bytes();
        let issued: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let value = issued["data"]["key"].as_str().unwrap();
        self.secrets.add_value(value);
        self.secrets.assert_absent(printed.as_bytes(), "the answer that issues it, printed,");
    }

    /// What GitHub signs its reports with.
    fn github(&mut self) {
        let keys = |key: &str| json!({"public_keys": [{"key_identifier": "1", "key": key}]}).to_string();
        self.of(&GithubKeys::from_json(&keys(GITHUB)).unwrap());
        self.of(&GithubKeys::from_json(&keys(&self.value)).unwrap_err());
        self.of(&GithubKeys::from_json(&self.value).unwrap_err());
    }

    /// Pages, one of which shows a value: hence none is printed with its body.
    async fn pages(&mut self, engine: &Engine) {
        let options = ConsoleOptions::default();
        self.of(&options);
        let console = Console::new(engine.clone(), options.clone(), rand::rngs::SysRng).unwrap();
        let request = Request::builder().uri("/settings/sign-in").header("host", "localhost");
        let request = request.body(Full::<Bytes>::default()).unwrap();
        let answer = console.handle(request, SocketAddr::new(INSIDE, 1)).await;
        assert_eq!(answer.response.status(), 200);
        assert!(!format!("{answer:?}").contains("<html"), "a page's body is printed");
        self.of(&answer);
        self.of(&Console::new(engine.clone(), options, NoBits).err().expect("no token can be made"));
    }

    async fn organization(&self, engine: &Engine, owner: &Caller) -> OrganizationId {
        let page = Page { offset: 0, limit: 1 };
        let query = DirectoryQuery { search: None, order: Order::Ascending, page };
        engine.manager().organizations(owner, &query).await.unwrap().items[0].id
    }

    async fn sqlite(&mut self) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("qwetty.db");
        let store = SqliteStore::open(&path, Options::default()).unwrap();
        self.of(&(&store, Options::default()));
        self.of(&SqliteStore::open(&path, Options::default()).unwrap_err());
        store.close().await;
    }
}

/// 2030-01-01T12:00:00Z
const NOON: Timestamp = Timestamp::from_unix_micros(1_893_499_200_000_000);
const INSIDE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
const PEPPER: &str = "8f1b0c4de2a35f67981b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f6a7b";

/// Of GitHub's documentation.
const GITHUB: &str = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEsz9ugWDj5jK5ELBK42ynytbo38gP\n\
    HzZFI03Exwz8Lh/tCfL3YxwMdLjB+bMznsanlhK0RwcGP3IDb34kQDIo3Q==\n-----END PUBLIC KEY-----";

/// A key that is restricted in every way.
fn draft(organization: OrganizationId) -> NewKey {
    let channels = vec!["wa".parse().unwrap()];
    let networks: Vec<Network> = vec!["192.0.2.0/24".parse().unwrap()];
    NewKey {
        organization: Some(organization),
        name: "CRM".parse().unwrap(),
        description: Some("Reads.".parse().unwrap()),
        permissions: PermissionSet::from_permissions(["chats:read".parse().unwrap()]).unwrap(),
        channels: ChannelScope::Only(Channels::try_from(channels).unwrap()),
        networks: IpPolicy::Only(Networks::try_from(networks).unwrap()),
        expires_at: Some(NOON.saturating_add(Duration::from_secs(3600))),
        tier: Tier::Standard,
    }
}

/// A row of a table of paths.
#[derive(Debug)]
struct Row(&'static str);

impl PathRow for Row {
    fn path(&self) -> &'static str {
        self.0
    }

    fn methods(&self) -> &[Method] {
        &[Method::GET]
    }
}

/// A random source that gives nothing.
struct NoBits;

impl TryRng for NoBits {
    type Error = std::fmt::Error;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Err(std::fmt::Error)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Err(std::fmt::Error)
    }

    fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Self::Error> {
        Err(std::fmt::Error)
    }
}

impl TryCryptoRng for NoBits {}
