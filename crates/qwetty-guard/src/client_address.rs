//! Whose request it is, as far as proxies can be believed.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use http::header::{HeaderMap, HeaderName};
use qwetty_authz::Network;

static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The networks whose word on the client address is taken. Empty by default: no one's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<Network>);

/// Whose address a request has that a trusted proxy forwards without `X-Forwarded-For`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WithoutForwardedFor {
    /// The peer's: the proxy itself is the client.
    Peer,
    /// Nobody's. For a gateway's authorization call, whose peer is never the client.
    Unknown,
}

impl TrustedProxies {
    /// Whether `address` is in one of the networks; an IPv4-mapped IPv6 address counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }
}

impl FromIterator<Network> for TrustedProxies {
    fn from_iter<I: IntoIterator<Item = Network>>(networks: I) -> Self {
        Self(networks.into_iter().collect())
    }
}

/// The client address of a request, `None` if it is unknown. An IPv4-mapped IPv6 address is answered as IPv4.
///
/// It is the peer's, unless the peer is a trusted proxy. Then it is the rightmost address in `X-Forwarded-For` that is
/// none of a trusted proxy, or the leftmost, if all are trusted; several header lines count as one, in their order.
/// No other header is read.
///
/// Ports and brackets are stripped. One malformed element, wherever it stands, makes the address unknown: a list that
/// is broken in one place is not believed in another. A whitelist refuses an unknown address.
pub fn client_address(
    peer: IpAddr,
    headers: &HeaderMap,
    trusted: &TrustedProxies,
    without: WithoutForwardedFor,
) -> Option<IpAddr> {
    if !trusted.contains(peer) {
        return Some(peer.to_canonical());
    }
    let mut client = None;
    // To go through them all costs no more than to look up a name that is not one of HTTP's own.
    for (_, line) in headers.iter().filter(|(name, _)| **name == X_FORWARDED_FOR) {
        for element in line.as_bytes().split(|byte| *byte == b',') {
            // A header's value has no white space but spaces and tabs.
            let address = address(element.trim_ascii())?;
            if client.is_none() || !trusted.contains(address) {
                client = Some(address);
            }
        }
    }
    // No address at all: the header is not there.
    client.or(match without {
        WithoutForwardedFor::Peer => Some(peer.to_canonical()),
        WithoutForwardedFor::Unknown => None,
    })
}

/// `1.2.3.4`, `1.2.3.4:5`, `::1`, `[::1]` or `[::1]:80`. A zone id means something on one machine only.
fn address(text: &[u8]) -> Option<IpAddr> {
    // That is how nearly all stand there.
    if let Some(address) = ipv4(text) {
        return Some(IpAddr::V4(address));
    }
    let text = std::str::from_utf8(text).ok()?;
    if text.contains('%') {
        return None;
    }
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6);
    let with_port = || text.parse().ok().map(|address: SocketAddr| address.ip());
    let address = text.parse().ok().or_else(bracketed).or_else(with_port)?;
    Some(address.to_canonical())
}

/// An IPv4 address as the standard library reads it, which takes longer.
fn ipv4(text: &[u8]) -> Option<Ipv4Addr> {
    let (first, rest) = octet(text)?;
    let (second, rest) = octet(rest.strip_prefix(b".")?)?;
    let (third, rest) = octet(rest.strip_prefix(b".")?)?;
    let (fourth, rest) = octet(rest.strip_prefix(b".")?)?;
    rest.is_empty().then(|| Ipv4Addr::new(first, second, third, fourth))
}

