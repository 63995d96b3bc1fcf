use std::collections::BTreeMap;

use qwetty_authz::administration;
use qwetty_keys::{Name, OrganizationId};
use qwetty_storage::{
    Action, AuditEvent, DirectoryQuery, Listing, Organization, OrganizationRemoval, Revision, Written,
};
use serde_json::Value;

use super::audit::{Subject, difference, text};
use super::{Caller, KeyManager, ManageError};

/// Organizations, for operators. All methods may fail with [`ManageError::InsufficientPermissions`] and
/// [`ManageError::Unavailable`].
impl KeyManager {
    /// Makes an organization.
    ///
    /// # Errors
    ///
    /// As said above.
    pub async fn create_organization(
        &self,
        caller: &Caller,
        name: Name,
    ) -> Result<Organization, ManageError> {
        caller.must_hold(&self.core, administration::ORGANIZATIONS_MANAGE)?;
        let now = self.wall();
        let organization = Organization {
            id: OrganizationId::generate(now, &mut self.core.entropy.draw())?,
            name,
            created_at: now,
            updated_at: now,
            revision: Revision::FIRST,
        };
        let event =
            self.organization_event(caller, Action::OrganizationCreated, None, Some(&organization))?;
        self.core.store.insert_organization(&organization, &event).await?;
        Ok(organization)
    }

    /// One organization.
    ///
    /// # Errors
    ///
    /// [`ManageError::NotFound`].
    pub async fn organization(
        &self,
        caller: &Caller,
        id: OrganizationId,
    ) -> Result<Organization, ManageError> {
        caller.must_hold(&self.core, administration::ORGANIZATIONS_MANAGE)?;
        self.core.store.organization(id).await?.ok_or(ManageError::NotFound)
    }

    /// A page of all organizations.
    ///
    /// # Errors
    ///
    /// As said above.
    pub async fn organizations(
        &self,
        caller: &Caller,
        query: &DirectoryQuery,
    ) -> Result<Listing<Organization>, ManageError> {
        caller.must_hold(&self.core, administration::ORGANIZATIONS_MANAGE)?;
        Ok(self.core.store.organizations(query).await?)
    }

    /// Renames an organization.
    ///
    /// # Errors
    ///
    /// [`ManageError::NotFound`].
    pub async fn rename_organization(
        &self,
        caller: &Caller,
        id: OrganizationId,
        name: Name,
    ) -> Result<Organization, ManageError> {
        loop {
            let before = self.organization(caller, id).await?;
            if before.name == name {
                return Ok(before);
            }
            let after = Organization {
                name: name.clone(),
                updated_at: self.wall(),
                revision: before.revision.next(),
                ..before.clone()
            };
            let action = Action::OrganizationUpdated;
            let event = self.organization_event(caller, action, Some(&before), Some(&after))?;
            match self.core.store.replace_organization(&after, before.revision, &event).await? {
                Written::Done => return Ok(after),
                Written::Stale => {}
            }
        }
    }

    /// Deletes an organization that has no keys, and its channels.
    ///
    /// # Errors
    ///
    /// [`ManageError::NotFound`]; [`ManageError::Conflict`] if it has keys.
    pub async fn delete_organization(&self, caller: &Caller, id: OrganizationId) -> Result<(), ManageError> {
        let before = self.organization(caller, id).await?;
        let event = self.organization_event(caller, Action::OrganizationDeleted, Some(&before), None)?;
        match self.core.store.remove_organization(id, &event).await? {
            OrganizationRemoval::Done => Ok(()),
            OrganizationRemoval::NotFound => Err(ManageError::NotFound),
            OrganizationRemoval::HasKeys => {
                Err(ManageError::Conflict("the organization has keys; delete them first"))
            }
        }
    }

    pub(super) fn organization_event(
        &self,
        caller: &Caller,
        action: Action,
        before: Option<&Organization>,
        after: Option<&Organization>,
    ) -> Result<AuditEvent, ManageError> {
        let organization =
            after.or(before).map(|organization| organization.id).ok_or(ManageError::NotFound)?;
        let subject = Subject { organization, key: None, channel: None };
        let changes =
            difference(&before.map(settings).unwrap_or_default(), &after.map(settings).unwrap_or_default());
        self.event(caller, action, subject, changes)
    }
}

fn settings(organization: &Organization) -> BTreeMap<&'static str, Value> {
    BTreeMap::from([("name", text(&organization.name))])
}
