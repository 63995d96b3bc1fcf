use std::sync::Arc;

use futures_util::FutureExt;
use qwetty::{Charge, Engine, Verdict, Verifier, VerifyRequest};
use qwetty_authz::Ask;
use qwetty_keys::KeyValue;
use qwetty_ratelimit::TierQuotas;
use qwetty_storage::{Action, DirectoryStore, Insertion, KeyStore, MemoryStore};
use tokio::runtime::{Builder, Runtime};

use crate::fast_clock::FastClock;
use crate::records::{Key, Records};

/// An engine at work, with its background flush, that has every one of its keys in memory.
pub struct KeysInMemory {
    verifier: Verifier,
    values: Vec<KeyValue>,
    /// Runs the flush; must outlive the bench.
    _runtime: Runtime,
}

impl KeysInMemory {
    /// Starts an engine over `count` keys, each changed by `change` before it is stored.
    pub fn start(
        count: usize,
        clock: FastClock,
        records: &mut Records,
        change: impl FnMut(&mut Key),
    ) -> Self {
        Self::start_under(TierQuotas::default(), count, clock, records, change)
    }

    /// The same, with these quotas.
    pub fn start_under(
        quotas: TierQuotas,
        count: usize,
        clock: FastClock,
        records: &mut Records,
        mut change: impl FnMut(&mut Key),
    ) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
        let store = Arc::new(MemoryStore::default());
        let engine = {
            let _inside = runtime.enter();
            Engine::builder(Arc::clone(&store) as _).clock(clock).quotas(quotas).start().unwrap()
        };
        let values = runtime.block_on(async {
            let organization = records.organization();
            let event = records.event(Action::OrganizationCreated, organization.id, None);
            store.insert_organization(&organization, &event).await.unwrap();
            let mut values = Vec::new();
            for _ in 0..count {
                let mut key = records.key(organization.id);
                change(&mut key);
                let event = records.event(Action::KeyCreated, organization.id, Some(key.record.id));
                assert_eq!(store.insert(&key.record, &event).await.unwrap(), Insertion::Done);
                values.push(key.value);
            }
            values
        });
        let this = Self { verifier: engine.verifier(), values, _runtime: runtime };
        let look = Ask { address: None, permissions: &[], channel: None };
        for value in &this.values {
            let _ = this.verify(value, look, Charge::Nothing);
        }
        this
    }

    /// The values of the keys, in the order in which they were made.
    pub fn values(&self) -> &[KeyValue] {
        &self.values
    }

    /// One decision.
    pub fn verify(&self, value: &KeyValue, ask: Ask<'_>, charge: Charge) -> Verdict {
        self.verify_text(value.expose(), ask, charge)
    }

    /// One decision on whatever a client sent. It never waits, for everything is in memory.
    pub fn verify_text(&self, presented: &str, ask: Ask<'_>, charge: Charge) -> Verdict {
        let request = VerifyRequest { organization: None, ask, charge };
        // As the layers do that stand before a service: without a future where there is nothing to wait for.
        match self.verifier.verify_in_memory(presented, &request) {
            Some(decided) => decided.expect("a decision in memory does not fail"),
            None => self.by_store(presented, &request),
        }
    }

    #[cold]
    fn by_store(&self, presented: &str, request: &VerifyRequest<'_>) -> Verdict {
        let decided = self.verifier.verify(presented, request).now_or_never();
        decided.expect("a store in memory does not wait").expect("a store in memory answers")
    }
}
