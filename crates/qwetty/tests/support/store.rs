use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use qwetty_authz::ChannelId;
use qwetty_keys::{KeyDigest, KeyId, OrganizationId, Timestamp};
use qwetty_storage::{
    AuditEvent, AuditStore, ChangeFeed, Channel, DirectoryQuery, DirectoryStore, EventQuery, FoundKey, Hour,
    HourlyCounts, Insertion, KeyQuery, KeyRecord, KeyStore, Listing, Organization, OrganizationRemoval,
    Revision, Setup, SetupStore, Store, StoreError, StoredKey, UsageBatch, UsageStore, Written,
};

use super::Gates;

/// A store that others may hold too, whose calls pass through [`Gates`].
pub struct GatedStore<S> {
    pub inner: Arc<S>,
    pub gates: Arc<Gates>,
    pub tells_of_changes: bool,
}

#[async_trait]
impl<S: Store> KeyStore for GatedStore<S> {
    async fn find(&self, digest: &KeyDigest) -> Result<Option<FoundKey>, StoreError> {
        self.gates.finds.fetch_add(1, Ordering::SeqCst);
        self.gates.let_others_go_first().await;
        let found = self.inner.find(digest).await;
        self.gates.let_others_go_first().await;
        self.gates.found.pass().await?;
        found
    }

    async fn get(&self, id: KeyId) -> Result<Option<StoredKey>, StoreError> {
        self.gates.let_others_go_first().await;
        let stored = self.inner.get(id).await;
        self.gates.let_others_go_first().await;
        stored
    }

    async fn list(&self, query: &KeyQuery) -> Result<Listing<StoredKey>, StoreError> {
        self.inner.list(query).await
    }

    async fn insert(&self, record: &KeyRecord, event: &AuditEvent) -> Result<Insertion, StoreError> {
        self.gates.before_write.pass().await?;
        let insertion = self.inner.insert(record, event).await;
        self.gates.after_write.pass().await?;
        insertion
    }

    async fn replace(
        &self,
        record: &KeyRecord,
        expected: Revision,
        event: &AuditEvent,
    ) -> Result<Written, StoreError> {
        self.gates.let_others_go_first().await;
        self.gates.before_write.pass().await?;
        let written = self.inner.replace(record, expected, event).await;
        self.gates.let_others_go_first().await;
        self.gates.after_write.pass().await?;
        written
    }

    async fn remove(&self, id: KeyId, expected: Revision, event: &AuditEvent) -> Result<Written, StoreError> {
        self.gates.let_others_go_first().await;
        self.gates.before_write.pass().await?;
        let written = self.inner.remove(id, expected, event).await;
        self.gates.let_others_go_first().await;
        self.gates.after_write.pass().await?;
        written
    }

    fn changes(&self) -> Option<ChangeFeed> {
        self.tells_of_changes.then(|| self.inner.changes()).flatten()
    }
}

#[async_trait]
impl<S: Store> UsageStore for GatedStore<S> {
    async fn record_usage(&self, batch: &UsageBatch) -> Result<(), StoreError> {
        self.gates.before_usage.pass().await?;
        let recorded = self.inner.record_usage(batch).await;
        self.gates.after_usage.pass().await?;
        recorded
    }

    async fn usage(&self, key: KeyId, from: Hour, to: Hour) -> Result<Vec<HourlyCounts>, StoreError> {
        self.inner.usage(key, from, to).await
    }

    async fn oldest_usage(&self) -> Result<Option<Hour>, StoreError> {
        self.inner.oldest_usage().await
    }

    async fn forget_usage(&self, before: Hour) -> Result<u64, StoreError> {
        self.inner.forget_usage(before).await
    }
}

#[async_trait]
impl<S: Store> DirectoryStore for GatedStore<S> {
    async fn insert_organization(
        &self,
        organization: &Organization,
        event: &AuditEvent,
    ) -> Result<(), StoreError> {
        self.inner.insert_organization(organization, event).await
    }

    async fn organization(&self, id: OrganizationId) -> Result<Option<Organization>, StoreError> {
        self.inner.organization(id).await
    }

    async fn organizations(&self, query: &DirectoryQuery) -> Result<Listing<Organization>, StoreError> {
        self.inner.organizations(query).await
    }

    async fn replace_organization(
        &self,
        organization: &Organization,
        expected: Revision,
        event: &AuditEvent,
    ) -> Result<Written, StoreError> {
        self.inner.replace_organization(organization, expected, event).await
    }

    async fn remove_organization(
        &self,
        id: OrganizationId,
        event: &AuditEvent,
    ) -> Result<OrganizationRemoval, StoreError> {
        self.inner.remove_organization(id, event).await
    }

    async fn save_channel(
        &self,
        channel: &Channel,
        expected: Option<Revision>,
        event: &AuditEvent,
    ) -> Result<Written, StoreError> {
        self.inner.save_channel(channel, expected, event).await
    }

    async fn channel(
        &self,
        organization: OrganizationId,
        id: &ChannelId,
    ) -> Result<Option<Channel>, StoreError> {
        self.inner.channel(organization, id).await
    }

    async fn channels(
        &self,
        organization: OrganizationId,
        query: &DirectoryQuery,
    ) -> Result<Listing<Channel>, StoreError> {
        self.inner.channels(organization, query).await
    }

    async fn remove_channel(
        &self,
        organization: OrganizationId,
        id: &ChannelId,
        expected: Revision,
        event: &AuditEvent,
    ) -> Result<Written, StoreError> {
        self.inner.remove_channel(organization, id, expected, event).await
    }
}

#[async_trait]
impl<S: Store> AuditStore for GatedStore<S> {
    async fn append_event(&self, event: &AuditEvent) -> Result<(), StoreError> {
        self.inner.append_event(event).await
    }

    async fn events(&self, query: &EventQuery) -> Result<Listing<AuditEvent>, StoreError> {
        self.inner.events(query).await
    }

    async fn oldest_event(&self) -> Result<Option<Timestamp>, StoreError> {
        self.inner.oldest_event().await
    }

    async fn forget_events(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.inner.forget_events(before).await
    }
}

#[async_trait]
impl<S: Store> SetupStore for GatedStore<S> {
    async fn setup(&self) -> Result<Setup, StoreError> {
        self.inner.setup().await
    }

    async fn found(
        &self,
        organization: &Organization,
        root: &KeyRecord,
        events: &[AuditEvent],
    ) -> Result<Written, StoreError> {
        self.inner.found(organization, root, events).await
    }

    async fn root_announced(&self) -> Result<(), StoreError> {
        self.inner.root_announced().await
    }
}
