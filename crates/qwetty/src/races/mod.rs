//! The engine's memory under schedules that shuttle makes up: threads change places at each lock, atomic and call of the store.
//!
//! `RUSTFLAGS="--cfg shuttle" cargo test -p qwetty --lib races`, and `QWETTY_RACE_ROUNDS` for more schedules. One that fails is
//! printed, and walked again by the one test with `QWETTY_RACE_SCHEDULE`. Atomics are as good as ordered here (loom is for that),
//! and a call of the limiter is one step; that has models of its own.

mod absent;
mod cache;
mod eviction;
mod look_ups;
mod revocation;
#[path = "../../tests/support/store.rs"]
#[allow(unreachable_pub, dead_code, reason = "it is that of the integration tests")]
mod store;
mod usage;

use std::sync::atomic::{AtomicBool as Flag, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use qwetty_authz::Ask;
use qwetty_keys::{KeyDigest, KeyId, PresentedText, Timestamp};
use qwetty_ratelimit::{Quota, TierQuotas};
use qwetty_storage::{MemoryStore, StoreError};
use shuttle::future::{block_on, yield_now};
use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler};
use shuttle::{Config, Runner};

use self::store::GatedStore;
use crate::engine::Core;
use crate::sync::AtomicU64;
use crate::{
    Caller, Charge, Engine, Entropy, KeyManager, ManualClock, Origin, RootKey, Verdict, Verifier,
    VerifyRequest,
};

/// 2030-01-01T12:00:00Z, when every world begins.
const NOON: Timestamp = Timestamp::from_unix_micros(1_893_499_200_000_000);

/// Schedules of each kind, for each model.
const ROUNDS: usize = 1000;
/// How often, at the most, a thread is made to let others go first though it could go on. Most faults take two.
const DEPTH: usize = 3;

/// Walks a model through schedules: random ones, and such as seldom change threads.
fn check(model: impl Fn() + Send + Sync + 'static) {
    if let Ok(schedule) = std::env::var("QWETTY_RACE_SCHEDULE") {
        Runner::new(ReplayScheduler::new_from_encoded(&schedule), config()).run(model);
        return;
    }
    let rounds = std::env::var("QWETTY_RACE_ROUNDS").map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    let model = Arc::new(model);
    let again = Arc::clone(&model);
    Runner::new(RandomScheduler::new(rounds), config()).run(move || again());
    Runner::new(PctScheduler::new(DEPTH, rounds), config()).run(move || model());
}

/// What a model finds made, so that its schedules have no part in it.
fn prepare<T: Clone + Send + Sync + 'static>(make: impl Fn() -> T + Send + Sync + 'static) -> T {
    let made = Arc::new(OnceLock::new());
    let keep = Arc::clone(&made);
    Runner::new(RandomScheduler::new(1), config()).run(move || drop(keep.set(make())));
    made.get().unwrap().clone()
}

fn config() -> Config {
    let mut config = Config::new();
    // Futures are large where nothing is optimized.
    config.stack_size = 1 << 18;
    config
}

/// An engine without background work, with its root key, over a store that anyone may come between.
struct World {
    core: Arc<Core>,
    verifier: Verifier,
    manager: KeyManager,
    store: Arc<MemoryStore>,
    gates: Arc<Gates>,
    clock: Arc<ManualClock>,
    root: RootKey,
}

impl World {
    fn new() -> Arc<Self> {
        Self::with(1000, "1000/60")
    }

    /// All worlds make the same values.
    fn with(cache_capacity: usize, quota: &str) -> Arc<Self> {
        let (store, gates) = (Arc::new(MemoryStore::new()), Arc::new(Gates::default()));
        let clock = Arc::new(ManualClock::at(NOON));
        let (core, engine) = start(&store, &gates, &clock, cache_capacity, quota);
        let root = block_on(engine.manager().set_up()).unwrap().unwrap();
        let (verifier, manager) = (engine.verifier(), engine.manager());
        Arc::new(Self { core, verifier, manager, store, gates, clock, root })
    }

    /// Who manages the same store in another process, of whom this one hears no more than it is told.
    fn other(&self) -> KeyManager {
        start(&self.store, &Arc::default(), &self.clock, 1, "1/60").1.manager()
    }

    fn ask(&self, value: &str) -> Verdict {
        let ask = Ask { address: None, permissions: &[], channel: None };
        let request = VerifyRequest { organization: None, ask, charge: Charge::Units(1) };
        block_on(self.verifier.verify(value, &request)).unwrap()
    }

    fn admits(&self, value: &str) -> bool {
        matches!(self.ask(value), Verdict::Allow(_))
    }

    fn admits_root(&self) -> bool {
        self.admits(self.root.value.expose())
    }

    fn digest(&self, value: &str) -> KeyDigest {
        let Ok(value) = PresentedText::parse(self.core.prefix, value) else { panic!("it is a key value") };
        self.core.digester.digest(value)
    }

    fn flush(&self) -> Result<(), StoreError> {
        block_on(self.core.flusher.flush(&*self.core.store, self.core.now()))
    }

    /// What is stored of a key's usage: admitted and denied.
    fn stored(&self, id: KeyId) -> (u64, u64) {
        use qwetty_storage::{Hour, UsageStore};
        let (from, to) = (Hour::from_number(0), Hour::of(NOON).plus(100));
        let hours = block_on(self.store.usage(id, from, to)).unwrap();
        hours.iter().fold((0, 0), |(admitted, denied), hour| {
            (admitted + hour.counts.admitted(), denied + hour.counts.denied())
        })
    }
}

fn start(
    store: &Arc<MemoryStore>,
    gates: &Arc<Gates>,
    clock: &Arc<ManualClock>,
    cache_capacity: usize,
    quota: &str,
) -> (Arc<Core>, Engine) {
    let quota: Quota = quota.parse().unwrap();
    let store = GatedStore { inner: Arc::clone(store), gates: Arc::clone(gates), tells_of_changes: false };
    Engine::builder(Arc::new(store))
        .clock(Arc::clone(clock))
        .entropy(Entropy::seeded(7))
        .quotas(TierQuotas { standard: quota, admin: quota })
        .cache_capacity(cache_capacity)
        .start_idle()
}

fn owner() -> Caller {
    Caller::owner(Origin::default())
}

/// The points in the calls of the store at which others may go first.
#[derive(Default)]
struct Gates {
    finds: AtomicUsize,
    found: Gate,
    before_write: Gate,
    after_write: Gate,
    before_usage: Gate,
    after_usage: Gate,
}

impl Gates {
    fn finds(&self) -> usize {
        self.finds.load(Ordering::SeqCst)
    }

    async fn let_others_go_first(&self) {
        step();
    }
}

/// A call that takes a while.
#[derive(Default)]
struct Gate {
    fails: Flag,
}

impl Gate {
    /// Fails the next call that comes here.
    fn fail(&self) {
        self.fails.store(true, Ordering::SeqCst);
    }

    async fn pass(&self) -> Result<(), StoreError> {
        yield_now().await;
        if self.fails.swap(false, Ordering::SeqCst) {
            return Err(StoreError::unavailable("the model says so"));
        }
        Ok(())
    }
}

/// Others may go first.
fn step() {
    AtomicU64::new(0).load(Ordering::SeqCst);
}
