use std::cmp::Ordering;

use async_trait::async_trait;
use qwetty_keys::{KeyDigest, KeyId, Status};

use super::MemoryStore;
use super::state::{Entry, page_of};
use crate::{
    AuditEvent, ChangeFeed, FoundKey, Insertion, KeyQuery, KeyRecord, KeySort, KeyStore, Listing, Order,
    Revision, StoreError, StoredKey, Written, fold,
};

/// How many changes a feed holds for an owner who is behind.
const FEED_CAPACITY: usize = 1024;

#[async_trait]
impl KeyStore for MemoryStore {
    async fn find(&self, digest: &KeyDigest) -> Result<Option<FoundKey>, StoreError> {
        let state = self.state();
        let entry = state.digests.get(digest).and_then(|id| state.keys.get(id));
        Ok(entry.map(|entry| FoundKey { record: entry.record.clone(), window: entry.window.clone() }))
    }

    async fn get(&self, id: KeyId) -> Result<Option<StoredKey>, StoreError> {
        Ok(self.state().keys.get(&id).map(Entry::stored))
    }

    async fn list(&self, query: &KeyQuery) -> Result<Listing<StoredKey>, StoreError> {
        let state = self.state();
        let mut entries: Vec<&Entry> = state.keys.values().filter(|entry| entry.matches(query)).collect();
        entries.sort_by(|a, b| a.compare(b, query.sort, query.order));
        let total = u64::try_from(entries.len()).unwrap_or(u64::MAX);
        Ok(Listing { items: page_of(entries.into_iter().map(Entry::stored), query.page), total })
    }

    async fn insert(&self, record: &KeyRecord, event: &AuditEvent) -> Result<Insertion, StoreError> {
        let mut state = self.state();
        if !state.organizations.contains_key(&record.organization) {
            return Ok(Insertion::UnknownOrganization);
        }
        state.put_key(record.clone());
        state.events.push(event.clone());
        Ok(Insertion::Done)
    }

    async fn replace(
        &self,
        record: &KeyRecord,
        expected: Revision,
        event: &AuditEvent,
    ) -> Result<Written, StoreError> {
        let mut state = self.state();
        let Some(entry) = state.keys.get_mut(&record.id).filter(|entry| entry.record.revision == expected)
        else {
            return Ok(Written::Stale);
        };
        let before = std::mem::replace(&mut entry.record, record.clone());
        for digest in before.lifecycle.digests() {
            state.digests.remove(digest);
        }
        for digest in record.lifecycle.digests() {
            state.digests.insert(*digest, record.id);
        }
        state.tell(record, Some(&before));
        state.events.push(event.clone());
        Ok(Written::Done)
    }

    async fn remove(&self, id: KeyId, expected: Revision, event: &AuditEvent) -> Result<Written, StoreError> {
        let mut state = self.state();
        if state.keys.get(&id).is_none_or(|entry| entry.record.revision != expected) {
            return Ok(Written::Stale);
        }
        if let Some(entry) = state.keys.remove(&id) {
            for digest in entry.record.lifecycle.digests() {
                state.digests.remove(digest);
            }
            state.tell(&entry.record, None);
        }
        state.events.push(event.clone());
        Ok(Written::Done)
    }

    fn changes(&self) -> Option<ChangeFeed> {
        let (sender, feed) = async_channel::bounded(FEED_CAPACITY);
        self.state().feeds.push(sender);
        Some(feed)
    }
}

impl Entry {
    fn stored(&self) -> StoredKey {
        StoredKey { record: self.record.clone(), usage: self.usage }
    }

    fn matches(&self, query: &KeyQuery) -> bool {
        let record = &self.record;
        record.organization == query.organization
            && query
                .status
                .is_none_or(|status: Status| record.lifecycle.status(query.judged_at(record.id)) == status)
            && query.search.as_ref().is_none_or(|search| {
                search.matches(record.name.as_str())
                    || record.description.as_ref().is_some_and(|text| search.matches(text.as_str()))
                    || search.matches(record.lifecycle.current().start.as_str())
            })
    }

    fn compare(&self, other: &Self, sort: KeySort, order: Order) -> Ordering {
        let by_value = match sort {
            KeySort::CreatedAt => directed(self.record.created_at.cmp(&other.record.created_at), order),
            KeySort::Name => {
                directed(fold(self.record.name.as_str()).cmp(&fold(other.record.name.as_str())), order)
            }
            KeySort::ExpiresAt => {
                nulls_last(self.record.lifecycle.expires_at(), other.record.lifecycle.expires_at(), order)
            }
            KeySort::LastUsedAt => nulls_last(self.usage.last_used_at, other.usage.last_used_at, order),
            KeySort::RequestCount => {
                directed(self.usage.request_count.cmp(&other.usage.request_count), order)
            }
        };
        by_value.then_with(|| directed(self.record.id.cmp(&other.record.id), order))
    }
}

fn directed(ordering: Ordering, order: Order) -> Ordering {
    match order {
        Order::Ascending => ordering,
        Order::Descending => ordering.reverse(),
    }
}

fn nulls_last<T: Ord>(a: Option<T>, b: Option<T>, order: Order) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => directed(a.cmp(&b), order),
        (a, b) => a.is_none().cmp(&b.is_none()),
    }
}
