use qwetty_authz::{Axis, ChannelScope, administration};
use qwetty_keys::{KeyId, OrganizationId, Timestamp};
use qwetty_storage::{KeyRecord, StoreError};

use super::{Caller, Excess, FieldFault, KeyManager, ManageError, Wanted};
use crate::grants::grants_of;

/// The rules on who may do what to which key, and on what a key may be asked to hold.
impl KeyManager {
    /// Every rule of the contract's field table that these settings break and that their own types cannot hold.
    ///
    /// # Errors
    ///
    /// The store's, if it cannot tell which channels there are.
    pub async fn faults(
        &self,
        organization: OrganizationId,
        wanted: &Wanted,
    ) -> Result<Vec<FieldFault>, StoreError> {
        // What was sent is not repeated: it may be a key value in the wrong place. Its position is told.
        let mut faults = Vec::new();
        for (index, permission) in &wanted.permissions {
            if !self.core.catalogue.contains(permission.as_str()) {
                faults.push(FieldFault {
                    field: format!("permissions[{index}]"),
                    message: "is not in the catalogue; GET /permissions lists what is".to_owned(),
                });
            }
        }
        for (index, channel) in &wanted.channels {
            if self.core.store.channel(organization, channel).await?.is_none() {
                faults.push(FieldFault {
                    field: format!("channelScopes[{index}]"),
                    message: "is not a channel of the organization; GET /channels lists what is".to_owned(),
                });
            }
        }
        if wanted.expires_at.is_some_and(|at| at <= self.wall()) {
            faults.push(expiry_fault());
        }
        Ok(faults)
    }

    /// The organization that a caller means: its own, or any if it is an operator. Another's does not exist for it.
    ///
    /// # Errors
    ///
    /// [`ManageError::NotFound`], or the store's.
    pub async fn organization_for(
        &self,
        caller: &Caller,
        meant: Option<OrganizationId>,
    ) -> Result<OrganizationId, ManageError> {
        let id = meant.or(caller.organization()).ok_or(ManageError::NotFound)?;
        if caller.organization() == Some(id) {
            return Ok(id);
        }
        if !caller.is_operator(&self.core) || self.core.store.organization(id).await?.is_none() {
            return Err(ManageError::NotFound);
        }
        Ok(id)
    }

    /// The organization of a key that the caller may change.
    ///
    /// # Errors
    ///
    /// [`ManageError::InsufficientPermissions`], [`ManageError::NotFound`], or the store's.
    pub async fn organization_of(&self, caller: &Caller, id: KeyId) -> Result<OrganizationId, ManageError> {
        caller.must_hold(&self.core, administration::API_KEYS_MANAGE)?;
        let stored = self.core.store.get(id).await?.ok_or(ManageError::NotFound)?;
        self.must_see(caller, &stored.record)?;
        Ok(stored.record.organization)
    }

    /// Whether the caller may know of this key at all.
    pub(super) fn must_see(&self, caller: &Caller, record: &KeyRecord) -> Result<(), ManageError> {
        if caller.organization() == Some(record.organization) || caller.is_operator(&self.core) {
            Ok(())
        } else {
            Err(ManageError::NotFound)
        }
    }

    /// Nobody grants what they lack: the axis on which a key, as it is or will be, exceeds the caller. To ask is no attempt,
    /// so it leaves no event.
    pub fn excess(&self, caller: &Caller, after: &KeyRecord) -> Option<Excess> {
        let mine = caller.grants();
        let exceeded = mine.covers(&grants_of(after)).err();
        // A channel's id means another channel in another organization.
        let is_foreign = caller.organization().is_some_and(|own| own != after.organization);
        let is_scoped = matches!(mine.access.channels, ChannelScope::Only(_));
        exceeded.or((is_foreign && is_scoped).then_some(Axis::Channels)).map(Excess::Axis)
    }

    /// Whether this is an operator's key.
    pub(super) fn is_operators(&self, record: &KeyRecord) -> bool {
        record.access.permissions.allows(&self.core.catalogue, administration::ORGANIZATIONS_MANAGE)
    }

    /// Input that breaks a rule is refused as a whole.
    pub(super) async fn must_be_valid(
        &self,
        organization: OrganizationId,
        wanted: &Wanted,
    ) -> Result<(), ManageError> {
        let faults = self.faults(organization, wanted).await?;
        if faults.is_empty() { Ok(()) } else { Err(ManageError::Invalid(faults)) }
    }

    /// How late it is, for rules that do not depend on one key.
    pub(super) fn wall(&self) -> Timestamp {
        self.core.now().wall
    }
}

pub(super) fn expiry_fault() -> FieldFault {
    FieldFault {
        field: "expiresAt".to_owned(),
        message: "must be later than now; null means never".to_owned(),
    }
}
