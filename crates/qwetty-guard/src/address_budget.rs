//! A budget for each client address, for what strangers may do.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use qwetty_ratelimit::Moment;

/// How many addresses can be told apart. Each takes 8 bytes, used or not.
const SLOTS: usize = 1 << 16;

/// So many units at once and so many per window on average, for each client address: an IPv4 address, or the 64 bits of an
/// IPv6 network, which is what one customer has.
///
/// Strangers choose addresses, and can have many. So this is a fixed array, 512 KiB, into which addresses are hashed under a
/// random key: nobody can make it grow, nobody can have an address forgotten by bringing others, and nobody can work out
/// which addresses share a slot with theirs. Addresses that do share one share its budget. That can cost somebody a wait,
/// so it is for what may be made to wait, and for nothing that a good key depends on.
pub struct AddressBudget {
    /// When the units that were taken will all have been given back, in the nanoseconds of [`Moment`].
    slots: Box<[AtomicU64]>,
    hasher: RandomState,
    units: u32,
    window: u64,
    interval: u64,
}

/// There is no unit within the time that the caller has; nothing was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exhausted {
    /// After so long there is one that can be waited for.
    pub retry_after: Duration,
}

/// What counts as one client: an IPv4 address, or the 64 bits of an IPv6 network, which is what one customer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientNetwork(Network);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Network {
    Unknown,
    V4(Ipv4Addr),
    V6(u64),
}

impl AddressBudget {
    /// A budget of so many units, 1 at least, given back one by one over the window.
    #[must_use]
    pub fn new(units: u32, window: Duration) -> Self {
        let window = u64::try_from(window.as_nanos()).unwrap_or(u64::MAX);
        Self {
            slots: (0..SLOTS).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::new(),
            units: units.max(1),
            window,
            interval: (window / u64::from(units).max(1)).max(1),
        }
    }

    /// Takes units for an address, the whole budget at most, and says how long to wait until they are there: not at all, mostly. An unknown address is
    /// one of its own.
    ///
    /// # Errors
    ///
    /// [`Exhausted`] if the wait would be longer than `patience`. Nothing is taken then, so that whoever asks without a
    /// pause does not put off the time at which they are served again.
    pub fn take(
        &self,
        address: Option<IpAddr>,
        units: u32,
        patience: Duration,
        now: Moment,
    ) -> Result<Duration, Exhausted> {
        let cost = self.interval.saturating_mul(units.min(self.units).into());
        let patience = u64::try_from(patience.as_nanos()).unwrap_or(u64::MAX);
        let now = now.as_nanos();
        let mut wait = 0;
        let taken = self.slot(address).fetch_update(Ordering::Relaxed, Ordering::Relaxed, |full_at| {
            let full_at = full_at.max(now).saturating_add(cost);
            wait = full_at.saturating_sub(now).saturating_sub(self.window);
            (wait <= patience).then_some(full_at)
        });
        match taken {
            Ok(_) => Ok(Duration::from_nanos(wait)),
            Err(_) => Err(Exhausted { retry_after: Duration::from_nanos(wait.saturating_sub(patience)) }),
        }
    }

    #[expect(clippy::indexing_slicing, reason = "a slot is a remainder of the number of slots")]
    fn slot(&self, address: Option<IpAddr>) -> &AtomicU64 {
        let hash = self.hasher.hash_one(ClientNetwork::of(address));
        &self.slots[usize::try_from(hash % SLOTS as u64).unwrap_or(0)]
    }
}

impl fmt::Debug for AddressBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AddressBudget")
            .field("window", &Duration::from_nanos(self.window))
            .field("interval", &Duration::from_nanos(self.interval))
            .finish_non_exhaustive()
    }
}

impl Exhausted {
    /// The same in whole seconds, rounded up, as `Retry-After` has it.
    #[must_use]
    pub fn retry_after_seconds(self) -> u64 {
        u64::try_from(self.retry_after.as_nanos().div_ceil(1_000_000_000)).unwrap_or(u64::MAX).max(1)
    }
}

