use std::collections::BTreeMap;
use std::sync::Arc;

use qwetty_authz::{ChannelId, ChannelScope, administration};
use qwetty_keys::{Name, OrganizationId};
use qwetty_storage::{Action, Channel, ChannelKind, DirectoryQuery, Listing, Revision, Written};
use serde_json::Value;

use super::audit::{Subject, difference, text};
use super::{Caller, KeyManager, ManageError};

/// Channels. All methods may fail with [`ManageError::Unavailable`], and with [`ManageError::NotFound`] for an organization
/// that is not the caller's.
impl KeyManager {
    /// Makes a channel, or changes it if it is there; saving what is there already changes nothing.
    ///
    /// # Errors
    ///
    /// [`ManageError::InsufficientPermissions`], [`ManageError::ChannelNotAllowed`].
    pub async fn save_channel(
        &self,
        caller: &Caller,
        organization: Option<OrganizationId>,
        id: &ChannelId,
        name: Name,
        kind: ChannelKind,
    ) -> Result<Channel, ManageError> {
        caller.must_hold(&self.core, administration::CHANNELS_MANAGE)?;
        let organization = self.organization_for(caller, organization).await?;
        must_reach(caller, organization, id)?;
        loop {
            let before = self.core.store.channel(organization, id).await?;
            let now = self.wall();
            let after = match &before {
                Some(before) if before.name == name && before.kind == kind => return Ok(before.clone()),
                Some(before) => Channel {
                    name: name.clone(),
                    kind,
                    updated_at: now,
                    revision: before.revision.next(),
                    ..before.clone()
                },
                None => Channel {
                    organization,
                    id: id.clone(),
                    name: name.clone(),
                    kind,
                    created_at: now,
                    updated_at: now,
                    revision: Revision::FIRST,
                },
            };
            let expected = before.as_ref().map(|before| before.revision);
            let subject = Subject { organization, key: None, channel: Some(id) };
            let changes = difference(&before.as_ref().map(settings).unwrap_or_default(), &settings(&after));
            let event = self.event(caller, Action::ChannelSaved, subject, changes)?;
            match self.core.store.save_channel(&after, expected, &event).await? {
                Written::Done => return Ok(after),
                // Either somebody else saved it, or the organization is gone.
                Written::Stale => self.must_exist(organization).await?,
            }
        }
    }

    /// A page of an organization's channels; for callers that may read keys, too, since keys are scoped to channels.
    ///
    /// # Errors
    ///
    /// [`ManageError::InsufficientPermissions`].
    pub async fn channels(
        &self,
        caller: &Caller,
        organization: Option<OrganizationId>,
        query: &DirectoryQuery,
    ) -> Result<Listing<Channel>, ManageError> {
        if !caller.holds(&self.core, administration::API_KEYS_READ) {
            caller.must_hold(&self.core, administration::CHANNELS_MANAGE)?;
        }
        let organization = self.organization_for(caller, organization).await?;
        Ok(self.core.store.channels(organization, query).await?)
    }

    /// Deletes a channel. Keys scoped to it stay just as restricted.
    ///
    /// # Errors
    ///
    /// [`ManageError::NotFound`], [`ManageError::InsufficientPermissions`], [`ManageError::ChannelNotAllowed`].
    pub async fn delete_channel(
        &self,
        caller: &Caller,
        organization: Option<OrganizationId>,
        id: &ChannelId,
    ) -> Result<(), ManageError> {
        caller.must_hold(&self.core, administration::CHANNELS_MANAGE)?;
        let organization = self.organization_for(caller, organization).await?;
        must_reach(caller, organization, id)?;
        loop {
            let before = self.core.store.channel(organization, id).await?.ok_or(ManageError::NotFound)?;
            let subject = Subject { organization, key: None, channel: Some(id) };
            let changes = difference(&settings(&before), &BTreeMap::new());
            let event = self.event(caller, Action::ChannelDeleted, subject, changes)?;
            let store = Arc::clone(&self.core.store);
            match store.remove_channel(organization, id, before.revision, &event).await? {
                Written::Done => return Ok(()),
                Written::Stale => {}
            }
        }
    }

    pub(super) async fn must_exist(&self, organization: OrganizationId) -> Result<(), ManageError> {
        self.core.store.organization(organization).await?.map(drop).ok_or(ManageError::NotFound)
    }
}

/// A key scoped to channels reaches those of its own organization alone.
fn must_reach(caller: &Caller, organization: OrganizationId, id: &ChannelId) -> Result<(), ManageError> {
    let Some(key) = caller.verified() else { return Ok(()) };
    let is_own = key.organization() == organization;
    match &key.access().channels {
        ChannelScope::All => Ok(()),
        ChannelScope::Only(channels) if is_own && channels.contains(id.as_str()) => Ok(()),
        ChannelScope::Only(_) => Err(ManageError::ChannelNotAllowed),
    }
}

fn settings(channel: &Channel) -> BTreeMap<&'static str, Value> {
    BTreeMap::from([("name", text(&channel.name)), ("type", text(channel.kind))])
}
