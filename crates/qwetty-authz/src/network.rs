//! One network of addresses, read strictly.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnetwork::IpNetwork;

/// An IPv4 or IPv6 network in CIDR notation (RFC 4632, RFC 4291), a single address included.
///
/// A `Network` is canonical: no host bit is set, and IPv4-mapped IPv6 (`::ffff:10.0.0.0/104`) is the IPv4
/// that it means, so equal networks are equal values. It displays as itself, a single address without its
/// prefix length, IPv6 as in RFC 5952; parsing reads that back.
///
/// Parsing refuses what another program might read as a different network: set host bits, leading zeros (some
/// read them as octal), shortened IPv4. IPv6 groups may have leading zeros, since those mean one thing only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network(IpNetwork);

impl Network {
    /// Whether the address is in the network. An IPv4-mapped IPv6 address is the IPv4 address that it means,
    /// so no IPv6 network has it, not even `::/0`.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(address.to_canonical())
    }

    pub(crate) fn inner(&self) -> IpNetwork {
        self.0
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        if text.is_empty() {
            return Err(NetworkError::Empty);
        }
        if text.contains(char::is_whitespace) {
            return Err(NetworkError::WhiteSpace);
        }
        if text.contains(['[', ']']) {
            return Err(NetworkError::Brackets);
        }
        if text.contains('%') {
            return Err(NetworkError::ZoneId);
        }
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address = parse_address(address)?;
        let longest = longest_prefix(address);
        let prefix = prefix.map_or(Ok(longest), |prefix| parse_prefix(prefix, longest))?;
        let (address, prefix) = unmapped(address, prefix);
        let too_long = |_| NetworkError::PrefixTooLong { longest };
        let written = IpNetwork::new(address, prefix).map_err(too_long)?;
        let network = IpNetwork::new(written.network(), prefix).map_err(too_long)?;
        if network != written {
            return Err(NetworkError::HostBits { network: Self(network), address });
        }
        Ok(Self(network))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.prefix() == longest_prefix(self.0.ip()) { self.0.ip().fmt(f) } else { self.0.fmt(f) }
    }
}

/// Why a text is not a network, and what to write instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// The text is empty.
    #[error("the network is empty: write an address or a network such as 203.0.113.0/24")]
    Empty,
    /// The text has white space in or around it.
    #[error("the network has white space: remove it, and write each network as an entry of its own")]
    WhiteSpace,
    /// The text has square brackets.
    #[error("the network has brackets: write the address without them")]
    Brackets,
    /// The text has an IPv6 zone id (`%eth0`).
    #[error("the network has a zone id: write the address without the % and what follows it")]
    ZoneId,
    /// An IPv4 address or a host name is followed by a port.
    #[error("the network has a port: write the address without the colon and what follows it")]
    Port,
    /// It is neither an IPv4 nor an IPv6 address.
    #[error(
        "not an address: write an IPv4 or IPv6 address or network, such as 203.0.113.0/24 or 2001:db8::/32"
    )]
    NotAnAddress,
    /// An IPv4 address does not have four numbers.
    #[error("the IPv4 address does not have four numbers: write all four, such as 10.1.0.0/16")]
    NotFourNumbers,
    /// A number of an IPv4 address has a leading zero.
    #[error("the IPv4 address has a leading zero: write its numbers in decimal without leading zeros")]
    LeadingZero,
    /// A number of an IPv4 address is above 255.
    #[error("the IPv4 address has a number above 255: write numbers from 0 to 255")]
    NumberTooLarge,
    /// Nothing follows the slash.
    #[error(
        "the prefix length is missing: write it after the slash, or remove the slash for a single address"
    )]
    PrefixMissing,
    /// What follows the slash is not a decimal number.
    #[error("the prefix length is not a number: write how many leading bits the network fixes, such as /24")]
    PrefixNotANumber,
    /// The prefix length has a leading zero.
    #[error("the prefix length has a leading zero: write it without")]
    PrefixLeadingZero,
    /// The prefix length is larger than the address has bits.
    #[error("the prefix length is too large: write {longest} at most")]
    PrefixTooLong {
        /// The number of bits of the address.
        longest: u8,
    },
    /// The address has bits set beyond the prefix length.
    #[error("host bits are set: write {network} for the network, or {address} for the single address")]
    HostBits {
        /// The network that has the address.
        network: Network,
        /// The address in canonical form.
        address: IpAddr,
    },
}

fn parse_address(text: &str) -> Result<IpAddr, NetworkError> {
    let Some((before_first_colon, _)) = text.split_once(':') else {
        return parse_ipv4(text).map(IpAddr::V4);
    };
    // IPv6 may end in dotted form, but no colon follows a dot.
    if before_first_colon.contains('.') {
        return Err(NetworkError::Port);
    }
    if let Some((_, dotted)) = text.rsplit_once(':').filter(|(_, tail)| tail.contains('.')) {
        parse_ipv4(dotted)?;
    }
    text.parse::<Ipv6Addr>().map(IpAddr::V6).map_err(|_| NetworkError::NotAnAddress)
}

