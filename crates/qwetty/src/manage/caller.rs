use std::net::IpAddr;

use qwetty_authz::{Access, ChannelScope, Grants, IpPolicy, PermissionGrant, administration};
use qwetty_keys::{KeyId, OrganizationId};
use qwetty_storage::Actor;

use super::ManageError;
use crate::engine::Core;
use crate::verdict::VerifiedKey;

/// Who asks for something, and from where.
#[derive(Debug, Clone)]
pub struct Caller {
    authority: Authority,
    pub(super) origin: Origin,
}

#[derive(Debug, Clone)]
enum Authority {
    Key(Box<VerifiedKey>),
    Owner,
}

/// Where a call came from, for the audit log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The client's address.
    pub address: Option<IpAddr>,
    /// The request's id.
    pub request_id: Option<String>,
}

impl Caller {
    /// The holder of a key that was just verified.
    pub fn key(key: VerifiedKey, origin: Origin) -> Self {
        Self { authority: Authority::Key(Box::new(key)), origin }
    }

    /// Whoever owns the machine, or the service that embeds the engine and answers for its own users: may do everything,
    /// and stands in the audit log without an actor.
    pub fn owner(origin: Origin) -> Self {
        Self { authority: Authority::Owner, origin }
    }

    /// The caller's key, if it is one.
    pub fn verified(&self) -> Option<&VerifiedKey> {
        match &self.authority {
            Authority::Key(key) => Some(key),
            Authority::Owner => None,
        }
    }

    pub(super) fn id(&self) -> Option<KeyId> {
        self.verified().map(VerifiedKey::id)
    }

    pub(super) fn actor(&self) -> Option<Actor> {
        self.verified().map(|key| Actor { key: key.id(), name: key.name().clone() })
    }

    pub(super) fn organization(&self) -> Option<OrganizationId> {
        self.verified().map(VerifiedKey::organization)
    }

    pub(super) fn grants(&self) -> Grants {
        match &self.authority {
            Authority::Key(key) => key.grants(),
            Authority::Owner => Grants {
                access: Access {
                    permissions: PermissionGrant::All,
                    channels: ChannelScope::All,
                    networks: IpPolicy::Any,
                },
                tier_rank: u8::MAX,
                expires_at: None,
            },
        }
    }

    pub(super) fn holds(&self, core: &Core, permission: &str) -> bool {
        match &self.authority {
            Authority::Key(key) => key.access().permissions.allows(&core.catalogue, permission),
            Authority::Owner => true,
        }
    }

    pub(super) fn is_operator(&self, core: &Core) -> bool {
        self.holds(core, administration::ORGANIZATIONS_MANAGE)
    }

    pub(super) fn must_hold(&self, core: &Core, permission: &'static str) -> Result<(), ManageError> {
        if self.holds(core, permission) {
            Ok(())
        } else {
            Err(ManageError::InsufficientPermissions { permission })
        }
    }
}
