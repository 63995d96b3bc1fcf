//! The laws of grants, against naive models.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::FileFailurePersistence;
use qwetty_authz::{
    Access, Ask, Catalogue, ChannelId, ChannelScope, Channels, Grants, IpPolicy, Network, Networks,
    Permission, PermissionGrant, PermissionSet,
};
use time::{Duration, OffsetDateTime};

const PERMISSIONS: [&str; 4] = ["chats:read", "messages:send", "api_keys:manage", "organizations:manage"];
const CHANNELS: [&str; 3] = ["wa-main", "wa", "WEB"];

fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    }
}

// Values: few and close together, so that they meet.

/// Addresses at which networks of these tests begin, in each family and around the IPv4-mapped block.
fn base() -> impl Strategy<Value = IpAddr> {
    let v4 = select(vec![0, 0x0a00_0000, 0x0a00_0080, 0x7fff_ff00, u32::MAX])
        .prop_flat_map(|base: u32| (0..=255_u32).prop_map(move |low| base.wrapping_add(low)))
        .prop_map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits)));
    let v6 =
        select(vec![0, 0x2001_0db8 << 96, 0xffff_0000_0000, 0xfffe_ffff_ff00, 0x1_0000_0000_0000, u128::MAX])
            .prop_flat_map(|base: u128| (0..=255_u128).prop_map(move |low| base.wrapping_add(low)))
            .prop_map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits)));
    prop_oneof![2 => v4, 2 => v6, 1 => any::<IpAddr>()]
}

/// A network, and the address and prefix length that it was written with.
fn written_network() -> impl Strategy<Value = (Network, IpAddr, u8)> {
    base()
        .prop_flat_map(|address| {
            let bits: u8 = if address.is_ipv4() { 32 } else { 128 };
            (
                Just(address),
                prop_oneof![3 => bits - 8..=bits, 1 => 0..=bits, 1 => Just(0), 1 => Just(bits - 32)],
            )
        })
        .prop_map(|(address, prefix)| {
            let first = first_of(address, prefix);
            (format!("{first}/{prefix}").parse().unwrap(), first, prefix)
        })
}

fn network() -> impl Strategy<Value = Network> {
    written_network().prop_map(|(network, ..)| network)
}

fn networks() -> impl Strategy<Value = Networks> {
    proptest::collection::vec(network(), 1..5).prop_map(|list| list.try_into().unwrap())
}

fn grants() -> impl Strategy<Value = Grants> {
    let permissions = prop_oneof![
        1 => Just(PermissionGrant::All),
        3 => subsequence(&PERMISSIONS, 1..=4).prop_map(|names| permissions(&names)),
    ];
    let channels = prop_oneof![
        1 => Just(ChannelScope::All),
        3 => subsequence(&CHANNELS, 1..=3).prop_shuffle().prop_map(|ids| channels(&ids)),
    ];
    let policy = prop_oneof![1 => Just(IpPolicy::Any), 3 => networks().prop_map(IpPolicy::Only)];
    let expiry = proptest::option::of((0..3_i64).prop_map(instant));
    (permissions, channels, policy, 0..2_u8, expiry).prop_map(
        |(permissions, channels, networks, tier_rank, expires_at)| Grants {
            access: Access { permissions, channels, networks },
            tier_rank,
            expires_at,
        },
    )
}

/// Grants, and others that go no further than they do, by construction.
fn narrowing() -> impl Strategy<Value = (Grants, Grants)> {
    (grants(), grants(), any::<u8>()).prop_map(|(wide, other, picks)| {
        let narrow = narrowed(&wide, &other, picks);
        (wide, narrow)
    })
}

/// The wide grants with the entries that `picks` has a one for, networks cut in halves. What is unrestricted
/// becomes as in the other grants, and so does a tier or an expiry that goes further.
fn narrowed(wide: &Grants, other: &Grants, picks: u8) -> Grants {
    let permissions = match &wide.access.permissions {
        PermissionGrant::All => other.access.permissions.clone(),
        PermissionGrant::Only(set) => permissions(&picked(set.iter().map(Permission::as_str), picks)),
    };
    let channels = match &wide.access.channels {
        ChannelScope::All => other.access.channels.clone(),
        ChannelScope::Only(list) => channels(&picked(list.iter().map(ChannelId::as_str), picks)),
    };
    let networks = match &wide.access.networks {
        IpPolicy::Any => other.access.networks.clone(),
        IpPolicy::Only(list) => {
            let cut: Vec<Network> =
                picked(list.iter().copied(), picks).into_iter().flat_map(halves).collect();
            IpPolicy::Only(cut.try_into().unwrap())
        }
    };
    Grants {
        access: Access { permissions, channels, networks },
        tier_rank: wide.tier_rank.min(other.tier_rank),
        expires_at: [wide.expires_at, other.expires_at].into_iter().flatten().min(),
    }
}

