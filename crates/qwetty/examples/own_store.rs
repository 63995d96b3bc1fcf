//! A store of your own: five small traits. This one keeps everything in memory and counts how often it is asked for a key,
//! which shows that decisions do not ask it each time. Run `qwetty-storage-conformance` on yours before you trust it.
//!
//! `cargo run -p qwetty --example own_store`
#![allow(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use qwetty::{Charge, Engine, VerifyRequest};
use qwetty_authz::{Ask, ChannelId};
use qwetty_keys::{KeyDigest, KeyId, OrganizationId, Timestamp};
use qwetty_storage::*;

#[derive(Default)]
struct CountingStore {
    memory: MemoryStore,
    look_ups: AtomicUsize,
}

#[async_trait]
impl KeyStore for CountingStore {
    async fn find(&self, digest: &KeyDigest) -> Result<Option<FoundKey>, StoreError> {
        self.look_ups.fetch_add(1, Ordering::Relaxed);
        self.memory.find(digest).await
    }

    async fn get(&self, id: KeyId) -> Result<Option<StoredKey>, StoreError> {
        self.memory.get(id).await
    }

    async fn list(&self, query: &KeyQuery) -> Result<Listing<StoredKey>, StoreError> {
        self.memory.list(query).await
    }

    async fn insert(&self, record: &KeyRecord, event: &AuditEvent) -> Result<Insertion, StoreError> {
        self.memory.insert(record, event).await
    }

    async fn replace(
        &self,
        record: &KeyRecord,
        expected: Revision,
        event: &AuditEvent,
    ) -> Result<Written, StoreError> {
        self.memory.replace(record, expected, event).await
    }

    async fn remove(&self, id: KeyId, expected: Revision, event: &AuditEvent) -> Result<Written, StoreError> {
        self.memory.remove(id, expected, event).await
    }
}

/// The other four traits, whose every method does here what the memory does.
macro_rules! as_in_memory {
    ($($trait:ident { $($method:ident($($argument:ident: $type:ty),*) -> $answer:ty;)* })*) => {
        $(#[async_trait]
        impl $trait for CountingStore {
            $(async fn $method(&self, $($argument: $type),*) -> Result<$answer, StoreError> {
                self.memory.$method($($argument),*).await
            })*
        })*
    };
}

as_in_memory! {
    UsageStore {
        record_usage(batch: &UsageBatch) -> ();
        usage(key: KeyId, from: Hour, to: Hour) -> Vec<HourlyCounts>;
        oldest_usage() -> Option<Hour>;
        forget_usage(before: Hour) -> u64;
    }
    DirectoryStore {
        insert_organization(organization: &Organization, event: &AuditEvent) -> ();
        organization(id: OrganizationId) -> Option<Organization>;
        organizations(query: &DirectoryQuery) -> Listing<Organization>;
        replace_organization(organization: &Organization, expected: Revision, event: &AuditEvent) -> Written;
        remove_organization(id: OrganizationId, event: &AuditEvent) -> OrganizationRemoval;
        save_channel(channel: &Channel, expected: Option<Revision>, event: &AuditEvent) -> Written;
        channel(organization: OrganizationId, id: &ChannelId) -> Option<Channel>;
        channels(organization: OrganizationId, query: &DirectoryQuery) -> Listing<Channel>;
        remove_channel(organization: OrganizationId, id: &ChannelId, expected: Revision, event: &AuditEvent) -> Written;
    }
    AuditStore {
        append_event(event: &AuditEvent) -> ();
        events(query: &EventQuery) -> Listing<AuditEvent>;
        oldest_event() -> Option<Timestamp>;
        forget_events(before: Timestamp) -> u64;
    }
    SetupStore {
        setup() -> Setup;
        found(organization: &Organization, root: &KeyRecord, events: &[AuditEvent]) -> Written;
        root_announced() -> ();
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let store = Arc::new(CountingStore::default());
    let engine = Engine::builder(Arc::<CountingStore>::clone(&store)).start()?;
    let root = engine.manager().set_up().await?.ok_or("a new store has nobody in it")?;
    let ask = Ask { address: None, permissions: &["api_keys:verify"], channel: None };
    let request = VerifyRequest { organization: None, ask, charge: Charge::Units(1) };
    for _ in 0..1000 {
        engine.verifier().verify(root.value.expose(), &request).await?;
    }
    println!("1000 decisions, {} look-up", store.look_ups.load(Ordering::Relaxed));
    Ok(())
}
