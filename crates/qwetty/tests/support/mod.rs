//! A world for tests: an engine over a store that a test can hold and fail, at a time that the test sets.
#![allow(dead_code, unreachable_pub, reason = "each test file is a crate of its own and uses its own part")]

mod gate;
mod store;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use qwetty::{
    Caller, Charge, DenialCode, Engine, Entropy, IssuedKey, KeyList, KeyManager, KeyPatch, KeyView,
    ManageError, ManualClock, NewKey, Origin, Standing, Verdict, VerifiedKey, Verifier, VerifyError,
    VerifyRequest,
};
use qwetty_authz::{Ask, ChannelScope, Channels, IpPolicy, Networks, PermissionSet};
use qwetty_keys::{Digester, KeyId, OrganizationId, Status, Timestamp};
use qwetty_ratelimit::{Quota, Tier, TierQuotas};
use qwetty_storage::{Action, AuditEvent, ChannelKind, EventQuery, KeySort, MemoryStore, Order, Page, Store};

pub use self::gate::Gates;
pub use self::store::GatedStore;

/// 2030-01-01T12:00:00Z, when every world begins.
pub const NOON: Timestamp = Timestamp::from_unix_micros(1_893_499_200_000_000);

pub const HOUR: Duration = Duration::from_secs(3600);
pub const DAY: Duration = Duration::from_secs(24 * 3600);

/// Nobody asks for anything but that the key is good.
pub const ANYTHING: Ask<'static> = Ask { address: None, permissions: &[], channel: None };

/// Nor do these, who are in the network that tests restrict keys to.
pub const FROM_INSIDE: Ask<'static> =
    Ask { address: Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7))), permissions: &[], channel: None };

/// An engine over a store, set up, with everything a test needs at hand.
pub struct World<S: Store = MemoryStore> {
    pub engine: Engine,
    pub verifier: Verifier,
    pub manager: KeyManager,
    pub store: Arc<S>,
    pub gates: Arc<Gates>,
    pub clock: Arc<ManualClock>,
    pub organization: OrganizationId,
    pub root: TestKey,
    settings: Settings,
}

/// How a world's engine is built, again after each restart.
#[derive(Clone)]
pub struct Settings {
    pub quotas: TierQuotas,
    pub digester: Digester,
    pub seed: Option<u64>,
    /// Whether the store tells of changes. Where it does not, nothing but the engine's own care keeps its memory right.
    pub tells_of_changes: bool,
    pub cache_capacity: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            quotas: TierQuotas::default(),
            digester: Digester::new(None),
            seed: None,
            tells_of_changes: false,
            cache_capacity: 1000,
        }
    }
}

/// A key that was made for a test.
#[derive(Debug, Clone, PartialEq, Eq)]
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
        Self::with(Settings::default()).await
    }

    pub async fn with(settings: Settings) -> Self {
        Self::over(Arc::new(MemoryStore::new()), settings).await
    }

    pub async fn with_quotas(standard: &str, admin: &str) -> Self {
        Self::with(Settings { quotas: quotas(standard, admin), ..Settings::default() }).await
    }
}

impl<S: Store> World<S> {
    pub async fn over(store: Arc<S>, settings: Settings) -> Self {
        let (gates, clock) = (Arc::new(Gates::default()), Arc::new(ManualClock::at(NOON)));
        let engine = start(&store, &gates, &clock, &settings).await;
        let root = engine.manager().set_up().await.unwrap().expect("the store is new");
        engine.manager().root_announced().await.unwrap();
        let organization = engine.manager().get(&owner(), root.id).await.unwrap().record.organization;
        Self {
            verifier: engine.verifier(),
            manager: engine.manager(),
            engine,
            store,
            gates,
            clock,
            organization,
            root: TestKey { id: root.id, value: root.value.expose().to_owned() },
            settings,
        }
    }

    /// Another engine over the same store, as another process would run it.
    pub async fn beside(&self) -> Self {
        self.successor(self.settings.clone()).await
    }

    /// Stops the engine, properly, and starts another one over the same store.
    pub async fn restart(&mut self) {
        self.restart_with(self.settings.clone()).await;
    }

    pub async fn restart_with(&mut self, settings: Settings) {
        self.engine.shutdown().await.unwrap();
        *self = self.successor(settings).await;
    }

    /// Starts another engine over the same store without a word to this one.
    pub async fn crash(&mut self) {
        *self = self.successor(self.settings.clone()).await;
    }

    async fn successor(&self, settings: Settings) -> Self {
        let gates = Arc::new(Gates::default());
        let engine = start(&self.store, &gates, &self.clock, &settings).await;
        Self {
            verifier: engine.verifier(),
            manager: engine.manager(),
            engine,
            store: Arc::clone(&self.store),
            gates,
            clock: Arc::clone(&self.clock),
            organization: self.organization,
            root: self.root.clone(),
            settings,
        }
    }

    pub async fn key(&self, new: NewKey) -> TestKey {
        self.manager.create(&owner(), self.mine(new)).await.unwrap().into()
    }

    /// The draft, for this world's organization unless it says otherwise.
    pub fn mine(&self, new: NewKey) -> NewKey {
        NewKey { organization: new.organization.or(Some(self.organization)), ..new }
    }

    pub async fn view(&self, key: &TestKey) -> KeyView {
        self.manager.get(&owner(), key.id).await.unwrap()
    }

    /// The first thousand keys of this world's organization.
    pub async fn list(&self, status: Option<Status>) -> Vec<KeyView> {
        let list = KeyList {
            organization: Some(self.organization),
            search: None,
            status,
            sort: KeySort::CreatedAt,
            order: Order::Descending,
            page: Page { offset: 0, limit: 1000 },
        };
        self.manager.list(&owner(), list).await.unwrap().items
    }