fn permissions(names: &[&str]) -> PermissionGrant {
    let permissions = names.iter().map(|name| name.parse().unwrap());
    PermissionGrant::Only(PermissionSet::from_permissions(permissions).unwrap())
}

fn channels(ids: &[&str]) -> ChannelScope {
    let ids: Vec<ChannelId> = ids.iter().map(|id| id.parse().unwrap()).collect();
    ChannelScope::Only(ids.try_into().unwrap())
}

fn instant(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + Duration::seconds(seconds)
}

/// The items that `picks` has a one for, or else the last one.
fn picked<T: Copy>(items: impl Iterator<Item = T>, picks: u8) -> Vec<T> {
    let items: Vec<T> = items.collect();
    let chosen: Vec<T> =
        (0..).zip(&items).filter(|(index, _)| picks >> index & 1 == 1).map(|(_, item)| *item).collect();
    if chosen.is_empty() { items.last().copied().into_iter().collect() } else { chosen }
}

/// The two networks that make up this one, or itself if it is a single address.
fn halves(network: Network) -> Vec<Network> {
    let text = network.to_string();
    let Some((first, prefix)) = text.split_once('/') else { return vec![network] };
    let (first, prefix): (IpAddr, u8) = (first.parse().unwrap(), prefix.parse().unwrap());
    let second = match first {
        IpAddr::V4(v4) => IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() | 1 << (31 - prefix))),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() | 1 << (127 - prefix))),
    };
    let halves = [first, second].map(|half| format!("{half}/{}", prefix + 1).parse::<Network>().unwrap());
    // The IPv4-mapped block is half of ::fffe:0:0/95, and IPv4: addresses that the whole does not have.
    let is_v4 = |network: &Network| !network.to_string().contains(':');
    halves.into_iter().filter(|half| is_v4(half) == first.is_ipv4()).collect()
}

// Models: addresses as texts of zeros and ones.

fn bits(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => format!("{:032b}", v4.to_bits()),
        IpAddr::V6(v6) => format!("{:0128b}", v6.to_bits()),
    }
}

fn from_bits(bits: &str) -> IpAddr {
    let number = u128::from_str_radix(bits, 2).unwrap();
    match bits.len() {
        32 => IpAddr::V4(Ipv4Addr::from_bits(number.try_into().unwrap())),
        _ => IpAddr::V6(Ipv6Addr::from_bits(number)),
    }
}

fn first_of(address: IpAddr, prefix: u8) -> IpAddr {
    let bits = bits(address);
    let (fixed, host) = bits.split_at(prefix.into());
    from_bits(&(fixed.to_owned() + &"0".repeat(host.len())))
}

/// The network as its leading bits, in its canonical family.
fn fixed_bits(network: &Network) -> String {
    let text = network.to_string();
    match text.split_once('/') {
        Some((first, prefix)) => bits(first.parse().unwrap()).split_at(prefix.parse().unwrap()).0.to_owned(),
        None => bits(text.parse().unwrap()),
    }
}

fn has(network: &Network, address: IpAddr) -> bool {
    let (address, first) = (address.to_canonical(), network.to_string());
    address.is_ipv6() == first.contains(':') && bits(address).starts_with(&fixed_bits(network))
}

/// The addresses at which what a list allows can begin or end, their neighbours, and the ends of the two
/// families.
///
/// Where two lists allow different addresses, the lowest such address begins a network of one of them,
/// follows the end of one, or lies beside the IPv4-mapped block. So these tell any two lists apart.
fn telling_addresses<'a>(policies: impl IntoIterator<Item = &'a IpPolicy>) -> Vec<Option<IpAddr>> {
    const MAPPED_FIRST: u128 = 0xffff_0000_0000;
    const MAPPED_LAST: u128 = 0xffff_ffff_ffff;
    let mut points = vec![0, u128::MAX, MAPPED_FIRST, MAPPED_LAST];
    for policy in policies {
        let IpPolicy::Only(networks) = policy else { continue };
        for network in networks.iter() {
            let fixed = fixed_bits(network);
            let (length, above) =
                if network.to_string().contains(':') { (128, 0) } else { (32, MAPPED_FIRST) };
            let end = |fill: &str| {
                let bits = fixed.clone() + &fill.repeat(length - fixed.len());
                above + u128::from_str_radix(&bits, 2).unwrap()
            };
            points.extend([end("0"), end("1")]);
        }
    }
    let around = |point: u128| [point.wrapping_sub(1), point, point.wrapping_add(1)];
    let known = points.into_iter().flat_map(around).flat_map(|bits| {
        let address = Ipv6Addr::from_bits(bits);
        [IpAddr::V6(address), IpAddr::V6(address).to_canonical()]
    });
    known.map(Some).chain([None]).collect()
}

