use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use qwetty_authz::ChannelId;
use qwetty_keys::{EventId, KeyId, Name, OrganizationId, Timestamp};
use serde_json::Value;

use crate::Page;

/// What was done, or refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// A key was made.
    KeyCreated,
    /// A key's settings changed.
    KeyUpdated,
    /// A key got a new value.
    KeyRegenerated,
    /// A key was revoked.
    KeyRevoked,
    /// A revoked key was made usable again.
    KeyReactivated,
    /// A key was deleted.
    KeyDeleted,
    /// A caller tried to grant what it lacks.
    KeyGrantRefused,
    /// A channel was made or changed.
    ChannelSaved,
    /// A channel was deleted.
    ChannelDeleted,
    /// An organization was made.
    OrganizationCreated,
    /// An organization was renamed.
    OrganizationUpdated,
    /// An organization was deleted.
    OrganizationDeleted,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 12] = [
        Self::KeyCreated,
        Self::KeyUpdated,
        Self::KeyRegenerated,
        Self::KeyRevoked,
        Self::KeyReactivated,
        Self::KeyDeleted,
        Self::KeyGrantRefused,
        Self::ChannelSaved,
        Self::ChannelDeleted,
        Self::OrganizationCreated,
        Self::OrganizationUpdated,
        Self::OrganizationDeleted,
    ];

    /// The name on the wire and in a store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::KeyCreated => "key.created",
            Self::KeyUpdated => "key.updated",
            Self::KeyRegenerated => "key.regenerated",
            Self::KeyRevoked => "key.revoked",
            Self::KeyReactivated => "key.reactivated",
            Self::KeyDeleted => "key.deleted",
            Self::KeyGrantRefused => "key.grant_refused",
            Self::ChannelSaved => "channel.saved",
            Self::ChannelDeleted => "channel.deleted",
            Self::OrganizationCreated => "organization.created",
            Self::OrganizationUpdated => "organization.updated",
            Self::OrganizationDeleted => "organization.deleted",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Action {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|action| action.as_str() == text).ok_or(())
    }
}

/// Who did it: the caller's key, with the name that it had then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The caller's key.
    pub key: KeyId,
    /// Its name at the time.
    pub name: Name,
}

/// The old and the new value of one field, as the field is written on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What it was; null if there was none.
    pub from: Value,
    /// What it became; null if there is none.
    pub to: Value,
}

/// Old and new values by field name.
pub type Changes = BTreeMap<String, Change>;

/// One line of the audit log. It outlives whatever it tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// Its id.
    pub id: EventId,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub action: Action,
    /// Who did it; `None` for whoever owns the machine.
    pub actor: Option<Actor>,
    /// In whose log it stands.
    pub organization: OrganizationId,
    /// The key that it is about.
    pub key: Option<KeyId>,
    /// The channel that it is about.
    pub channel: Option<ChannelId>,
    /// The address that the caller came from.
    pub address: Option<IpAddr>,
    /// The request that did it.
    pub request_id: Option<String>,
    /// What changed.
    pub changes: Changes,
}

/// Which events of an organization's log, newest first.
#[derive(Debug, Clone)]
pub struct EventQuery {
    /// Whose log.
    pub organization: OrganizationId,
    /// Only those about this key.
    pub key: Option<KeyId>,
    /// Only these actions.
    pub action: Option<Action>,
    /// Which part.
    pub page: Page,
}
