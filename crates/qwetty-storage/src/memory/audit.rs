use std::cmp::Reverse;

use async_trait::async_trait;
use qwetty_keys::Timestamp;

use super::MemoryStore;
use super::state::page_of;
use crate::{AuditEvent, AuditStore, EventQuery, Listing, StoreError};

#[async_trait]
impl AuditStore for MemoryStore {
    async fn append_event(&self, event: &AuditEvent) -> Result<(), StoreError> {
        self.state().events.push(event.clone());
        Ok(())
    }

    async fn events(&self, query: &EventQuery) -> Result<Listing<AuditEvent>, StoreError> {
        let state = self.state();
        let mut found: Vec<&AuditEvent> = state
            .events
            .iter()
            .filter(|event| {
                event.organization == query.organization
                    && query.key.is_none_or(|key| event.key == Some(key))
                    && query.action.is_none_or(|action| event.action == action)
            })
            .collect();
        found.sort_by_key(|event| Reverse((event.at, event.id)));
        let total = u64::try_from(found.len()).unwrap_or(u64::MAX);
        Ok(Listing { items: page_of(found.into_iter().cloned(), query.page), total })
    }

    async fn oldest_event(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.state().events.iter().map(|event| event.at).min())
    }

    async fn forget_events(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut state = self.state();
        let held = state.events.len();
        state.events.retain(|event| event.at >= before);
        Ok(u64::try_from(held.saturating_sub(state.events.len())).unwrap_or(u64::MAX))
    }
}
