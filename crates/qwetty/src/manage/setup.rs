use std::sync::Arc;

use qwetty_authz::{Access, ChannelScope, IpPolicy, PermissionGrant};
use qwetty_keys::{IssuedValue, KeyId, KeyValue, Lifecycle, Name, OrganizationId, Overlap, Timestamp};
use qwetty_ratelimit::Tier;
use qwetty_storage::{
    Action, DirectoryQuery, Insertion, KeyRecord, Order, Organization, Page, Revision, Setup, Written,
};

use super::change::Change;
use super::commit::digests_of;
use super::{Caller, KeyManager, ManageError, Origin};

const FIRST_ORGANIZATION: &str = "Default";
const ROOT_NAME: &str = "Root key";

/// The value of a root key that nobody has seen yet.
#[derive(Debug)]
pub struct RootKey {
    /// The key's id.
    pub id: KeyId,
    /// Its value, to be handed to whoever owns the machine.
    pub value: KeyValue,
}

/// The first start, and the way back in.
impl KeyManager {
    /// Makes the first organization and the root key in an empty store, and gives the root key a new value in a store whose root
    /// key nobody is known to have seen. `None` once [`root_announced`](Self::root_announced) was called.
    ///
    /// # Errors
    ///
    /// [`ManageError::Unavailable`], [`ManageError::Entropy`].
    pub async fn set_up(&self) -> Result<Option<RootKey>, ManageError> {
        match self.core.store.setup().await? {
            Setup::Complete => Ok(None),
            Setup::Empty => self.found().await.map(Some),
            Setup::RootUnannounced(id) => self.replace_root(id).await.map(Some),
        }
    }

    /// The root key's value was handed over: no start gives it another one.
    ///
    /// # Errors
    ///
    /// [`ManageError::Unavailable`]; the next start gives the root key a new value then.
    pub async fn root_announced(&self) -> Result<(), ManageError> {
        Ok(self.core.store.root_announced().await?)
    }

    /// Makes another root key, in the oldest organization: the way back in for whoever lost the first.
    ///
    /// # Errors
    ///
    /// [`ManageError::NotFound`] in a store without an organization.
    pub async fn issue_root(&self) -> Result<RootKey, ManageError> {
        let query =
            DirectoryQuery { search: None, order: Order::Ascending, page: Page { offset: 0, limit: 1 } };
        let oldest = self.core.store.organizations(&query).await?.items.into_iter().next();
        let organization = oldest.ok_or(ManageError::NotFound)?.id;
        let (value, issued) = self.issue_value()?;
        let root = self.root_record(organization, issued)?;
        let event =
            self.key_event(&Caller::owner(Origin::default()), Action::KeyCreated, None, Some(&root))?;
        let (id, store) = (root.id, Arc::clone(&self.core.store));
        match self.commit(digests_of([&root]), async move { store.insert(&root, &event).await }).await? {
            Insertion::Done => Ok(RootKey { id, value }),
            Insertion::UnknownOrganization => Err(ManageError::NotFound),
        }
    }

    async fn found(&self) -> Result<RootKey, ManageError> {
        let now = self.wall();
        let organization = Organization {
            id: OrganizationId::generate(now, &mut self.core.entropy.draw())?,
            name: known_name(FIRST_ORGANIZATION)?,
            created_at: now,
            updated_at: now,
            revision: Revision::FIRST,
        };
        let (value, issued) = self.issue_value()?;
        let root = self.root_record(organization.id, issued)?;
        let owner = Caller::owner(Origin::default());
        let events = [
            self.organization_event(&owner, Action::OrganizationCreated, None, Some(&organization))?,
            self.key_event(&owner, Action::KeyCreated, None, Some(&root))?,
        ];
        match self.core.store.found(&organization, &root, &events).await? {
            Written::Done => Ok(RootKey { id: root.id, value }),
            Written::Stale => Err(ManageError::Conflict("the store was set up by somebody else just now")),
        }
    }

    async fn replace_root(&self, id: KeyId) -> Result<RootKey, ManageError> {
        let (value, issued) = self.issue_value()?;
        let owner = Caller::owner(Origin::default());
        match self.change(&owner, id, Change::Regenerate(issued, Overlap::NONE)).await {
            Ok(_) => Ok(RootKey { id, value }),
            // Somebody did see it, and took it away.
            Err(ManageError::NotFound | ManageError::KeyRevoked | ManageError::KeyExpired) => {
                self.issue_root().await
            }
            Err(error) => Err(error),
        }
    }

    fn root_record(
        &self,
        organization: OrganizationId,
        issued: IssuedValue,
    ) -> Result<KeyRecord, ManageError> {
        let now: Timestamp = self.wall();
        Ok(KeyRecord {
            id: KeyId::generate(now, &mut self.core.entropy.draw())?,
            organization,
            name: known_name(ROOT_NAME)?,
            description: None,
            access: Access {
                permissions: PermissionGrant::All,
                channels: ChannelScope::All,
                networks: IpPolicy::Any,
            },
            tier: Tier::Admin,
            lifecycle: Lifecycle::issue(issued, None),
            created_at: now,
            updated_at: now,
            created_by: None,
            revision: Revision::FIRST,
        })
    }
}

fn known_name(text: &'static str) -> Result<Name, ManageError> {
    text.parse().map_err(|_| ManageError::Conflict("a built-in name breaks the rules for names"))
}