/// As the standard library parses, but with a reason for each refusal.
fn parse_ipv4(text: &str) -> Result<Ipv4Addr, NetworkError> {
    let numbers = || text.split('.');
    if numbers().any(|number| number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit())) {
        return Err(NetworkError::NotAnAddress);
    }
    if numbers().count() != 4 {
        return Err(NetworkError::NotFourNumbers);
    }
    if numbers().any(has_leading_zero) {
        return Err(NetworkError::LeadingZero);
    }
    // Only digits are left, so a number that is no `u8` is too large.
    text.parse().map_err(|_| NetworkError::NumberTooLarge)
}

fn parse_prefix(text: &str, longest: u8) -> Result<u8, NetworkError> {
    if text.is_empty() {
        return Err(NetworkError::PrefixMissing);
    }
    // Before `u8` sees it, which would take "+8".
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NetworkError::PrefixNotANumber);
    }
    if has_leading_zero(text) {
        return Err(NetworkError::PrefixLeadingZero);
    }
    text.parse().map_err(|_| NetworkError::PrefixTooLong { longest })
}

fn has_leading_zero(digits: &str) -> bool {
    digits.len() > 1 && digits.starts_with('0')
}

fn longest_prefix(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// The IPv4 that an IPv4-mapped IPv6 network (RFC 4291, section 2.5.5.2) means. A shorter prefix than 96
/// reaches beyond the mapped addresses, so it is IPv6.
fn unmapped(address: IpAddr, prefix: u8) -> (IpAddr, u8) {
    if let IpAddr::V6(v6) = address
        && let Some(v4) = v6.to_ipv4_mapped()
        && let Some(prefix) = prefix.checked_sub(96)
    {
        return (IpAddr::V4(v4), prefix);
    }
    (address, prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_accepted_form_and_shows_the_canonical_one() {
        for (text, canonical) in [
            ("203.0.113.7", "203.0.113.7"),
            ("203.0.113.7/32", "203.0.113.7"),
            ("0.0.0.0", "0.0.0.0"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("0.0.0.0/32", "0.0.0.0"),
            ("255.255.255.255", "255.255.255.255"),
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("10.20.30.128/25", "10.20.30.128/25"),
            ("10.0.0.254/31", "10.0.0.254/31"),
            ("::", "::"),
            ("::/0", "::/0"),
            ("::/128", "::"),
            ("::1", "::1"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("2001:DB8::/32", "2001:db8::/32"),
            ("2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"),
            ("2001:db8:0:0:1:0:0:1/128", "2001:db8::1:0:0:1"),
            ("fe80::/10", "fe80::/10"),
            ("64:ff9b::192.0.2.1", "64:ff9b::c000:201"),
            ("::192.0.2.0/120", "::c000:200/120"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("::FFFF:c000:0201", "192.0.2.1"),
            ("0:0:0:0:0:ffff:192.0.2.1/128", "192.0.2.1"),
            ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
            ("::ffff:0:0/96", "0.0.0.0/0"),
            ("::fffe:0:0/95", "::fffe:0:0/95"),
            ("::ffff:0:0:0/96", "::ffff:0:0:0/96"),
        ] {
            let network: Network = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(network.to_string(), canonical, "{text}");
            assert_eq!(canonical.parse(), Ok(network), "{text}");
        }
    }

    #[test]
    fn names_what_is_wrong_with_every_refused_form() {
        use NetworkError::*;
        let v4_prefix = PrefixTooLong { longest: 32 };
        let v6_prefix = PrefixTooLong { longest: 128 };
        for (text, error) in [
            ("", Empty),
            (" ", WhiteSpace),
            (" 10.0.0.1", WhiteSpace),
            ("10.0.0.1\n", WhiteSpace),
            ("10.0.0.0 /8", WhiteSpace),
            ("10.0.0.0/ 8", WhiteSpace),
            ("10.0.0.1 10.0.0.2", WhiteSpace),
            ("10.0.0.1\u{a0}", WhiteSpace),
            ("[::1]", Brackets),
            ("[::1]:443", Brackets),
            ("[2001:db8::]/32", Brackets),
            ("fe80::1%eth0", ZoneId),
            ("fe80::%1/64", ZoneId),
            ("10.0.0.1%eth0", ZoneId),
            ("10.0.0.1:443", Port),
            ("10.0.0.0:443/8", Port),
            ("example.com:443", Port),
            ("/", NotAnAddress),
            ("/8", NotAnAddress),
            ("*", NotAnAddress),
            ("10.0.0.*", NotAnAddress),
            ("localhost", NotAnAddress),
            ("localhost:80", NotAnAddress),
            ("example.com", NotAnAddress),
            ("10.0.0.1-10.0.0.9", NotAnAddress),
            ("10.0.0.1,10.0.0.2", NotAnAddress),
            ("10..0.1", NotAnAddress),
            (".10.0.0.1", NotAnAddress),
            ("10.0.0.1.", NotAnAddress),
            ("0x0a.0.0.1", NotAnAddress),
            ("0x7f000001", NotAnAddress),
            ("+10.0.0.1", NotAnAddress),
            ("-1.0.0.1", NotAnAddress),
            ("10.0.0.1e0", NotAnAddress),
            ("１０.0.0.1", NotAnAddress),
            ("10.0.0.1\0", NotAnAddress),
            ("10.0.0.1\u{200b}", NotAnAddress),
            (":", NotAnAddress),
            (":::", NotAnAddress),
            ("1::2::3", NotAnAddress),
            ("2001:db8", NotAnAddress),
            ("1:2:3:4:5:6:7:8:9", NotAnAddress),
            ("2001:db8::12345", NotAnAddress),
            ("2001:db8::g", NotAnAddress),
            ("::ffff:10.0.0.x", NotAnAddress),
            ("1", NotFourNumbers),
            ("10.1", NotFourNumbers),
            ("10.1.2", NotFourNumbers),
            ("10.1/16", NotFourNumbers),
            ("1.2.3.4.5", NotFourNumbers),
            ("2130706433", NotFourNumbers),
            ("::ffff:10.0.1", NotFourNumbers),
            ("010.0.0.1", LeadingZero),
            ("10.0.0.01", LeadingZero),
            ("10.00.0.1", LeadingZero),
            ("10.0.0.000/24", LeadingZero),
            ("::ffff:010.0.0.1", LeadingZero),
            ("256.0.0.1", NumberTooLarge),
            ("1.2.3.999", NumberTooLarge),
            ("1.2.3.18446744073709551617", NumberTooLarge),
            ("::ffff:10.0.0.256", NumberTooLarge),
            ("10.0.0.0/", PrefixMissing),
            ("::/", PrefixMissing),
            ("10.0.0.0/+8", PrefixNotANumber),
            ("10.0.0.0/-8", PrefixNotANumber),
            ("10.0.0.0/8/8", PrefixNotANumber),
            ("10.0.0.0//8", PrefixNotANumber),
            ("10.0.0.0/8.0", PrefixNotANumber),
            ("10.0.0.0/0x8", PrefixNotANumber),
            ("10.0.0.0/8:443", PrefixNotANumber),
            ("10.0.0.0/255.0.0.0", PrefixNotANumber),
            ("10.0.0.0/٨", PrefixNotANumber),
            ("10.0.0.0/08", PrefixLeadingZero),
            ("0.0.0.0/00", PrefixLeadingZero),
            ("10.0.0.1/032", PrefixLeadingZero),
            ("::/000", PrefixLeadingZero),
            ("10.0.0.0/33", v4_prefix),
            ("0.0.0.0/96", v4_prefix),
            ("0.0.0.0/128", v4_prefix),
            ("10.0.0.0/256", v4_prefix),
            ("10.0.0.0/99999999999999999999", v4_prefix),
            ("::/129", v6_prefix),
            ("::ffff:10.0.0.0/129", v6_prefix),
        ] {
            assert_eq!(text.parse::<Network>(), Err(error), "{text:?}");
        }
    }

    #[test]
    fn set_host_bits_name_the_network_and_the_address() {
        for (text, network, address) in [
            ("10.0.0.5/24", "10.0.0.0/24", "10.0.0.5"),
            ("10.0.0.1/31", "10.0.0.0/31", "10.0.0.1"),
            ("10.0.0.1/0", "0.0.0.0/0", "10.0.0.1"),
            ("2001:db8::1/32", "2001:db8::/32", "2001:db8::1"),
            ("::1/0", "::/0", "::1"),
            ("::ffff:10.0.0.5/120", "10.0.0.0/24", "10.0.0.5"),
            ("::ffff:10.0.0.5/64", "::/64", "::ffff:10.0.0.5"),
        ] {
            let error = text.parse::<Network>().unwrap_err();
            assert_eq!(
                error.to_string(),
                format!(
                    "host bits are set: write {network} for the network, or {address} for the single address"
                )
            );
            let NetworkError::HostBits { network, .. } = error else { panic!("{text}: {error:?}") };
            assert_eq!(network.to_string().parse(), Ok(network), "what is named must itself be accepted");
        }
    }

    #[test]
    fn has_its_addresses_from_the_first_to_the_last() {
        for (network, inside, outside) in [
            ("10.0.0.7", vec!["10.0.0.7", "::ffff:10.0.0.7"], vec!["10.0.0.6", "10.0.0.8", "::10.0.0.7"]),
            ("10.0.0.0/24", vec!["10.0.0.0", "10.0.0.255"], vec!["9.255.255.255", "10.0.1.0", "a00::"]),
            ("0.0.0.0/0", vec!["0.0.0.0", "255.255.255.255", "::ffff:1.2.3.4"], vec!["::", "::1"]),
            ("::/0", vec!["::", "ffff::", "::1.2.3.4"], vec!["0.0.0.0", "1.2.3.4", "::ffff:1.2.3.4"]),
            ("2001:db8::/127", vec!["2001:db8::", "2001:db8::1"], vec!["2001:db8::2", "2001:db7:ffff::"]),
        ] {
            let network: Network = network.parse().unwrap();
            for address in inside {
                assert!(network.contains(address.parse().unwrap()), "{network} {address}");
            }
            for address in outside {
                assert!(!network.contains(address.parse().unwrap()), "{network} {address}");
            }
        }
    }
}
