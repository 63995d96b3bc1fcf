//! The networks that a key may be used from.

use std::net::IpAddr;
use std::sync::Arc;

use crate::Network;
use crate::address_set::AddressSet;
use crate::distinct::distinct;

/// The addresses that a key may be used from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum IpPolicy {
    /// Every address, and an unknown one.
    Any,
    /// The addresses of these networks.
    Only(Networks),
}

impl IpPolicy {
    /// Whether the key may be used from this address; `None` is an unknown one, which no list has.
    pub fn allows(&self, address: Option<IpAddr>) -> bool {
        match self {
            Self::Any => true,
            Self::Only(networks) => address.is_some_and(|address| networks.contains(address)),
        }
    }

    /// No list covers `Any`, not even one of every network: `Any` allows an unknown address.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) => true,
            (Self::Only(_), Self::Any) => false,
            (Self::Only(mine), Self::Only(theirs)) => AddressSet::of(theirs).is_subset(&AddressSet::of(mine)),
        }
    }
}

/// 1 to 100 networks, each once, in the order in which they were given. A clone shares them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Networks(Arc<[Network]>);

impl Networks {
    const MOST: usize = 100;

    /// Whether the address is in any of the networks. An IPv4-mapped IPv6 address is the IPv4 address that it
    /// means.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// Every network, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Network> {
        self.0.iter()
    }
}

impl TryFrom<Vec<Network>> for Networks {
    type Error = NetworksError;

    /// Collapses duplicates before it counts. Networks that lie within another one stay as they are.
    fn try_from(networks: Vec<Network>) -> Result<Self, NetworksError> {
        if networks.is_empty() {
            return Err(NetworksError::Empty);
        }
        distinct(networks, Self::MOST).map(|kept| Self(kept.into())).ok_or(NetworksError::TooMany)
    }
}

/// Why a list of networks is no whitelist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworksError {
    /// The list is empty.
    #[error("the list of networks is empty: name at least one, or give null for every address")]
    Empty,
    /// The list has more than 100 different networks.
    #[error("the list has more than 100 networks: name 100 at most, or give null for every address")]
    TooMany,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(texts: &[&str]) -> Networks {
        Networks::try_from(texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<Network>>()).unwrap()
    }

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn an_empty_list_is_refused() {
        assert_eq!(Networks::try_from(vec![]), Err(NetworksError::Empty));
    }

    #[test]
    fn keeps_the_order_of_the_input_and_collapses_what_is_the_same_network() {
        let kept = networks(&["10.0.0.2", "10.0.0.0/24", "::ffff:10.0.0.2", "10.0.0.2/32"]);
        assert_eq!(kept.iter().map(ToString::to_string).collect::<Vec<_>>(), ["10.0.0.2", "10.0.0.0/24"]);
    }

    #[test]
    fn takes_100_after_collapsing_and_refuses_one_more() {
        let list =
            |count: usize| (0..count).map(|n| format!("10.0.0.{n}").parse().unwrap()).collect::<Vec<_>>();
        let doubled = [list(100), list(100)].concat();
        assert_eq!(Networks::try_from(doubled).unwrap().iter().count(), 100);
        assert_eq!(Networks::try_from(list(101)), Err(NetworksError::TooMany));
    }

    #[test]
    fn a_list_allows_the_addresses_of_each_of_its_networks() {
        let policy = IpPolicy::Only(networks(&["192.0.2.1", "10.0.0.0/8", "2001:db8::/32"]));
        for inside in ["192.0.2.1", "10.255.0.1", "2001:db8::1", "::ffff:10.1.1.1", "::ffff:192.0.2.1"] {
            assert!(policy.allows(address(inside)), "{inside}");
        }
        for outside in ["192.0.2.2", "11.0.0.0", "2001:db9::", "::", "::10.1.1.1"] {
            assert!(!policy.allows(address(outside)), "{outside}");
        }
    }

    #[test]
    fn an_unknown_address_passes_only_an_unrestricted_policy() {
        assert!(IpPolicy::Any.allows(None));
        assert!(!IpPolicy::Only(networks(&["0.0.0.0/0", "::/0"])).allows(None));
    }

    #[test]
    fn any_covers_every_list_and_no_list_covers_any() {
        let everything = IpPolicy::Only(networks(&["0.0.0.0/0", "::/0"]));
        assert!(IpPolicy::Any.covers(&IpPolicy::Any));
        assert!(IpPolicy::Any.covers(&everything));
        assert!(!everything.covers(&IpPolicy::Any));
    }

    #[test]
    fn lists_cover_each_other_as_sets_of_addresses() {
        let covers = |mine: &[&str], theirs: &[&str]| {
            IpPolicy::Only(networks(mine)).covers(&IpPolicy::Only(networks(theirs)))
        };
        assert!(covers(&["10.0.0.0/8"], &["10.1.0.0/16", "10.2.3.4"]));
        assert!(covers(&["10.0.0.0/25", "10.0.0.128/25"], &["10.0.0.0/24"]));
        assert!(covers(&["10.0.0.128/25", "192.0.2.1", "10.0.0.0/25"], &["10.0.0.0/24"]));
        assert!(covers(&["0.0.0.0/1", "128.0.0.0/1"], &["0.0.0.0/0"]));
        assert!(covers(&["::/1", "8000::/1"], &["::/0"]));
        assert!(!covers(&["10.0.0.0/25", "10.0.0.192/26"], &["10.0.0.0/24"]));
        assert!(!covers(&["10.0.0.0/24"], &["10.0.0.0/24", "10.0.1.0"]));
        assert!(!covers(&["10.0.0.0/24"], &["10.0.0.0/23"]));
        assert!(!covers(&["::/0"], &["10.0.0.0/24"]));
        assert!(!covers(&["0.0.0.0/0"], &["::10.0.0.0/120"]));
    }
}
