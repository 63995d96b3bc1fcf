use std::fmt;
use std::str::FromStr;

use qwetty_authz::ChannelId;
use qwetty_keys::{Name, OrganizationId, Timestamp};
use thiserror::Error;

use crate::{Page, Revision, Search};

/// Who owns keys and channels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Its id, for good.
    pub id: OrganizationId,
    /// What people call it.
    pub name: Name,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its name last changed.
    pub updated_at: Timestamp,
    /// Counts the record's replacements.
    pub revision: Revision,
}

/// What a channel speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChannelKind {
    /// WhatsApp.
    Whatsapp,
    /// Instagram.
    Instagram,
    /// The chat on a web page.
    WebChat,
}

impl ChannelKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Whatsapp, Self::Instagram, Self::WebChat];

    /// The name on the wire and in a store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Whatsapp => "whatsapp",
            Self::Instagram => "instagram",
            Self::WebChat => "web_chat",
        }
    }
}

impl fmt::Display for ChannelKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is no channel kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be one of whatsapp, instagram, web_chat")]
pub struct UnknownChannelKind;

impl FromStr for ChannelKind {
    type Err = UnknownChannelKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(UnknownChannelKind)
    }
}

/// One of an organization's channels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// The organization that it belongs to, for good.
    pub organization: OrganizationId,
    /// Its id within the organization, for good.
    pub id: ChannelId,
    /// What people call it.
    pub name: Name,
    /// What it speaks.
    pub kind: ChannelKind,
    /// When it was first saved.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Counts the record's replacements.
    pub revision: Revision,
}

/// Which organizations, or which of an organization's channels, oldest or newest first.
#[derive(Debug, Clone)]
pub struct DirectoryQuery {
    /// Only those whose name, or channel id, contains this.
    pub search: Option<Search>,
    /// By `created_at`, ties by id.
    pub order: crate::Order,
    /// Which part of them.
    pub page: Page,
}