fn telling_asks(grants: &[&Grants]) -> Vec<(Option<IpAddr>, Vec<&'static str>, Option<&'static str>)> {
    let addresses = telling_addresses(grants.iter().map(|grants| &grants.access.networks));
    let permissions =
        PERMISSIONS.map(|name| vec![name]).into_iter().chain([vec![], PERMISSIONS.to_vec(), vec!["no:such"]]);
    let channels = CHANNELS.map(Some).into_iter().chain([None, Some("unknown")]);
    let asked: Vec<_> =
        permissions.flat_map(|asked| channels.clone().map(move |on| (asked.clone(), on))).collect();
    addresses
        .into_iter()
        .flat_map(|from| {
            asked.iter().map(move |(permissions, channel)| (from, permissions.clone(), *channel))
        })
        .collect()
}

fn allows(grants: &Grants, catalogue: &Catalogue, ask: &(Option<IpAddr>, Vec<&str>, Option<&str>)) -> bool {
    let (address, permissions, channel) = ask;
    grants.access.decide(catalogue, &Ask { address: *address, permissions, channel: *channel }).is_ok()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_network_displays_as_what_parses_back_to_it((network, first, prefix) in written_network()) {
        let text = network.to_string();
        prop_assert_eq!(text.parse(), Ok(network));
        let full = u8::try_from(bits(first).len()).unwrap();
        if prefix == full {
            prop_assert_eq!(text, first.to_canonical().to_string());
        }
    }

    #[test]
    fn any_text_is_a_network_with_a_canonical_form_or_an_error(
        text in "[0-9a-fA-FxX:./%+\\-\\[\\] ]{0,24}|\\PC{0,12}",
    ) {
        if let Ok(network) = text.parse::<Network>() {
            prop_assert_eq!(network.to_string().parse(), Ok(network));
        }
    }

    #[test]
    fn a_network_with_a_host_bit_set_is_refused_and_named(address in base(), prefix in 0..=32_u8) {
        let first = first_of(address, prefix);
        let written = format!("{address}/{prefix}").parse::<Network>();
        if address == first {
            prop_assert!(written.is_ok());
        } else {
            let message = written.unwrap_err().to_string();
            let named = format!("{first}/{prefix}").parse::<Network>().unwrap().to_string();
            let expected = format!("write {named} for the network");
            prop_assert!(message.contains(&expected), "{}", message);
        }
    }

    #[test]
    fn a_network_has_the_addresses_that_share_its_leading_bits(
        network in network(),
        other in network(),
        far: IpAddr,
    ) {
        let policies = [network, other].map(|network| IpPolicy::Only(vec![network].try_into().unwrap()));
        for address in telling_addresses(&policies).into_iter().flatten().chain([far]) {
            prop_assert_eq!(network.contains(address), has(&network, address), "{} {}", network, address);
        }
    }

    #[test]
    fn a_list_of_networks_has_the_addresses_of_each(list in networks(), far: IpAddr) {
        for address in telling_addresses([&IpPolicy::Only(list.clone())]).into_iter().flatten().chain([far]) {
            let expected = list.iter().any(|network| has(network, address));
            prop_assert_eq!(list.contains(address), expected, "{}", address);
        }
    }

    #[test]
    fn networks_are_covered_exactly_when_no_address_tells_otherwise(
        mine in networks(),
        theirs in networks(),
    ) {
        let with = |networks: &Networks| Grants {
            access: Access {
                permissions: PermissionGrant::All,
                channels: ChannelScope::All,
                networks: IpPolicy::Only(networks.clone()),
            },
            tier_rank: 0,
            expires_at: None,
        };
        let (mine, theirs) = (with(&mine), with(&theirs));
        let allows = |grants: &Grants, address| grants.access.networks.allows(address);
        let beyond = telling_addresses([&mine.access.networks, &theirs.access.networks])
            .into_iter()
            .find(|address| allows(&theirs, *address) && !allows(&mine, *address));
        prop_assert_eq!(mine.covers(&theirs).is_ok(), beyond.is_none(), "{:?}", beyond);
    }

    #[test]
    fn covers_is_reflexive(grants in grants()) {
        prop_assert_eq!(grants.covers(&grants), Ok(()));
    }

    #[test]
    fn what_goes_no_further_on_any_axis_is_covered((wide, narrow) in narrowing()) {
        prop_assert_eq!(wide.covers(&narrow), Ok(()));
    }

    #[test]
    fn covers_is_transitive(one in narrowing(), another in narrowing()) {
        let all = [one.0, one.1, another.0, another.1];
        for a in &all {
            for b in &all {
                for c in &all {
                    if a.covers(b).is_ok() && b.covers(c).is_ok() {
                        prop_assert_eq!(a.covers(c), Ok(()));
                    }
                }
            }
        }
    }

    #[test]
    fn a_covered_grant_never_allows_what_the_covering_one_denies(
        (wide, narrow) in narrowing(),
        other in grants(),
    ) {
        let catalogue = Catalogue::qwetty();
        let all = [&wide, &narrow, &other];
        for mine in all {
            for theirs in all {
                if mine.covers(theirs).is_err() {
                    continue;
                }
                for ask in telling_asks(&[mine, theirs]) {
                    let beyond = allows(theirs, &catalogue, &ask) && !allows(mine, &catalogue, &ask);
                    prop_assert!(!beyond, "{:?}", ask);
                }
                prop_assert!(theirs.tier_rank <= mine.tier_rank);
                let outlived = |end| theirs.expires_at.is_none_or(|theirs| theirs > end);
                prop_assert!(!mine.expires_at.is_some_and(outlived));
            }
        }
    }

    #[test]
    fn grants_that_cover_each_other_allow_the_same((one, narrow) in narrowing()) {
        let catalogue = Catalogue::qwetty();
        let cut_differently = narrowed(&one, &one, u8::MAX);
        prop_assert_eq!(cut_differently.covers(&one), Ok(()));
        for other in [narrow, cut_differently] {
            if one.covers(&other).is_err() || other.covers(&one).is_err() {
                continue;
            }
            for ask in telling_asks(&[&one, &other]) {
                let allowed = [&one, &other].map(|grants| allows(grants, &catalogue, &ask));
                prop_assert_eq!(allowed[0], allowed[1], "{:?}", ask);
            }
            prop_assert_eq!(one.tier_rank, other.tier_rank);
            prop_assert_eq!(one.expires_at, other.expires_at);
        }
    }

    #[test]
    fn a_permission_never_matches_another_name(
        held in select(&PERMISSIONS[..]),
        cut in 0..20_usize,
        tail in "[a-z:*_]{0,3}",
    ) {
        let catalogue = Catalogue::qwetty();
        let PermissionGrant::Only(set) = permissions(&[held]) else { panic!("a list") };
        let kept: String = held.chars().take(cut).collect();
        let others = [format!("{kept}*"), held.to_uppercase(), format!(" {held}"), "*".into()];
        for asked in others.into_iter().chain([format!("{kept}{tail}")]) {
            prop_assert_eq!(set.contains(&asked), asked == held, "{}", asked);
            let known = catalogue.entries().any(|entry| entry.permission().as_str() == asked);
            prop_assert_eq!(PermissionGrant::All.allows(&catalogue, &asked), known, "{}", asked);
        }
    }

    #[test]
    fn a_permission_displays_as_what_parses_back_to_it(name in "[a-z0-9_]{1,8}(:[a-z0-9_]{1,8}){0,3}") {
        prop_assert_eq!(name.parse::<Permission>().unwrap().to_string(), name);
    }

    #[test]
    fn a_list_has_between_one_and_a_hundred_different_entries(
        numbers in proptest::collection::vec(0..120_u8, 0..300),
    ) {
        let mut different = numbers.clone();
        different.sort_unstable();
        different.dedup();
        let fits = (1..=100).contains(&different.len());
        let ids: Vec<ChannelId> = numbers.iter().map(|n| format!("c{n}").parse().unwrap()).collect();
        let list: Vec<Network> = numbers.iter().map(|n| format!("10.0.0.{n}").parse().unwrap()).collect();
        let names: Vec<Permission> = numbers.iter().map(|n| format!("p{n}").parse().unwrap()).collect();
        let expected = fits.then_some(different.len());
        prop_assert_eq!(Channels::try_from(ids).ok().map(|kept| kept.iter().count()), expected);
        prop_assert_eq!(Networks::try_from(list).ok().map(|kept| kept.iter().count()), expected);
        let set = PermissionSet::from_permissions(names);
        prop_assert_eq!(set.map(|set| set.len()).unwrap_or(0), different.len());
    }
}
