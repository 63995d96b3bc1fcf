//! What a key may do, and the decision whether it may do what is asked.

use std::net::IpAddr;

use crate::{Catalogue, ChannelScope, IpPolicy, PermissionGrant};

/// What a key may do, where, and from where.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Access {
    /// What it may do.
    pub permissions: PermissionGrant,
    /// The channels on which it may do it.
    pub channels: ChannelScope,
    /// The addresses from which it may do it.
    pub networks: IpPolicy,
}

impl Access {
    /// Whether the key may do what is asked: the address first, then the permissions, then the channel. It
    /// allocates nothing.
    ///
    /// # Errors
    ///
    /// The first check that fails.
    pub fn decide(&self, catalogue: &Catalogue, ask: &Ask<'_>) -> Result<(), Refusal> {
        if !self.networks.allows(ask.address) {
            return Err(Refusal::IpNotAllowed);
        }
        if !ask.permissions.iter().all(|name| self.permissions.allows(catalogue, name)) {
            return Err(Refusal::InsufficientPermissions);
        }
        if !ask.channel.is_none_or(|channel| self.channels.allows(channel)) {
            return Err(Refusal::ChannelNotAllowed);
        }
        Ok(())
    }
}

/// What a request asks of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask<'a> {
    /// The client's address, `None` if it is unknown.
    pub address: Option<IpAddr>,
    /// The names of the permissions that the request needs, all of them.
    pub permissions: &'a [&'a str],
    /// The channel that the request is about. `None`, a request tied to no channel, passes every scope: the
    /// service then filters its answer by the scope.
    pub channel: Option<&'a str>,
}

/// Why a key may not do what is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// The client's address is unknown or in none of the key's networks.
    #[error("the client address is not in the key's ip whitelist: add it, or call from a listed address")]
    IpNotAllowed,
    /// The key lacks an asked permission.
    #[error("the key lacks a permission that the request needs: grant it, or use a key that has it")]
    InsufficientPermissions,
    /// The asked channel is not in the key's scope.
    #[error("the channel is not in the key's channel scopes: add it, or use a key that has it")]
    ChannelNotAllowed,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Channels, Network, Networks, PermissionSet};

    fn access() -> Access {
        let permissions = ["chats:read", "messages:send"].map(|name| name.parse().unwrap());
        let networks: Vec<Network> = vec!["192.0.2.0/24".parse().unwrap()];
        Access {
            permissions: PermissionGrant::Only(PermissionSet::from_permissions(permissions).unwrap()),
            channels: ChannelScope::Only(Channels::try_from(vec!["wa-main".parse().unwrap()]).unwrap()),
            networks: IpPolicy::Only(Networks::try_from(networks).unwrap()),
        }
    }

    fn decide(
        access: &Access,
        address: &str,
        permissions: &[&str],
        channel: Option<&str>,
    ) -> Result<(), Refusal> {
        let address = address.parse().ok();
        access.decide(&Catalogue::qwetty(), &Ask { address, permissions, channel })
    }

    #[test]
    fn admits_what_every_check_allows() {
        let access = access();
        assert_eq!(decide(&access, "192.0.2.7", &["chats:read"], Some("wa-main")), Ok(()));
        assert_eq!(decide(&access, "192.0.2.7", &["messages:send", "chats:read"], Some("wa-main")), Ok(()));
        assert_eq!(decide(&access, "::ffff:192.0.2.7", &[], Some("wa-main")), Ok(()));
    }

    #[test]
    fn the_first_check_that_fails_decides() {
        use Refusal::*;
        let access = access();
        let (inside, outside) = ("192.0.2.7", "198.51.100.7");
        for (address, permissions, channel, refusal) in [
            (outside, vec!["audit:read"], Some("web"), IpNotAllowed),
            (outside, vec!["chats:read"], Some("wa-main"), IpNotAllowed),
            ("unknown", vec!["chats:read"], Some("wa-main"), IpNotAllowed),
            (inside, vec!["audit:read"], Some("web"), InsufficientPermissions),
            (inside, vec!["chats:read", "audit:read"], Some("wa-main"), InsufficientPermissions),
            (inside, vec!["chats:read"], Some("web"), ChannelNotAllowed),
            (inside, vec![], Some("web"), ChannelNotAllowed),
        ] {
            assert_eq!(
                decide(&access, address, &permissions, channel),
                Err(refusal),
                "{permissions:?} {channel:?}"
            );
        }
    }

    #[test]
    fn a_request_tied_to_no_channel_passes_every_scope() {
        assert_eq!(decide(&access(), "192.0.2.7", &["chats:read"], None), Ok(()));
    }

    #[test]
    fn an_unrestricted_key_is_still_held_to_the_catalogue() {
        let root = Access {
            permissions: PermissionGrant::All,
            channels: ChannelScope::All,
            networks: IpPolicy::Any,
        };
        assert_eq!(decide(&root, "unknown", &["organizations:manage"], Some("web")), Ok(()));
        assert_eq!(decide(&root, "unknown", &["no:such"], None), Err(Refusal::InsufficientPermissions));
    }
}
