//! Networks: each line of the input is one of a whitelist, and an address to be judged by it.

use std::net::{IpAddr, Ipv6Addr};

use qwetty_authz::{IpPolicy, Network, NetworkError, Networks};

pub(crate) const WORDS: &[&str] = &[
    "10.0.0.0/8",
    "0.0.0.0/0",
    "::/0",
    "::ffff:",
    "::ffff:10.0.0.0/104",
    "::ffff:0:0/96",
    "2001:db8::/32",
    "fe80::1%eth0",
    "/",
    "/32",
    "/128",
    "/096",
    "[",
    "]",
    ":",
    "::",
    ".",
    "0",
    "255",
    "\n",
];

pub(crate) fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let lines: Vec<&str> = text.split('\n').take(120).collect();
    let networks: Vec<(Network, Model)> = lines.iter().filter_map(|line| judge(line)).collect();
    let addresses: Vec<IpAddr> = lines
        .iter()
        .filter_map(|line| line.parse().ok())
        .chain(networks.iter().take(8).flat_map(|(_, model)| model.edges()))
        .collect();
    let list = Networks::try_from(networks.iter().map(|(network, _)| *network).collect::<Vec<_>>());
    let policy = list.map(IpPolicy::Only);
    for address in &addresses {
        for (network, model) in &networks {
            assert_eq!(network.contains(*address), model.contains(*address), "{network} {address}");
        }
        if let Ok(policy) = &policy {
            let expected = networks.iter().any(|(_, model)| model.contains(*address));
            assert_eq!(policy.allows(Some(*address)), expected, "{address}");
        }
    }
    if let Ok(policy) = &policy {
        assert!(!policy.allows(None), "an unknown address is in no list");
    }
}

/// A line that is a network, by its reader and by the rule, which agree.
fn judge(line: &str) -> Option<(Network, Model)> {
    let (read, expected) = (line.parse::<Network>(), Model::of(line));
    assert_eq!(read.is_ok(), expected.is_some(), "{line:?}: {read:?}");
    match read {
        Ok(network) => {
            let printed = network.to_string();
            assert_eq!(printed.parse(), Ok(network), "{printed}");
            assert!(printed.len() <= 43, "{printed}");
            assert_eq!(Model::of(&printed), expected, "{line:?} became {printed}");
            Some((network, expected?))
        }
        // What is proposed in place of a network with host bits must itself be taken.
        Err(NetworkError::HostBits { network, address }) => {
            assert_eq!(network.to_string().parse(), Ok(network));
            // A mapped address is in no IPv6 network, however much of the line it spans.
            assert!(network.contains(address) || address.to_canonical() != address, "{network} {address}");
            assert!(address.to_string().parse::<Network>().is_ok());
            None
        }
        Err(error) => {
            assert!(!error.to_string().contains('\n'));
            None
        }
    }
}

/// A network as the first bits of an address on the line of all addresses, IPv4 where IPv6 has its mapped form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Model {
    is_v4: bool,
    bits: u128,
    prefix: u32,
}

impl Model {
    fn of(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let prefix: Option<u32> = match prefix {
            None => None,
            Some(digits)
                if digits == "0"
                    || (digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0')) =>
            {
                Some(digits.parse().ok()?)
            }
            Some(_) => return None,
        };
        let (mapped, longest) = match address {
            IpAddr::V4(v4) => (v4.to_ipv6_mapped(), 32),
            IpAddr::V6(v6) => (v6, 128),
        };
        let prefix = prefix.unwrap_or(longest);
        if prefix > longest {
            return None;
        }
        let prefix = if longest == 32 { prefix + 96 } else { prefix };
        let is_v4 = prefix >= 96 && mapped.to_ipv4_mapped().is_some();
        let bits = mapped.to_bits();
        (bits & host_bits(prefix) == 0).then_some(Self { is_v4, bits, prefix })
    }

    fn contains(self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let bits = match address {
            IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
            IpAddr::V6(v6) => v6.to_bits(),
        };
        self.is_v4 == address.is_ipv4() && bits & !host_bits(self.prefix) == self.bits
    }

    /// The first and last address, and their neighbours.
    fn edges(self) -> impl Iterator<Item = IpAddr> {
        let last = self.bits | host_bits(self.prefix);
        [self.bits, last, self.bits.wrapping_sub(1), last.wrapping_add(1)]
            .map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits)))
            .into_iter()
    }
}

fn host_bits(prefix: u32) -> u128 {
    u128::MAX.checked_shr(prefix).unwrap_or(0)
}