    pub async fn update(&self, key: &TestKey, patch: KeyPatch) -> KeyView {
        self.manager.update(&owner(), key.id, patch).await.unwrap()
    }

    pub async fn revoke(&self, key: &TestKey) {
        self.manager.revoke(&owner(), key.id, None).await.unwrap();
    }

    /// The key as a caller.
    pub async fn caller(&self, key: &TestKey) -> Caller {
        let request = VerifyRequest { organization: None, ask: FROM_INSIDE, charge: Charge::Nothing };
        Caller::key(allowed(self.verifier.verify(&key.value, &request).await.unwrap()), Origin::default())
    }

    pub async fn verify(&self, value: &str, ask: Ask<'_>, charge: Charge) -> Result<Verdict, VerifyError> {
        self.verifier.verify(value, &VerifyRequest { organization: None, ask, charge }).await
    }

    /// Saves a channel of this world's organization.
    pub async fn channel(&self, id: &str) {
        let (name, id) = ("A channel".parse().unwrap(), id.parse().unwrap());
        let organization = Some(self.organization);
        self.manager.save_channel(&owner(), organization, &id, name, ChannelKind::Whatsapp).await.unwrap();
    }

    /// The code of a decision for one unit.
    pub async fn code(&self, value: &str) -> &'static str {
        self.code_for(value, ANYTHING).await
    }

    pub async fn code_for(&self, value: &str, ask: Ask<'_>) -> &'static str {
        code(&self.verify(value, ask, Charge::Units(1)).await.unwrap())
    }

    /// Spends units of a key that has them.
    pub async fn spend(&self, value: &str, units: u32) -> Standing {
        let verdict = self.verify(value, ANYTHING, Charge::Units(units)).await.unwrap();
        *allowed(verdict).standing().unwrap()
    }

    /// `(requestCount, deniedCount)`.
    pub async fn counts(&self, key: &TestKey) -> (u64, u64) {
        let usage = self.view(key).await.usage;
        (usage.request_count, usage.denied_count)
    }

    /// The log of this world's organization, newest first.
    pub async fn events(&self, action: Action) -> Vec<AuditEvent> {
        let query = EventQuery {
            organization: self.organization,
            key: None,
            action: Some(action),
            page: Page { offset: 0, limit: 1000 },
        };
        self.store.events(&query).await.unwrap().items
    }
}

async fn start<S: Store>(
    store: &Arc<S>,
    gates: &Arc<Gates>,
    clock: &Arc<ManualClock>,
    settings: &Settings,
) -> Engine {
    let store = GatedStore {
        inner: Arc::clone(store),
        gates: Arc::clone(gates),
        tells_of_changes: settings.tells_of_changes,
    };
    let builder = Engine::builder(Arc::new(store))
        .clock(Arc::clone(clock))
        .quotas(settings.quotas)
        .digester(settings.digester.clone())
        .cache_capacity(settings.cache_capacity)
        // Tests flush when they mean to.
        .flush_interval(DAY);
    let builder = match settings.seed {
        Some(seed) => builder.entropy(Entropy::seeded(seed)),
        None => builder,
    };
    let engine = builder.start().unwrap();
    // The background work comes to where it waits, so that no test begins before it hears of changes.
    settle().await;
    engine
}

/// Lets every task that can run come to where it waits.
pub async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

pub fn owner() -> Caller {
    Caller::owner(Origin::default())
}

pub fn code(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Allow(_) => "valid",
        Verdict::Deny(denial) => denial.code.as_str(),
    }
}

pub fn allowed(verdict: Verdict) -> VerifiedKey {
    match verdict {
        Verdict::Allow(key) => key,
        Verdict::Deny(denial) => panic!("denied: {denial:?}"),
    }
}

/// The code and the standing of a refusal.
pub fn denied(verdict: Verdict) -> (DenialCode, Option<Standing>) {
    match verdict {
        Verdict::Allow(key) => panic!("allowed: {key:?}"),
        Verdict::Deny(denial) => (denial.code, denial.standing),
    }
}

/// A draft that asks for these permissions and is not restricted otherwise.
pub fn draft(permissions: &[&str]) -> NewKey {
    NewKey {
        organization: None,
        name: "A key".parse().unwrap(),
        description: None,
        permissions: permission_set(permissions),
        channels: ChannelScope::All,
        networks: IpPolicy::Any,
        expires_at: None,
        tier: Tier::Standard,
    }
}

pub fn permission_set(names: &[&str]) -> PermissionSet {
    PermissionSet::from_permissions(names.iter().map(|name| name.parse().unwrap())).unwrap()
}

pub fn channels(ids: &[&str]) -> ChannelScope {
    let ids: Vec<_> = ids.iter().map(|id| id.parse().unwrap()).collect();
    ChannelScope::Only(Channels::try_from(ids).unwrap())
}

pub fn networks(blocks: &[&str]) -> IpPolicy {
    let blocks: Vec<_> = blocks.iter().map(|block| block.parse().unwrap()).collect();
    IpPolicy::Only(Networks::try_from(blocks).unwrap())
}

pub fn quota(text: &str) -> Quota {
    text.parse().unwrap()
}

pub fn quotas(standard: &str, admin: &str) -> TierQuotas {
    TierQuotas { standard: quota(standard), admin: quota(admin) }
}

pub fn exceeded(error: &ManageError) -> &'static str {
    match error {
        ManageError::ExceedsCaller(excess) => excess.name(),
        other => panic!("not an excess: {other:?}"),
    }
}
