use async_trait::async_trait;
use qwetty_authz::ChannelId;
use qwetty_keys::{KeyDigest, KeyId, OrganizationId, Timestamp};

use crate::{
    AuditEvent, ChangeFeed, Channel, DirectoryQuery, EventQuery, FoundKey, Hour, HourlyCounts, KeyQuery,
    KeyRecord, Listing, Organization, Revision, StoreError, StoredKey, UsageBatch,
};

/// What became of a compare-and-swap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Written {
    /// It happened and is durable.
    Done,
    /// Nothing happened: the record is gone, or is at another revision than expected.
    Stale,
}

/// What became of a new key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Insertion {
    /// It is stored and durable.
    Done,
    /// Nothing happened: its organization does not exist.
    UnknownOrganization,
}

/// What became of an organization that was to be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum OrganizationRemoval {
    /// It is gone, and its channels with it.
    Done,
    /// It was not there.
    NotFound,
    /// Nothing happened: it has keys.
    HasKeys,
}

/// How far a new store has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setup {
    /// Nothing was ever stored in it.
    Empty,
    /// It has its first organization and root key, but nobody is known to have seen the root key's value.
    RootUnannounced(KeyId),
    /// The root key's value was handed over.
    Complete,
}

/// Keys, for those who implement a store.
///
/// # Contract
///
/// - **Durable.** What a method answers as done survives a crash and a power loss that follow.
/// - **Atomic.** A change and its audit event are stored together or not at all.
/// - **Fresh.** A read that starts after a change was answered sees it, whoever made it.
/// - **Found by every stored digest.** [`find`](Self::find) leads from the digest of the current value and from that of the
///   previous one to the record, also when the overlap is over: rules are not the store's business.
/// - **Not found is `Ok(None)`**; an error means that the store could not tell.
/// - **An error leaves the outcome of a change open.** Callers read again before they rely on either.
/// - Methods may be called from many tasks at once and must not block the thread that polls them.
#[async_trait]
pub trait KeyStore: Send + Sync + 'static {
    /// The key one of whose stored values has this digest, with its saved window.
    async fn find(&self, digest: &KeyDigest) -> Result<Option<FoundKey>, StoreError>;

    /// The key with this id, of whichever organization.
    async fn get(&self, id: KeyId) -> Result<Option<StoredKey>, StoreError>;

    /// A page of an organization's keys.
    async fn list(&self, query: &KeyQuery) -> Result<Listing<StoredKey>, StoreError>;

    /// Stores a new key and its event. The caller has made sure that id and digests are new.
    async fn insert(&self, record: &KeyRecord, event: &AuditEvent) -> Result<Insertion, StoreError>;

    /// Puts `record` in the place of the record with its id, if that is at revision `expected`. Usage is not touched.
    async fn replace(
        &self,
        record: &KeyRecord,
        expected: Revision,
        event: &AuditEvent,
    ) -> Result<Written, StoreError>;

    /// Removes a key, its usage and its saved window, if it is at revision `expected`. Its audit events stay.
    async fn remove(&self, id: KeyId, expected: Revision, event: &AuditEvent) -> Result<Written, StoreError>;

    /// Tells of changes that others make in the same store; `None` if nobody else can change it.
    fn changes(&self) -> Option<ChangeFeed> {
        None
    }
}

/// Usage and saved windows. The contract of [`KeyStore`] holds, except that a batch need not survive a power loss.
#[async_trait]
pub trait UsageStore: Send + Sync + 'static {
    /// Adds a batch of counts and saves its windows, all or nothing. A batch that was applied before (same writer,
    /// same sequence number) changes nothing and is answered `Ok`. Rows of keys that are gone are dropped.
    async fn record_usage(&self, batch: &UsageBatch) -> Result<(), StoreError>;

    /// A key's counts for the hours from `from` up to and without `to`, oldest first, hours without any left out.
    async fn usage(&self, key: KeyId, from: Hour, to: Hour) -> Result<Vec<HourlyCounts>, StoreError>;

    /// The earliest hour that any key has counts of, if there is one.
    async fn oldest_usage(&self) -> Result<Option<Hour>, StoreError>;

    /// Forgets hourly counts of hours before this one; totals stay. Answers how many it forgot.
    async fn forget_usage(&self, before: Hour) -> Result<u64, StoreError>;
}

