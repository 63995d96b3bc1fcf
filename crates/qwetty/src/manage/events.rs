use qwetty_authz::administration;
use qwetty_keys::{KeyId, OrganizationId};
use qwetty_storage::{Action, AuditEvent, EventQuery, Listing, Page};

use super::{Caller, KeyManager, ManageError};

/// Which events to list.
#[derive(Debug, Clone)]
pub struct EventList {
    /// Whose log; `None` for the caller's own organization.
    pub organization: Option<OrganizationId>,
    /// Only those about this key, which may be deleted by now.
    pub key: Option<KeyId>,
    /// Only these actions.
    pub action: Option<Action>,
    /// Which part.
    pub page: Page,
}

impl KeyManager {
    /// A page of an organization's audit log, newest first. The log of a deleted organization is an operator's to read.
    ///
    /// # Errors
    ///
    /// [`ManageError::InsufficientPermissions`]; [`ManageError::NotFound`] for an organization that is not the caller's, and for a
    /// key that the organization never had; [`ManageError::Unavailable`].
    pub async fn events(&self, caller: &Caller, list: EventList) -> Result<Listing<AuditEvent>, ManageError> {
        caller.must_hold(&self.core, administration::AUDIT_READ)?;
        let organization = self.log_for(caller, list.organization).await?;
        if let Some(key) = list.key {
            self.must_have_had(organization, key).await?;
        }
        let query = EventQuery { organization, key: list.key, action: list.action, page: list.page };
        Ok(self.core.store.events(&query).await?)
    }

    async fn log_for(
        &self,
        caller: &Caller,
        meant: Option<OrganizationId>,
    ) -> Result<OrganizationId, ManageError> {
        match (self.organization_for(caller, meant).await, meant) {
            (Err(ManageError::NotFound), Some(id)) if caller.is_operator(&self.core) => {
                self.must_be_told_of(id, None).await?;
                Ok(id)
            }
            (found, _) => found,
        }
    }

    /// Another organization's key and one that never was are alike: this one's log knows nothing of them.
    async fn must_have_had(&self, organization: OrganizationId, key: KeyId) -> Result<(), ManageError> {
        let held = self.core.store.get(key).await?;
        if held.is_some_and(|stored| stored.record.organization == organization) {
            return Ok(());
        }
        self.must_be_told_of(organization, Some(key)).await
    }

    async fn must_be_told_of(
        &self,
        organization: OrganizationId,
        key: Option<KeyId>,
    ) -> Result<(), ManageError> {
        let page = Page { offset: 0, limit: 1 };
        let query = EventQuery { organization, key, action: None, page };
        match self.core.store.events(&query).await?.total {
            0 => Err(ManageError::NotFound),
            _ => Ok(()),
        }
    }
}