impl ClientNetwork {
    /// That of an address; an unknown one is one of its own, and an IPv4-mapped one is IPv4.
    #[must_use]
    pub fn of(address: Option<IpAddr>) -> Self {
        Self(match address.map(|address| address.to_canonical()) {
            None => Network::Unknown,
            Some(IpAddr::V4(address)) => Network::V4(address),
            // The upper 64 bits.
            Some(IpAddr::V6(address)) => Network::V6((address.to_bits() >> 64) as u64),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget() -> AddressBudget {
        AddressBudget::new(6, Duration::from_secs(60))
    }

    fn at(seconds: u64) -> Moment {
        Moment::from_nanos(seconds * 1_000_000_000)
    }

    fn take(budget: &AddressBudget, address: &str, now: Moment) -> Result<u64, u64> {
        take_patiently(budget, address, 0, now)
    }

    fn take_patiently(budget: &AddressBudget, address: &str, patience: u64, now: Moment) -> Result<u64, u64> {
        let taken = budget.take(address.parse().ok(), 1, Duration::from_secs(patience), now);
        taken.map(|wait| wait.as_secs()).map_err(Exhausted::retry_after_seconds)
    }

    #[test]
    fn the_whole_budget_is_there_at_once_and_comes_back_one_by_one() {
        let budget = budget();
        for _ in 0..6 {
            assert_eq!(take(&budget, "192.0.2.1", at(0)), Ok(0));
        }
        assert_eq!(take(&budget, "192.0.2.1", at(0)), Err(10));
        assert_eq!(take(&budget, "192.0.2.1", at(9)), Err(1));
        assert_eq!(take(&budget, "192.0.2.1", at(10)), Ok(0));
        assert_eq!(take(&budget, "192.0.2.1", at(10)), Err(10), "asking in vain takes nothing");
        for _ in 0..6 {
            assert_eq!(take(&budget, "192.0.2.1", at(1_000)), Ok(0));
        }
    }

    #[test]
    fn who_has_patience_is_told_how_long_to_wait() {
        let budget = budget();
        for _ in 0..6 {
            take(&budget, "192.0.2.1", at(0)).unwrap();
        }
        assert_eq!(take_patiently(&budget, "192.0.2.1", 20, at(0)), Ok(10));
        assert_eq!(take_patiently(&budget, "192.0.2.1", 20, at(0)), Ok(20));
        assert_eq!(take_patiently(&budget, "192.0.2.1", 20, at(0)), Err(10));
        assert_eq!(take_patiently(&budget, "192.0.2.1", 20, at(5)), Err(5));
    }

    #[test]
    fn several_units_are_taken_together() {
        let budget = budget();
        let take = |units| budget.take(None, units, Duration::ZERO, at(0));
        assert_eq!(take(5), Ok(Duration::ZERO));
        assert_eq!(take(2), Err(Exhausted { retry_after: Duration::from_secs(10) }));
        assert_eq!(take(1), Ok(Duration::ZERO));
    }

    #[test]
    fn an_ipv6_network_is_one_address_and_a_mapped_address_is_ipv4() {
        let budget = budget();
        for host in 1..=6 {
            assert_eq!(take(&budget, &format!("2001:db8:0:7::{host}"), at(0)), Ok(0));
        }
        assert_eq!(take(&budget, "2001:db8:0:7:ffff::1", at(0)), Err(10));
        for _ in 0..6 {
            assert_eq!(take(&budget, "192.0.2.1", at(0)), Ok(0));
        }
        assert_eq!(take(&budget, "::ffff:192.0.2.1", at(0)), Err(10));
        // Others, and who they share a slot with is up to the random key: not all of them the same.
        let free = (8..40).filter(|net| take(&budget, &format!("2001:db8:0:{net}::1"), at(0)) == Ok(0));
        assert!(free.count() > 28);
    }

    #[test]
    fn a_flood_of_addresses_takes_no_memory() {
        let budget = budget();
        let bytes = |budget: &AddressBudget| size_of_val(&*budget.slots);
        assert_eq!(bytes(&budget), 512 * 1024);
        for address in 0..1_000_000u32 {
            budget.take(Some(IpAddr::V4(address.into())), 1, Duration::ZERO, at(0)).ok();
        }
        assert_eq!(bytes(&budget), 512 * 1024);
        // Nor does it have anybody forgotten.
        for _ in 0..6 {
            take(&budget, "2001:db8::1", at(1)).ok();
        }
        assert!(take(&budget, "2001:db8::1", at(1)).is_err());
    }

    #[test]
    fn a_clock_at_its_end_and_a_large_cost_do_no_harm() {
        let budget = AddressBudget::new(u32::MAX, Duration::from_secs(1));
        let last = Moment::from_nanos(u64::MAX);
        assert!(budget.take(None, u32::MAX, Duration::MAX, last).is_ok());
        assert!(budget.take(None, u32::MAX, Duration::MAX, Moment::from_nanos(0)).is_ok());
    }
}