/// Organizations and their channels. The contract of [`KeyStore`] holds.
#[async_trait]
pub trait DirectoryStore: Send + Sync + 'static {
    /// Stores a new organization and its event.
    async fn insert_organization(
        &self,
        organization: &Organization,
        event: &AuditEvent,
    ) -> Result<(), StoreError>;

    /// The organization with this id.
    async fn organization(&self, id: OrganizationId) -> Result<Option<Organization>, StoreError>;

    /// A page of all organizations.
    async fn organizations(&self, query: &DirectoryQuery) -> Result<Listing<Organization>, StoreError>;

    /// Puts `organization` in the place of the one with its id, if that is at revision `expected`.
    async fn replace_organization(
        &self,
        organization: &Organization,
        expected: Revision,
        event: &AuditEvent,
    ) -> Result<Written, StoreError>;

    /// Removes an organization that has no keys, and its channels. Its log stays.
    async fn remove_organization(
        &self,
        id: OrganizationId,
        event: &AuditEvent,
    ) -> Result<OrganizationRemoval, StoreError>;

    /// Stores a channel: a new one if `expected` is `None`, else in the place of the one at that revision.
    /// [`Written::Stale`] also if its organization does not exist.
    async fn save_channel(
        &self,
        channel: &Channel,
        expected: Option<Revision>,
        event: &AuditEvent,
    ) -> Result<Written, StoreError>;

    /// An organization's channel with this id.
    async fn channel(
        &self,
        organization: OrganizationId,
        id: &ChannelId,
    ) -> Result<Option<Channel>, StoreError>;

    /// A page of an organization's channels.
    async fn channels(
        &self,
        organization: OrganizationId,
        query: &DirectoryQuery,
    ) -> Result<Listing<Channel>, StoreError>;

    /// Removes a channel if it is at revision `expected`. Keys scoped to it stay scoped to it.
    async fn remove_channel(
        &self,
        organization: OrganizationId,
        id: &ChannelId,
        expected: Revision,
        event: &AuditEvent,
    ) -> Result<Written, StoreError>;
}

/// The audit log. The contract of [`KeyStore`] holds.
#[async_trait]
pub trait AuditStore: Send + Sync + 'static {
    /// Writes an event that goes with no change: an attempt that was refused.
    async fn append_event(&self, event: &AuditEvent) -> Result<(), StoreError>;

    /// A page of an organization's log, newest first, ties by id.
    async fn events(&self, query: &EventQuery) -> Result<Listing<AuditEvent>, StoreError>;

    /// When the earliest event of all logs was, if there is one.
    async fn oldest_event(&self) -> Result<Option<Timestamp>, StoreError>;

    /// Forgets events before this instant. Answers how many it forgot.
    async fn forget_events(&self, before: Timestamp) -> Result<u64, StoreError>;
}

/// The first start. The contract of [`KeyStore`] holds.
#[async_trait]
pub trait SetupStore: Send + Sync + 'static {
    /// How far the store has got.
    async fn setup(&self) -> Result<Setup, StoreError>;

    /// Stores the first organization and the root key, with their events, in a store that is [`Setup::Empty`], and leaves
    /// it [`Setup::RootUnannounced`]. [`Written::Stale`] if it was not empty.
    async fn found(
        &self,
        organization: &Organization,
        root: &KeyRecord,
        events: &[AuditEvent],
    ) -> Result<Written, StoreError>;

    /// Writes down that the root key's value was handed over: [`Setup::Complete`].
    async fn root_announced(&self) -> Result<(), StoreError>;
}

/// Everything that the engine stores.
pub trait Store: KeyStore + UsageStore + DirectoryStore + AuditStore + SetupStore {}

impl<T: KeyStore + UsageStore + DirectoryStore + AuditStore + SetupStore> Store for T {}
