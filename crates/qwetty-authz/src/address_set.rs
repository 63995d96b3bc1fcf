//! Networks as the set of their addresses.

use std::net::Ipv4Addr;

use ipnetwork::IpNetwork;

use crate::{Network, Networks};

/// The addresses of a list of networks, as ranges in ascending order with a gap between any two.
///
/// All addresses stand on one line, IPv4 where IPv6 has its mapped form. A mapped address is its IPv4 one
/// wherever a client is judged, so an IPv6 network that spans the mapped block does not have the addresses of
/// the block.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct AddressSet(Vec<Range>);

/// From the first address to the last, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Range {
    first: u128,
    last: u128,
}

impl AddressSet {
    pub(crate) fn of(networks: &Networks) -> Self {
        let mut ranges: Vec<Range> = networks.iter().flat_map(ranges).collect();
        ranges.sort_unstable();
        let mut merged: Vec<Range> = Vec::with_capacity(ranges.len());
        for range in ranges {
            match merged.last_mut() {
                Some(before) if range.first <= before.last.saturating_add(1) => {
                    before.last = before.last.max(range.last);
                }
                _ => merged.push(range),
            }
        }
        Self(merged)
    }

    /// Whether every address of this set is in the other one too. The gaps make it enough that each range
    /// lies within a single one of the other set.
    pub(crate) fn is_subset(&self, other: &Self) -> bool {
        self.0
            .iter()
            .all(|inner| other.0.iter().any(|outer| outer.first <= inner.first && inner.last <= outer.last))
    }
}

/// Where IPv4 stands (RFC 4291, section 2.5.5.2).
const MAPPED: Range = Range { first: mapped(Ipv4Addr::UNSPECIFIED), last: mapped(Ipv4Addr::BROADCAST) };

const fn mapped(address: Ipv4Addr) -> u128 {
    address.to_ipv6_mapped().to_bits()
}

fn ranges(network: &Network) -> impl Iterator<Item = Range> {
    let pieces = match network.inner() {
        IpNetwork::V4(v4) => {
            [Some(Range { first: mapped(v4.network()), last: mapped(v4.broadcast()) }), None]
        }
        IpNetwork::V6(v6) => {
            let (first, last) = (v6.network().to_bits(), v6.broadcast().to_bits());
            let below = Range { first, last: last.min(MAPPED.first - 1) };
            let above = Range { first: first.max(MAPPED.last + 1), last };
            [Some(below), Some(above)]
        }
    };
    pieces.into_iter().flatten().filter(|piece| piece.first <= piece.last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(texts: &[&str]) -> AddressSet {
        AddressSet::of(
            &texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<_>>().try_into().unwrap(),
        )
    }

    #[test]
    fn the_order_overlap_and_cut_of_the_networks_do_not_matter() {
        let whole = set(&["10.0.0.0/24"]);
        for same in [
            vec!["10.0.0.128/25", "10.0.0.0/25"],
            vec!["10.0.0.7", "10.0.0.0/24", "10.0.0.255"],
            vec!["10.0.0.0/26", "10.0.0.128/25", "10.0.0.64/26", "10.0.0.0/25"],
        ] {
            assert_eq!(set(&same), whole, "{same:?}");
        }
        assert_ne!(set(&["10.0.0.0/25", "10.0.0.192/26"]), whole);
        assert_ne!(set(&["::10.0.0.0/120"]), whole);
    }

    #[test]
    fn the_ends_of_the_line_do_not_overflow() {
        let everything = set(&["::/0", "0.0.0.0/0"]);
        assert_eq!(everything.0, [Range { first: 0, last: u128::MAX }]);
        assert!(set(&["::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]).is_subset(&everything));
        assert!(!everything.is_subset(&set(&["::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"])));
    }

    #[test]
    fn ipv6_around_the_mapped_block_does_not_have_its_addresses() {
        assert!(!set(&["0.0.0.0/0"]).is_subset(&set(&["::/0"])));
        assert!(!set(&["255.255.255.255"]).is_subset(&set(&["::fffe:0:0/95"])));
        assert_eq!(set(&["::fffe:0:0/95"]), set(&["::fffe:0:0/96"]));
    }
}
