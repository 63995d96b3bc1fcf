use std::sync::Arc;

use qwetty_authz::{Access, PermissionGrant, administration};
use qwetty_keys::{IssuedValue, KeyId, KeyValue, Lifecycle, Overlap, RevocationReason};
use qwetty_storage::{
    Action, AuditEvent, Insertion, KeyQuery, KeyRecord, KeySort, Listing, Revision, StoredKey, UsageTotals,
};

use super::audit::Subject;
use super::change::Change;
use super::commit::digests_of;
use super::{Caller, IssuedKey, KeyList, KeyManager, KeyPatch, KeyView, ManageError, NewKey};

/// Keys. Each method says in its errors what the caller may not do; all of them may fail with
/// [`ManageError::Unavailable`].
impl KeyManager {
    /// Makes a key.
    ///
    /// # Errors
    ///
    /// [`ManageError::NotFound`] for an organization that is not the caller's, [`ManageError::Invalid`],
    /// [`ManageError::ExceedsCaller`].
    pub async fn create(&self, caller: &Caller, new: NewKey) -> Result<IssuedKey, ManageError> {
        caller.must_hold(&self.core, administration::API_KEYS_MANAGE)?;
        let organization = self.organization_for(caller, new.organization).await?;
        self.must_be_valid(organization, &new.wanted()).await?;
        let (value, issued) = self.issue_value()?;
        let now = self.wall();
        let record = KeyRecord {
            id: KeyId::generate(now, &mut self.core.entropy.draw())?,
            organization,
            name: new.name,
            description: new.description,
            access: Access {
                permissions: PermissionGrant::Only(new.permissions),
                channels: new.channels,
                networks: new.networks,
            },
            tier: new.tier,
            lifecycle: Lifecycle::issue(issued, new.expires_at),
            created_at: now,
            updated_at: now,
            created_by: caller.id(),
            revision: Revision::FIRST,
        };
        let event = self.key_event(caller, Action::KeyCreated, None, Some(&record))?;
        if let Some(excess) = self.excess(caller, &record) {
            let subject = Subject { organization, key: None, channel: None };
            return Err(self.refuse(caller, subject, Action::KeyCreated, excess, event.changes).await);
        }
        self.insert(record, event, value).await
    }

    /// One key.
    ///
    /// # Errors
    ///
    /// [`ManageError::NotFound`].
    pub async fn get(&self, caller: &Caller, id: KeyId) -> Result<KeyView, ManageError> {
        if caller.id() != Some(id) {
            caller.must_hold(&self.core, administration::API_KEYS_READ)?;
        }
        let usage = self.core.flusher.view().await;
        let stored = self.core.store.get(id).await?.ok_or(ManageError::NotFound)?;
        self.must_see(caller, &stored.record)?;
        Ok(self.view(stored, &usage))
    }

    /// A page of an organization's keys.
    ///
    /// # Errors
    ///
    /// [`ManageError::NotFound`] for an organization that is not the caller's.
    pub async fn list(&self, caller: &Caller, list: KeyList) -> Result<Listing<KeyView>, ManageError> {
        caller.must_hold(&self.core, administration::API_KEYS_READ)?;
        let organization = self.organization_for(caller, list.organization).await?;
        if matches!(list.sort, KeySort::LastUsedAt | KeySort::RequestCount) {
            // The store sorts by what is flushed.
            self.core.flusher.flush(&*self.core.store, self.core.now()).await?;
        }
        let usage = self.core.flusher.view().await;
        let (now, judged_later) = self.core.cache.judged_later(self.wall());
        let query = KeyQuery {
            organization,
            search: list.search,
            status: list.status,
            now,
            judged_later,
            sort: list.sort,
            order: list.order,
            page: list.page,
        };
        let Listing { items, total } = self.core.store.list(&query).await?;
        let view = |stored: StoredKey| {
            let at = query.judged_at(stored.record.id);
            self.view_at(stored, &usage, at)
        };
        Ok(Listing { items: items.into_iter().map(view).collect(), total })
    }

    /// Changes a key's settings.
    ///
    /// # Errors
    ///
    /// [`ManageError::NotFound`], [`ManageError::Invalid`], [`ManageError::ExceedsCaller`].
    pub async fn update(&self, caller: &Caller, id: KeyId, patch: KeyPatch) -> Result<KeyView, ManageError> {
        self.change(caller, id, Change::Update(patch)).await
    }

    /// Gives a key a new value; the old one dies at once, or when the overlap ends.
    ///
    /// # Errors
    ///
    /// [`ManageError::NotFound`], [`ManageError::ExceedsCaller`], [`ManageError::KeyRevoked`], [`ManageError::KeyExpired`].
    pub async fn regenerate(
        &self,
        caller: &Caller,
        id: KeyId,
        overlap: Overlap,
    ) -> Result<IssuedKey, ManageError> {
        let (value, issued) = self.issue_value()?;
        let key = self.change(caller, id, Change::Regenerate(issued, overlap)).await?;
        Ok(IssuedKey { key, value })
    }

    /// Makes a key unusable; a revoked one stays as it is.
    ///
    /// # Errors
    ///
    /// [`ManageError::NotFound`], [`ManageError::ExceedsCaller`].
    pub async fn revoke(
        &self,
        caller: &Caller,
        id: KeyId,
        reason: Option<RevocationReason>,
    ) -> Result<KeyView, ManageError> {
        self.change(caller, id, Change::Revoke(reason)).await
    }

    /// Makes a revoked key usable again; a usable one stays as it is.
    ///
    /// # Errors
    ///
    /// [`ManageError::NotFound`], [`ManageError::ExceedsCaller`], [`ManageError::KeyExpired`].
    pub async fn reactivate(&self, caller: &Caller, id: KeyId) -> Result<KeyView, ManageError> {
        self.change(caller, id, Change::Reactivate).await
    }

    /// Deletes a key for good; its audit events stay.
    ///
    /// # Errors
    ///
    /// [`ManageError::NotFound`], [`ManageError::ExceedsCaller`].
    pub async fn delete(&self, caller: &Caller, id: KeyId) -> Result<(), ManageError> {
        self.change(caller, id, Change::Delete).await.map(drop)
    }

    /// A new value, and what is stored of it.
    pub(super) fn issue_value(&self) -> Result<(KeyValue, IssuedValue), ManageError> {
        let value = KeyValue::generate(self.core.prefix, &mut self.core.entropy.draw())?;
        let issued = IssuedValue { digest: self.core.digester.digest_value(&value), start: value.start() };
        Ok((value, issued))
    }

    async fn insert(
        &self,
        record: KeyRecord,
        event: AuditEvent,
        value: KeyValue,
    ) -> Result<IssuedKey, ManageError> {
        let digests = digests_of([&record]);
        let store = Arc::clone(&self.core.store);
        let inserted = record.clone();
        let insertion = self.commit(digests, async move { store.insert(&inserted, &event).await }).await?;
        match insertion {
            Insertion::Done => {}
            Insertion::UnknownOrganization => return Err(ManageError::NotFound),
        }
        let usage = self.core.flusher.view().await;
        let key = self.view(StoredKey { record, usage: UsageTotals::default() }, &usage);
        Ok(IssuedKey { key, value })
    }
}
