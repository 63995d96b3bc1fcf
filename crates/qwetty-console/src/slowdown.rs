//! Failed sign-ins, slowed by the address that they come from. A good key is let in however many failed before it.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use quick_cache::sync::Cache;
use qwetty_ratelimit::Moment;

/// So many failures cost nothing.
const FREE: u32 = 5;
/// One failure is forgiven so long after the last.
const FORGIVEN_EVERY: Duration = Duration::from_secs(30);
/// Each failure beyond the free ones waits a second longer than the one before, up to this.
const LONGEST_WAIT: Duration = Duration::from_secs(8);
/// How many addresses are remembered.
const ADDRESSES: usize = 10_000;

/// What failed lately, by address: an IPv4 address, or the 64 bits of an IPv6 network, which is what one customer has.
pub(crate) struct Slowdown(Cache<Network, Failures>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Network {
    Unknown,
    V4(Ipv4Addr),
    V6(u64),
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    /// From when on the next one is forgiven.
    since: Moment,
}

impl Slowdown {
    pub(crate) fn new() -> Self {
        Self(Cache::new(ADDRESSES))
    }

    /// Counts a failure, and tells how long its answer is to wait; `None` while failures are free.
    pub(crate) fn failed(&self, address: Option<IpAddr>, now: Moment) -> Option<Duration> {
        let network = Network::of(address);
        let before = self.0.get(&network).unwrap_or(Failures { count: 0, since: now });
        let after = before.at(now).one_more(now);
        self.0.insert(network, after);
        let beyond = after.count.saturating_sub(FREE);
        (beyond > 0).then(|| LONGEST_WAIT.min(Duration::from_secs(beyond.into())))
    }
}

impl Failures {
    /// What is left of them now.
    fn at(self, now: Moment) -> Self {
        let elapsed = Duration::from_nanos(now.as_nanos().saturating_sub(self.since.as_nanos()));
        let forgiven = u32::try_from(elapsed.as_secs() / FORGIVEN_EVERY.as_secs()).unwrap_or(u32::MAX);
        if forgiven >= self.count {
            return Self { count: 0, since: now };
        }
        Self {
            count: self.count - forgiven,
            since: self.since.saturating_add(FORGIVEN_EVERY.saturating_mul(forgiven)),
        }
    }

    fn one_more(self, now: Moment) -> Self {
        let since = if self.count == 0 { now } else { self.since };
        // More would only take longer to forgive.
        let most = FREE + u32::try_from(LONGEST_WAIT.as_secs()).unwrap_or(u32::MAX);
        Self { count: most.min(self.count + 1), since }
    }
}

impl Network {
    fn of(address: Option<IpAddr>) -> Self {
        match address.map(|address| address.to_canonical()) {
            None => Self::Unknown,
            Some(IpAddr::V4(address)) => Self::V4(address),
            // The upper 64 bits.
            Some(IpAddr::V6(address)) => Self::V6((address.to_bits() >> 64) as u64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::from_nanos(seconds * 1_000_000_000)
    }

    fn waits(slowdown: &Slowdown, address: &str, now: Moment) -> u64 {
        slowdown.failed(Some(address.parse().unwrap()), now).map_or(0, |wait| wait.as_secs())
    }

    #[test]
    fn failures_are_free_at_first_and_then_wait_longer_and_longer() {
        let slowdown = Slowdown::new();
        let all: Vec<u64> = (0..15).map(|_| waits(&slowdown, "192.0.2.1", at(0))).collect();
        assert_eq!(all, [0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 8, 8]);
        assert_eq!(waits(&slowdown, "192.0.2.2", at(0)), 0, "another address");
    }

    #[test]
    fn failures_are_forgiven_one_by_one() {
        let slowdown = Slowdown::new();
        for _ in 0..6 {
            waits(&slowdown, "192.0.2.1", at(0));
        }
        assert_eq!(waits(&slowdown, "192.0.2.1", at(29)), 2);
        assert_eq!(waits(&slowdown, "192.0.2.1", at(60)), 1);
        assert_eq!(waits(&slowdown, "192.0.2.1", at(100_000)), 0);
    }

    #[test]
    fn an_ipv6_network_counts_as_one() {
        let slowdown = Slowdown::new();
        for host in 1..=6 {
            waits(&slowdown, &format!("2001:db8:0:7::{host}"), at(0));
        }
        assert_eq!(waits(&slowdown, "2001:db8:0:7:ffff::1", at(0)), 2);
        assert_eq!(waits(&slowdown, "2001:db8:0:8::1", at(0)), 0);
        for _ in 1..=6 {
            waits(&slowdown, "192.0.2.1", at(0));
        }
        assert_eq!(waits(&slowdown, "::ffff:192.0.2.1", at(0)), 2);
    }
}