/// The number that a text begins with, without leading zeros, and what follows it.
fn octet(text: &[u8]) -> Option<(u8, &[u8])> {
    let (digits, rest) = match text {
        [a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', rest @ ..] => ([*a, *b, *c], rest),
        [b @ b'1'..=b'9', c @ b'0'..=b'9', rest @ ..] => ([b'0', *b, *c], rest),
        [c @ b'0'..=b'9', rest @ ..] => ([b'0', b'0', *c], rest),
        _ => return None,
    };
    let number = digits.iter().fold(0, |number, digit| number * 10 + u16::from(digit - b'0'));
    Some((u8::try_from(number).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use WithoutForwardedFor::{Peer, Unknown};
    use http::HeaderValue;
    use proptest::prelude::*;

    const PROXY: &str = "10.0.0.1";

    fn trusted() -> TrustedProxies {
        ["10.0.0.0/8", "fd00::/8"].iter().map(|network| network.parse::<Network>().unwrap()).collect()
    }

    fn client_of(peer: &str, lines: &[&[u8]], without: WithoutForwardedFor) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(&X_FORWARDED_FOR, HeaderValue::from_bytes(line).unwrap());
        }
        let client = client_address(peer.parse().unwrap(), &headers, &trusted(), without);
        client.map(|address| address.to_string())
    }

    fn forwarded(line: &str) -> Option<String> {
        client_of(PROXY, &[line.as_bytes()], Peer)
    }

    #[test]
    fn a_peer_that_is_no_trusted_proxy_speaks_for_itself() {
        for line in ["9.9.9.9", "garbage", ""] {
            assert_eq!(
                client_of("1.2.3.4", &[line.as_bytes()], Unknown).as_deref(),
                Some("1.2.3.4"),
                "{line}"
            );
        }
        assert_eq!(client_of("::ffff:1.2.3.4", &[], Peer).as_deref(), Some("1.2.3.4"));
        let nobody = TrustedProxies::default();
        let headers = HeaderMap::from_iter([(X_FORWARDED_FOR.clone(), HeaderValue::from_static("9.9.9.9"))]);
        let peer = PROXY.parse().unwrap();
        assert_eq!(client_address(peer, &headers, &nobody, Peer), Some(peer));
    }

    #[test]
    fn a_mapped_peer_is_trusted_as_the_ipv4_that_it_is() {
        assert_eq!(client_of("::ffff:10.0.0.1", &[b"9.9.9.9"], Peer).as_deref(), Some("9.9.9.9"));
    }

    #[test]
    fn the_rightmost_untrusted_address_is_the_client() {
        for (line, client) in [
            ("9.9.9.9", "9.9.9.9"),
            ("8.8.8.8, 9.9.9.9", "9.9.9.9"),
            ("8.8.8.8,9.9.9.9,10.1.1.1", "9.9.9.9"),
            ("8.8.8.8 ,\t9.9.9.9 , 10.1.1.1, fd00::7", "9.9.9.9"),
            ("::ffff:8.8.8.8, ::ffff:10.1.1.1", "8.8.8.8"),
            ("2001:db8::1, 10.1.1.1", "2001:db8::1"),
        ] {
            assert_eq!(forwarded(line).as_deref(), Some(client), "{line}");
        }
    }

    #[test]
    fn the_leftmost_is_if_all_are_trusted() {
        assert_eq!(forwarded("10.3.3.3, 10.2.2.2").as_deref(), Some("10.3.3.3"));
    }

    #[test]
    fn several_header_lines_are_one_in_their_order() {
        let lines: [&[u8]; 3] = [b"7.7.7.7", b"8.8.8.8, 10.1.1.1", b"10.2.2.2"];
        assert_eq!(client_of(PROXY, &lines, Peer).as_deref(), Some("8.8.8.8"));
    }

    #[test]
    fn ports_and_brackets_are_stripped() {
        for (line, client) in [
            ("1.2.3.4:5", "1.2.3.4"),
            ("[::1]:80", "::1"),
            ("[::1]", "::1"),
            ("[::ffff:1.2.3.4]:80", "1.2.3.4"),
            ("[2001:DB8:0:0::1]", "2001:db8::1"),
        ] {
            assert_eq!(forwarded(line).as_deref(), Some(client), "{line}");
        }
    }

    #[test]
    fn anything_malformed_makes_the_address_unknown_wherever_it_stands() {
        for bad in [
            "",
            "unknown",
            "_hidden",
            "localhost",
            "1.2.3",
            "1.2.3.4.5",
            "01.2.3.4",
            "1.2.3.256",
            "1.2.3.4:",
            "1.2.3.4:x",
            "1.2.3.4:70000",
            "1.2.3.4:-1",
            "[1.2.3.4]",
            "[::1",
            "::1]",
            "[::1]80",
            "[::1]:",
            "[[::1]]",
            "fe80::1%eth0",
            "fe80::1%0",
            "[fe80::1%0]:80",
            "[fe80::1%25eth0]",
            "1.2.3.4/32",
            "\"1.2.3.4\"",
            "for=1.2.3.4",
            "1.2.3.4 5.6.7.8",
            ":::",
            "0x7f000001",
        ] {
            for line in [
                bad.to_owned(),
                format!("{bad}, 9.9.9.9"),
                format!("9.9.9.9, {bad}"),
                format!("{bad},10.1.1.1"),
            ] {
                assert_eq!(forwarded(&line), None, "{line:?}");
            }
        }
        assert_eq!(client_of(PROXY, &[b"9.9.9.9\xff"], Peer), None);
        assert_eq!(client_of(PROXY, &["٩.9.9.9".as_bytes()], Peer), None);
        assert_eq!(client_of(PROXY, &[b"9.9.9.9", b"junk"], Peer), None);
    }

    #[test]
    fn without_the_header_the_caller_says_whose_address_it_is() {
        assert_eq!(client_of(PROXY, &[], Peer).as_deref(), Some(PROXY));
        assert_eq!(client_of(PROXY, &[], Unknown), None);
    }

    proptest! {
        #[test]
        fn an_ipv4_address_is_what_the_standard_library_takes_for_one(
            text in r"([0-9]{1,3}\.){3}[0-9]{1,3}|((1?[0-9]{2}|2[0-6][0-9]|[0-9])\.?){2,5}|[0-9.+ a]{0,17}",
        ) {
            prop_assert_eq!(ipv4(text.as_bytes()), text.parse().ok());
        }
    }

    #[test]
    fn no_other_header_is_read() {
        let mut headers = HeaderMap::new();
        for name in ["forwarded", "x-real-ip", "cf-connecting-ip", "true-client-ip", "x-client-ip"] {
            headers.insert(name, HeaderValue::from_static("9.9.9.9"));
        }
        assert_eq!(client_address(PROXY.parse().unwrap(), &headers, &trusted(), Unknown), None);
    }
}
