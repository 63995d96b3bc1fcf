//! The client address: the first line of the input is the peer, the second the trusted networks, each other one a line of
//! `X-Forwarded-For`.

use std::net::{IpAddr, Ipv6Addr};

use http::{HeaderMap, HeaderValue};
use qwetty_authz::Network;
use qwetty_guard::{TrustedProxies, WithoutForwardedFor, client_address};

pub(crate) const WORDS: &[&str] = &[
    "10.0.0.1\n10.0.0.0/8\n",
    "9.9.9.9",
    "10.1.1.1",
    "::ffff:10.0.0.1",
    "[::1]:80",
    "[2001:db8::1]",
    "1.2.3.4:5",
    "fe80::1%0",
    "unknown",
    ", ",
    ",",
    "\t",
    "\n",
    "0",
];

pub(crate) fn run(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let text = |line: Option<&[u8]>| String::from_utf8_lossy(line.unwrap_or_default()).into_owned();
    let Ok(peer) = text(lines.next()).parse::<IpAddr>() else { return };
    let networks: Vec<Network> = text(lines.next()).split(',').filter_map(|one| one.parse().ok()).collect();
    let trusted: TrustedProxies = networks.iter().copied().collect();
    let mut headers = HeaderMap::new();
    for line in lines.take(20) {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append("x-forwarded-for", value);
        }
    }
    let is_trusted = |address: IpAddr| networks.iter().any(|network| network.contains(address));
    for without in [WithoutForwardedFor::Peer, WithoutForwardedFor::Unknown] {
        let found = client_address(peer, &headers, &trusted, without);
        let expected = expected(peer, &headers, is_trusted, without);
        assert_eq!(found, expected);
        assert!(found.is_none_or(|address| address == address.to_canonical()));
        // Whoever is no trusted proxy cannot choose its address, whatever it sends.
        assert!(is_trusted(peer) || found == Some(peer.to_canonical()));
    }
    // Nothing but this header is read.
    headers.insert("x-real-ip", HeaderValue::from_static("203.0.113.99"));
    headers.insert("forwarded", HeaderValue::from_static("for=203.0.113.99"));
    let without = WithoutForwardedFor::Unknown;
    assert_eq!(
        client_address(peer, &headers, &trusted, without),
        expected(peer, &headers, is_trusted, without)
    );
}

fn expected(
    peer: IpAddr,
    headers: &HeaderMap,
    is_trusted: impl Fn(IpAddr) -> bool,
    without: WithoutForwardedFor,
) -> Option<IpAddr> {
    let peer = peer.to_canonical();
    if !is_trusted(peer) {
        return Some(peer);
    }
    let lines: Vec<&[u8]> = headers.get_all("x-forwarded-for").iter().map(HeaderValue::as_bytes).collect();
    if lines.is_empty() {
        return (without == WithoutForwardedFor::Peer).then_some(peer);
    }
    let whole = String::from_utf8(lines.join(&b","[..])).ok()?;
    let addresses: Option<Vec<IpAddr>> = whole.split(',').map(address).collect();
    let mut addresses = addresses?;
    while addresses.len() > 1 && addresses.last().is_some_and(|last| is_trusted(*last)) {
        addresses.pop();
    }
    addresses.pop()
}

/// One element, read from its ends.
fn address(element: &str) -> Option<IpAddr> {
    let text = element.trim_matches([' ', '\t']);
    let address = if let Some(rest) = text.strip_prefix('[') {
        let (inner, after) = rest.split_once(']')?;
        if !after.is_empty() && !is_port(after.strip_prefix(':')?) {
            return None;
        }
        IpAddr::V6(inner.parse::<Ipv6Addr>().ok()?)
    } else if text.matches(':').count() == 1 {
        let (inner, port) = text.split_once(':')?;
        if !is_port(port) {
            return None;
        }
        IpAddr::V4(inner.parse().ok()?)
    } else {
        text.parse().ok()?
    };
    Some(address.to_canonical())
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}
