use async_trait::async_trait;

use super::MemoryStore;
use crate::{AuditEvent, KeyRecord, Organization, Setup, SetupStore, StoreError, Written};

#[async_trait]
impl SetupStore for MemoryStore {
    async fn setup(&self) -> Result<Setup, StoreError> {
        Ok(self.state().setup)
    }

    async fn found(
        &self,
        organization: &Organization,
        root: &KeyRecord,
        events: &[AuditEvent],
    ) -> Result<Written, StoreError> {
        let mut state = self.state();
        if state.setup != Setup::Empty {
            return Ok(Written::Stale);
        }
        state.organizations.insert(organization.id, organization.clone());
        state.put_key(root.clone());
        state.events.extend_from_slice(events);
        state.setup = Setup::RootUnannounced(root.id);
        Ok(Written::Done)
    }

    async fn root_announced(&self) -> Result<(), StoreError> {
        self.state().setup = Setup::Complete;
        Ok(())
    }
}
