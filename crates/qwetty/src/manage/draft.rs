use qwetty_authz::{ChannelId, ChannelScope, IpPolicy, Permission, PermissionSet};
use qwetty_keys::{Description, Name, OrganizationId, Status, Timestamp};
use qwetty_ratelimit::Tier;
use qwetty_storage::{KeySort, Order, Page, Search};

/// A key to be made.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// Whose it is to be; `None` for the caller's own organization.
    pub organization: Option<OrganizationId>,
    /// What people call it.
    pub name: Name,
    /// What people say of it.
    pub description: Option<Description>,
    /// What it may do.
    pub permissions: PermissionSet,
    /// On which channels.
    pub channels: ChannelScope,
    /// From where.
    pub networks: IpPolicy,
    /// Until when; `None` for ever.
    pub expires_at: Option<Timestamp>,
    /// With which quota.
    pub tier: Tier,
}

/// What is to change of a key; `None` leaves a setting as it is.
#[derive(Debug, Clone, Default)]
pub struct KeyPatch {
    /// A new name.
    pub name: Option<Name>,
    /// A new description, or none.
    pub description: Option<Option<Description>>,
    /// Other permissions.
    pub permissions: Option<PermissionSet>,
    /// Other channels.
    pub channels: Option<ChannelScope>,
    /// Other networks.
    pub networks: Option<IpPolicy>,
    /// Another expiry, or none.
    pub expires_at: Option<Option<Timestamp>>,
    /// Another tier.
    pub tier: Option<Tier>,
}

/// Those settings of a draft whose rules need more than the setting itself to judge.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Each must be in the catalogue. With its position in the list as it was sent, by which a fault names it.
    pub permissions: Vec<(usize, Permission)>,
    /// Each must be one of the organization's. With its position in the list as it was sent.
    pub channels: Vec<(usize, ChannelId)>,
    /// Must be later than now.
    pub expires_at: Option<Timestamp>,
}

impl NewKey {
    pub(super) fn wanted(&self) -> Wanted {
        wanted(Some(&self.permissions), Some(&self.channels), self.expires_at)
    }
}

impl KeyPatch {
    pub(super) fn wanted(&self) -> Wanted {
        wanted(self.permissions.as_ref(), self.channels.as_ref(), self.expires_at.flatten())
    }
}

fn wanted(
    permissions: Option<&PermissionSet>,
    channels: Option<&ChannelScope>,
    expires_at: Option<Timestamp>,
) -> Wanted {
    let channels = match channels {
        None | Some(ChannelScope::All) => Vec::new(),
        Some(ChannelScope::Only(channels)) => channels.iter().cloned().enumerate().collect(),
    };
    let permissions = permissions.map(|set| set.iter().cloned().enumerate().collect()).unwrap_or_default();
    Wanted { permissions, channels, expires_at }
}

/// Which keys to list.
#[derive(Debug, Clone)]
pub struct KeyList {
    /// Whose; `None` for the caller's own organization.
    pub organization: Option<OrganizationId>,
    /// Only those whose name, description or start contains this.
    pub search: Option<Search>,
    /// Only those with this status.
    pub status: Option<Status>,
    /// What to sort by.
    pub sort: KeySort,
    /// Which way.
    pub order: Order,
    /// Which part.
    pub page: Page,
}
