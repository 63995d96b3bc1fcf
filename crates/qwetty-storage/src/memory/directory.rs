use async_trait::async_trait;
use qwetty_authz::ChannelId;
use qwetty_keys::OrganizationId;

use super::MemoryStore;
use super::state::page_of;
use crate::{
    AuditEvent, Channel, DirectoryQuery, DirectoryStore, Listing, Order, Organization, OrganizationRemoval,
    Revision, StoreError, Written,
};

#[async_trait]
impl DirectoryStore for MemoryStore {
    async fn insert_organization(
        &self,
        organization: &Organization,
        event: &AuditEvent,
    ) -> Result<(), StoreError> {
        let mut state = self.state();
        state.organizations.insert(organization.id, organization.clone());
        state.events.push(event.clone());
        Ok(())
    }

    async fn organization(&self, id: OrganizationId) -> Result<Option<Organization>, StoreError> {
        Ok(self.state().organizations.get(&id).cloned())
    }

    async fn organizations(&self, query: &DirectoryQuery) -> Result<Listing<Organization>, StoreError> {
        let state = self.state();
        let found = state.organizations.values().filter(|organization| {
            query.search.as_ref().is_none_or(|search| search.matches(organization.name.as_str()))
        });
        Ok(sorted(found.collect(), query, |organization| (organization.created_at, organization.id)))
    }

    async fn replace_organization(
        &self,
        organization: &Organization,
        expected: Revision,
        event: &AuditEvent,
    ) -> Result<Written, StoreError> {
        let mut state = self.state();
        match state.organizations.get_mut(&organization.id) {
            Some(stored) if stored.revision == expected => stored.clone_from(organization),
            _ => return Ok(Written::Stale),
        }
        state.events.push(event.clone());
        Ok(Written::Done)
    }

    async fn remove_organization(
        &self,
        id: OrganizationId,
        event: &AuditEvent,
    ) -> Result<OrganizationRemoval, StoreError> {
        let mut state = self.state();
        if !state.organizations.contains_key(&id) {
            return Ok(OrganizationRemoval::NotFound);
        }
        if state.keys.values().any(|entry| entry.record.organization == id) {
            return Ok(OrganizationRemoval::HasKeys);
        }
        state.organizations.remove(&id);
        state.channels.retain(|(organization, _), _| *organization != id);
        state.events.push(event.clone());
        Ok(OrganizationRemoval::Done)
    }

    async fn save_channel(
        &self,
        channel: &Channel,
        expected: Option<Revision>,
        event: &AuditEvent,
    ) -> Result<Written, StoreError> {
        let mut state = self.state();
        let place = (channel.organization, channel.id.clone());
        let stored = state.channels.get(&place).map(|stored| stored.revision);
        if stored != expected || !state.organizations.contains_key(&channel.organization) {
            return Ok(Written::Stale);
        }
        state.channels.insert(place, channel.clone());
        state.events.push(event.clone());
        Ok(Written::Done)
    }

    async fn channel(
        &self,
        organization: OrganizationId,
        id: &ChannelId,
    ) -> Result<Option<Channel>, StoreError> {
        Ok(self.state().channels.get(&(organization, id.clone())).cloned())
    }

    async fn channels(
        &self,
        organization: OrganizationId,
        query: &DirectoryQuery,
    ) -> Result<Listing<Channel>, StoreError> {
        let state = self.state();
        let found = state.channels.values().filter(|channel| {
            channel.organization == organization
                && query.search.as_ref().is_none_or(|search| {
                    search.matches(channel.name.as_str()) || search.matches(channel.id.as_str())
                })
        });
        Ok(sorted(found.collect(), query, |channel| (channel.created_at, channel.id.clone())))
    }

    async fn remove_channel(
        &self,
        organization: OrganizationId,
        id: &ChannelId,
        expected: Revision,
        event: &AuditEvent,
    ) -> Result<Written, StoreError> {
        let mut state = self.state();
        let place = (organization, id.clone());
        if state.channels.get(&place).is_none_or(|stored| stored.revision != expected) {
            return Ok(Written::Stale);
        }
        state.channels.remove(&place);
        state.events.push(event.clone());
        Ok(Written::Done)
    }
}

/// The page of these that a query asks for, in the order of `key`.
fn sorted<T: Clone, K: Ord>(mut found: Vec<&T>, query: &DirectoryQuery, key: impl Fn(&T) -> K) -> Listing<T> {
    found.sort_by_key(|item| key(item));
    if query.order == Order::Descending {
        found.reverse();
    }
    let total = u64::try_from(found.len()).unwrap_or(u64::MAX);
    Listing { items: page_of(found.into_iter().cloned(), query.page), total }
}
