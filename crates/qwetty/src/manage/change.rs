use std::sync::Arc;

use qwetty_authz::{PermissionGrant, administration};
use qwetty_keys::{
    IssuedValue, KeyDigest, KeyId, LifecycleError, Overlap, RevocationReason, Timestamp, Transition,
};
use qwetty_storage::{Action, Changes, KeyRecord, StoredKey, Written};

use super::audit::{Subject, difference};
use super::commit::digests_of;
use super::{Caller, Excess, KeyManager, KeyPatch, KeyView, ManageError};

/// One change of one key.
pub(super) enum Change {
    Update(KeyPatch),
    Regenerate(IssuedValue, Overlap),
    Revoke(Option<RevocationReason>),
    /// Revokes a key as long as this is the digest of one of its values.
    RevokeLeaked(KeyDigest, Option<RevocationReason>),
    Reactivate,
    Delete,
}

/// What a change comes to for the record as it stands.
enum Step {
    Keep,
    Replace(Box<KeyRecord>),
    Remove,
}

impl Change {
    const fn action(&self) -> Action {
        match self {
            Self::Update(_) => Action::KeyUpdated,
            Self::Regenerate(..) => Action::KeyRegenerated,
            Self::Revoke(_) | Self::RevokeLeaked(..) => Action::KeyRevoked,
            Self::Reactivate => Action::KeyReactivated,
            Self::Delete => Action::KeyDeleted,
        }
    }
}

impl KeyManager {
    /// Plans the change on the record as it is and swaps it in; if somebody else was faster, plans it anew.
    pub(super) async fn change(
        &self,
        caller: &Caller,
        id: KeyId,
        change: Change,
    ) -> Result<KeyView, ManageError> {
        caller.must_hold(&self.core, administration::API_KEYS_MANAGE)?;
        loop {
            let usage = self.core.flusher.view().await;
            let stored = self.core.store.get(id).await?.ok_or(ManageError::NotFound)?;
            let before = &stored.record;
            self.must_see(caller, before)?;
            let after = match self.plan(caller, before, &change).await? {
                Step::Keep => return Ok(self.view(stored, &usage)),
                Step::Replace(after) => Some(*after),
                Step::Remove => None,
            };
            match self.swap(caller, change.action(), before, after.as_ref()).await? {
                Written::Done => {}
                Written::Stale => continue,
            }
            let record = after.unwrap_or(stored.record);
            return Ok(self.view(StoredKey { record, usage: stored.usage }, &usage));
        }
    }

    async fn plan(&self, caller: &Caller, before: &KeyRecord, change: &Change) -> Result<Step, ManageError> {
        let at = self.judged_at(before);
        self.must_be_permitted(caller, before, change).await?;
        let lifecycle = before.lifecycle.clone();
        let after = match change {
            Change::Update(patch) => {
                self.must_be_valid(before.organization, &patch.wanted()).await?;
                let after = patched(before.clone(), patch.clone(), at)?;
                self.must_cover(caller, before, &after, change).await?;
                if after == *before {
                    return Ok(Step::Keep);
                }
                after
            }
            Change::Regenerate(issued, overlap) => {
                self.must_cover(caller, before, before, change).await?;
                KeyRecord { lifecycle: lifecycle.regenerate(at, *issued, *overlap)?, ..before.clone() }
            }
            // The value may have been taken away since it was looked up: its key is no longer in danger then.
            Change::RevokeLeaked(digest, _) if lifecycle.which(digest, at).is_none() => {
                return Ok(Step::Keep);
            }
            Change::Revoke(reason) | Change::RevokeLeaked(_, reason) => {
                match lifecycle.revoke(at, reason.clone()) {
                    Transition::Unchanged(_) => return Ok(Step::Keep),
                    Transition::Changed(lifecycle) => KeyRecord { lifecycle, ..before.clone() },
                }
            }
            Change::Reactivate => {
                self.must_cover(caller, before, before, change).await?;
                match lifecycle.reactivate(at)? {
                    Transition::Unchanged(_) => return Ok(Step::Keep),
                    Transition::Changed(lifecycle) => KeyRecord { lifecycle, ..before.clone() },
                }
            }
            Change::Delete => return Ok(Step::Remove),
        };
        Ok(Step::replace(after, at))
    }

