use std::borrow::Cow;
use std::net::IpAddr;

use qwetty_authz::Ask;
use smallvec::SmallVec;

/// What a request needs of the key that it bears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need<'a> {
    pub(super) permissions: SmallVec<[&'a str; 4]>,
    pub(super) channel: Option<Cow<'a, str>>,
}

impl<'a> Need<'a> {
    /// Any usable key will do.
    pub fn any_key() -> Self {
        Self { permissions: SmallVec::new(), channel: None }
    }

    /// A key that holds all of these permissions.
    pub fn all(permissions: impl IntoIterator<Item = &'a str>) -> Self {
        Self { permissions: permissions.into_iter().collect(), channel: None }
    }

    /// And that may act on this channel.
    #[must_use]
    pub fn on_channel(self, channel: impl Into<Cow<'a, str>>) -> Self {
        Self { channel: Some(channel.into()), ..self }
    }

    /// The permissions, all of them; none is any usable key.
    pub fn permissions(&self) -> &[&str] {
        &self.permissions
    }

    /// The channel that the request is about, `None` if it is tied to none. It need not be any channel's id.
    pub fn channel(&self) -> Option<&str> {
        self.channel.as_deref()
    }

    /// The question to the decision, for a client at this address.
    pub fn ask(&self, address: Option<IpAddr>) -> Ask<'_> {
        Ask { address, permissions: &self.permissions, channel: self.channel() }
    }
}
