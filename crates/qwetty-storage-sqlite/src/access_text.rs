//! What a key may do, as text: names separated by spaces, or [`ALL`].

use std::fmt::Display;
use std::str::FromStr;

use qwetty_authz::{ChannelScope, Channels, IpPolicy, Networks, PermissionGrant, PermissionSet};

/// Stands for everything. It is no permission, no channel id and no network, and it is never what is left when
/// something is missing: the empty text means nothing at all.
const ALL: &str = "*";

pub(crate) fn of_permissions(permissions: &PermissionGrant) -> String {
    match permissions {
        PermissionGrant::All => ALL.to_owned(),
        PermissionGrant::Only(set) => join(set.iter()),
    }
}

pub(crate) fn of_channels(channels: &ChannelScope) -> String {
    match channels {
        ChannelScope::All => ALL.to_owned(),
        ChannelScope::Only(channels) => join(channels.iter()),
    }
}

pub(crate) fn of_networks(networks: &IpPolicy) -> String {
    match networks {
        IpPolicy::Any => ALL.to_owned(),
        IpPolicy::Only(networks) => join(networks.iter()),
    }
}

/// `None` if the text is not one that [`of_permissions`] makes; likewise below.
pub(crate) fn to_permissions(text: &str) -> Option<PermissionGrant> {
    if text == ALL {
        return Some(PermissionGrant::All);
    }
    PermissionSet::from_permissions(split(text)?).map(PermissionGrant::Only)
}

pub(crate) fn to_channels(text: &str) -> Option<ChannelScope> {
    if text == ALL {
        return Some(ChannelScope::All);
    }
    Channels::try_from(split(text)?).ok().map(ChannelScope::Only)
}

pub(crate) fn to_networks(text: &str) -> Option<IpPolicy> {
    if text == ALL {
        return Some(IpPolicy::Any);
    }
    Networks::try_from(split(text)?).ok().map(IpPolicy::Only)
}

fn join(items: impl Iterator<Item = impl Display>) -> String {
    let mut text = String::new();
    for item in items {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&item.to_string());
    }
    text
}

fn split<T: FromStr>(text: &str) -> Option<Vec<T>> {
    text.split(' ').map(|item| item.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_read_back_as_they_were_written() {
        for text in ["*", "chats:read", "chats:read messages:send"] {
            assert_eq!(of_permissions(&to_permissions(text).unwrap()), text);
        }
        for text in ["*", "support", "support b.2 a"] {
            assert_eq!(of_channels(&to_channels(text).unwrap()), text);
        }
        for text in ["*", "10.0.0.0/8", "192.0.2.1 2001:db8::/32"] {
            assert_eq!(of_networks(&to_networks(text).unwrap()), text);
        }
    }

    #[test]
    fn a_damaged_text_never_means_everything() {
        for text in
            ["", " ", "**", "* *", "* chats:read", "chats:read ", "chats:read  messages:send", "10.0.0.1/8"]
        {
            assert_eq!(to_permissions(text), None, "{text:?}");
            assert_eq!(to_networks(text), None, "{text:?}");
        }
        for text in ["", " ", "**", "* *", "a ", "a b/c"] {
            assert_eq!(to_channels(text), None, "{text:?}");
        }
    }
}
