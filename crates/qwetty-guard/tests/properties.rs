//! Properties of the client address over headers that anybody could send.

#![allow(missing_docs, clippy::unwrap_used)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;
use qwetty_guard::{TrustedProxies, WithoutForwardedFor, client_address};

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));

fn trusted() -> TrustedProxies {
    ["10.0.0.0/8", "fd00::/8"].iter().map(|network| network.parse().unwrap()).collect()
}

fn client(line: &[u8]) -> Option<IpAddr> {
    let headers = HeaderMap::from_iter([(
        http::HeaderName::from_static("x-forwarded-for"),
        HeaderValue::from_bytes(line).ok()?,
    )]);
    client_address(PEER, &headers, &trusted(), WithoutForwardedFor::Unknown)
}

/// Addresses of which about half are trusted.
fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<u32>().prop_map(|bits| IpAddr::V4(Ipv4Addr::from(bits))),
        any::<[u8; 3]>().prop_map(|[b, c, d]| IpAddr::V4(Ipv4Addr::new(10, b, c, d))),
        any::<u128>().prop_map(|bits| IpAddr::V6(Ipv6Addr::from(bits))),
        any::<u32>().prop_map(|bits| IpAddr::V6(Ipv4Addr::from(bits).to_ipv6_mapped())),
    ]
}

/// One of the ways in which proxies write an address.
fn written(address: IpAddr, way: u8) -> String {
    match (address, way % 3) {
        (_, 0) => address.to_string(),
        (IpAddr::V4(_), _) => format!("{address}:443"),
        (IpAddr::V6(_), 1) => format!("[{address}]"),
        (IpAddr::V6(_), _) => format!("[{address}]:443"),
    }
}

proptest! {
    #[test]
    fn any_bytes_are_judged_without_a_panic(line in proptest::collection::vec(any::<u8>(), 0..60)) {
        let _ = client(&line);
    }

    #[test]
    fn nearly_addresses_are_judged_without_a_panic(line in r"[0-9a-f.:\[\], %]{0,40}") {
        if let Some(address) = client(line.as_bytes()) {
            // Whatever is accepted means the same when it is written out again.
            prop_assert_eq!(client(address.to_string().as_bytes()), Some(address));
        }
    }

    #[test]
    fn the_client_is_the_rightmost_untrusted_however_addresses_are_written(
        list in proptest::collection::vec((address(), any::<u8>()), 1..8),
    ) {
        let line: Vec<String> = list.iter().map(|(address, way)| written(*address, *way)).collect();
        let trusted = trusted();
        let mut expected = list[0].0.to_canonical();
        for (address, _) in &list {
            if !trusted.contains(*address) {
                expected = address.to_canonical();
            }
        }
        prop_assert_eq!(client(line.join(", ").as_bytes()), Some(expected));
    }

    #[test]
    fn what_a_client_writes_before_the_true_address_changes_nothing(
        claims in proptest::collection::vec(address(), 0..5),
        own in any::<u32>().prop_map(Ipv4Addr::from).prop_filter("untrusted", |own| own.octets()[0] != 10),
    ) {
        let mut line: Vec<String> = claims.iter().map(IpAddr::to_string).collect();
        line.push(own.to_string());
        prop_assert_eq!(client(line.join(",").as_bytes()), Some(IpAddr::V4(own)));
    }
}
