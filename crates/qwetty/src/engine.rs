use std::sync::Arc;
use std::time::Duration;

use qwetty_authz::Catalogue;
use qwetty_keys::{Digester, KeyPrefix};
use qwetty_ratelimit::TierQuotas;
use qwetty_storage::{Setup, Store, StoreError};
use thiserror::Error;

use crate::cache::KeyCache;
use crate::clock::{Clock, Now, SystemClock};
use crate::entropy::{Entropy, EntropyError};
use crate::look_ups::LookUps;
use crate::maintenance::Maintenance;
use crate::manage::KeyManager;
use crate::usage::Flusher;
use crate::verifier::Verifier;

/// One engine over one store: it verifies keys, manages them and keeps their usage. Every [`Verifier`] and [`KeyManager`] of
/// an engine shares its memory, which is what makes a revocation hold at once.
#[derive(Clone)]
pub struct Engine {
    core: Arc<Core>,
    maintenance: Arc<Maintenance>,
}

/// What the parts of an engine share.
pub(crate) struct Core {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Box<dyn Clock>,
    pub(crate) entropy: Entropy,
    pub(crate) prefix: KeyPrefix,
    pub(crate) digester: Digester,
    pub(crate) catalogue: Catalogue,
    pub(crate) quotas: TierQuotas,
    pub(crate) cache: KeyCache,
    pub(crate) flusher: Flusher,
    pub(crate) look_ups: LookUps,
}

impl Core {
    pub(crate) fn now(&self) -> Now {
        self.clock.now()
    }
}

/// An engine could not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The random source failed.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    /// An engine over this store, with the product's prefix, catalogue and quotas until told otherwise.
    pub fn builder(store: Arc<dyn Store>) -> EngineBuilder {
        EngineBuilder {
            store,
            clock: Box::new(SystemClock::new()),
            entropy: Entropy::system(),
            prefix: KeyPrefix::QWETTY,
            digester: Digester::new(None),
            catalogue: Catalogue::qwetty(),
            quotas: TierQuotas::default(),
            flush_interval: Duration::from_secs(1),
            audit_retention: Duration::from_secs(365 * 24 * 3600),
            cache_capacity: 1_000_000,
        }
    }

    /// The decision: is this key value good for that?
    pub fn verifier(&self) -> Verifier {
        Verifier::new(Arc::clone(&self.core), Arc::clone(&self.maintenance))
    }

    /// The lifecycle: make, change, revoke, delete.
    pub fn manager(&self) -> KeyManager {
        KeyManager::new(Arc::clone(&self.core), Arc::clone(&self.maintenance))
    }

    /// The permissions that this engine knows.
    pub fn catalogue(&self) -> &Catalogue {
        &self.core.catalogue
    }

    /// What each tier gives.
    pub fn quotas(&self) -> TierQuotas {
        self.core.quotas
    }

    /// A reading of the engine's clock.
    pub fn now(&self) -> Now {
        self.core.now()
    }

    /// Whether the store answers, which decisions and changes depend on.
    ///
    /// # Errors
    ///
    /// The store's, if it does not.
    pub async fn ready(&self) -> Result<Setup, StoreError> {
        self.core.store.setup().await
    }

    /// Brings everything counted so far to the store.
    ///
    /// # Errors
    ///
    /// The store's; nothing is lost then, and the next flush sends it again.
    pub async fn flush(&self) -> Result<(), StoreError> {
        self.core.flusher.flush(&*self.core.store, self.core.now()).await
    }

    /// Ends the engine's background work and flushes: usage and windows are exact in the store once it returns, if no
    /// decision is made meanwhile.
    ///
    /// # Errors
    ///
    /// The store's; what was not flushed is lost with the process then.
    pub async fn shutdown(&self) -> Result<(), StoreError> {
        self.maintenance.stop();
        self.flush().await
    }
}

/// See [`Engine::builder`].
#[must_use]
pub struct EngineBuilder {
    store: Arc<dyn Store>,
    clock: Box<dyn Clock>,
    entropy: Entropy,
    prefix: KeyPrefix,
    digester: Digester,
    catalogue: Catalogue,
    quotas: TierQuotas,
    flush_interval: Duration,
    audit_retention: Duration,
    cache_capacity: usize,
}

impl EngineBuilder {
    /// Reads time from this clock.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Draws random bits from this source.
    pub fn entropy(mut self, entropy: Entropy) -> Self {
        self.entropy = entropy;
        self
    }

    /// Key values begin with this.
    pub fn prefix(mut self, prefix: KeyPrefix) -> Self {
        self.prefix = prefix;
        self
    }

    /// Digests key values with this: a pepper, and the retired ones whose keys still count.
    pub fn digester(mut self, digester: Digester) -> Self {
        self.digester = digester;
        self
    }

    /// Knows these permissions.
    pub fn catalogue(mut self, catalogue: Catalogue) -> Self {
        self.catalogue = catalogue;
        self
    }

    /// Gives each tier this quota.
    pub fn quotas(mut self, quotas: TierQuotas) -> Self {
        self.quotas = quotas;
        self
    }

    /// Flushes usage and windows this often, 1 s unless told; a crash forgets one interval at most.
    pub fn flush_interval(mut self, interval: Duration) -> Self {
        self.flush_interval = interval;
        self
    }

    /// Keeps audit events for this long, a year unless told.
    pub fn audit_retention(mut self, retention: Duration) -> Self {
        self.audit_retention = retention;
        self
    }

    /// Keeps the records of so many keys in memory, a million unless told, 1 at least; an overlap's two values count as two. A
    /// key that has no place is looked up in the store for each decision that finds it evicted.
    ///
    /// What is evicted is what was not asked for lately. It takes nothing from the key: its quota window and what was
    /// counted stay until the window is over and the counts are stored. So beside this many records there is some memory
    /// for each key that was used within its window.
    pub fn cache_capacity(mut self, keys: usize) -> Self {
        self.cache_capacity = keys;
        self
    }

    /// Starts the engine and its background work on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// If there are no random bytes to be had.
    pub fn start(self) -> Result<Engine, StartError> {
        let (flush_interval, audit_retention) = (self.flush_interval, self.audit_retention);
        let core = self.core()?;
        let maintenance = Arc::new(Maintenance::start(&core, flush_interval, audit_retention));
        Ok(Engine { core, maintenance })
    }

    /// What an engine without background work is made of.
    #[cfg(all(test, shuttle))]
    pub(crate) fn start_idle(self) -> (Arc<Core>, Engine) {
        let core = self.core().unwrap();
        (Arc::clone(&core), Engine { core, maintenance: Arc::new(Maintenance::none()) })
    }

    fn core(self) -> Result<Arc<Core>, StartError> {
        let mut writer = [0; 16];
        rand_core::TryRng::try_fill_bytes(&mut self.entropy.draw(), &mut writer)?;
        Ok(Arc::new(Core {
            store: self.store,
            clock: self.clock,
            entropy: self.entropy,
            prefix: self.prefix,
            digester: self.digester,
            catalogue: self.catalogue,
            quotas: self.quotas,
            cache: KeyCache::with_capacity(self.cache_capacity),
            flusher: Flusher::new(u128::from_le_bytes(writer)),
            look_ups: LookUps::new(),
        }))
    }
}