    /// Rules that go by who the caller is, not by what it holds.
    async fn must_be_permitted(
        &self,
        caller: &Caller,
        before: &KeyRecord,
        change: &Change,
    ) -> Result<(), ManageError> {
        let may_be_own = matches!(change, Change::Regenerate(..) | Change::Revoke(_));
        let excess = if caller.id() == Some(before.id) && !may_be_own {
            Excess::OwnKey
        } else if self.is_operators(before) && !caller.is_operator(&self.core) {
            Excess::OperatorKey
        } else {
            return Ok(());
        };
        Err(self.refuse_change(caller, before, change, excess).await)
    }

    /// Nobody grants what they lack: the key, as it will be, is covered by the caller.
    async fn must_cover(
        &self,
        caller: &Caller,
        before: &KeyRecord,
        after: &KeyRecord,
        change: &Change,
    ) -> Result<(), ManageError> {
        match self.excess(caller, after) {
            None => Ok(()),
            Some(excess) => Err(self.refuse_change(caller, before, change, excess).await),
        }
    }

    async fn refuse_change(
        &self,
        caller: &Caller,
        before: &KeyRecord,
        change: &Change,
        excess: Excess,
    ) -> ManageError {
        let attempted = match change {
            Change::Update(patch) => patched(before.clone(), patch.clone(), self.judged_at(before))
                .map(|after| difference(&self.settings(before), &self.settings(&after)))
                .unwrap_or_default(),
            _ => Changes::new(),
        };
        self.refuse(caller, Subject::key(before), change.action(), excess, attempted).await
    }

    async fn swap(
        &self,
        caller: &Caller,
        action: Action,
        before: &KeyRecord,
        after: Option<&KeyRecord>,
    ) -> Result<Written, ManageError> {
        let event = self.key_event(caller, action, Some(before), after)?;
        let digests = digests_of([before].into_iter().chain(after));
        let (core, forgotten) = (Arc::clone(&self.core), digests.clone());
        let (id, expected) = (before.id, before.revision);
        let after = after.cloned();
        let written = self.commit(digests, async move {
            match after {
                Some(record) => core.store.replace(&record, expected, &event).await,
                None => {
                    let written = core.store.remove(id, expected, &event).await?;
                    if written == Written::Done {
                        core.cache.drop_key(id, &forgotten);
                    }
                    Ok(written)
                }
            }
        });
        Ok(written.await?)
    }
}

impl Step {
    fn replace(record: KeyRecord, at: Timestamp) -> Self {
        Self::Replace(Box::new(KeyRecord { updated_at: at, revision: record.revision.next(), ..record }))
    }
}

impl From<LifecycleError> for ManageError {
    fn from(error: LifecycleError) -> Self {
        match error {
            LifecycleError::Revoked => Self::KeyRevoked,
            LifecycleError::Expired => Self::KeyExpired,
            LifecycleError::ExpiryNotInFuture => Self::Invalid(vec![super::law::expiry_fault()]),
        }
    }
}

fn patched(record: KeyRecord, patch: KeyPatch, at: Timestamp) -> Result<KeyRecord, LifecycleError> {
    let KeyRecord { name, description, mut access, tier, mut lifecycle, .. } = record.clone();
    if let Some(permissions) = patch.permissions {
        access.permissions = PermissionGrant::Only(permissions);
    }
    if let Some(channels) = patch.channels {
        access.channels = channels;
    }
    if let Some(networks) = patch.networks {
        access.networks = networks;
    }
    if let Some(expires_at) = patch.expires_at {
        lifecycle = lifecycle.reschedule(at, expires_at)?;
    }
    Ok(KeyRecord {
        name: patch.name.unwrap_or(name),
        description: patch.description.unwrap_or(description),
        tier: patch.tier.unwrap_or(tier),
        access,
        lifecycle,
        ..record
    })
}
