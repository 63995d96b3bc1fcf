//! How many connections there may be, all together and of one client address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use qwetty_guard::{ClientNetwork, TrustedProxies};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::warn;

/// As many as a page with all that is on it opens, several times over: nobody is kept below it.
const LEAST_SHARE: usize = 64;

/// The places for connections.
#[derive(Debug)]
pub(crate) struct Places {
    all: Arc<Semaphore>,
    shares: Option<Arc<Shares>>,
}

/// What one address may have of them: an IPv4 address, or the 64 bits of an IPv6 network.
///
/// Addresses stand here while they have connections, so there are no more of them than places.
#[derive(Debug)]
struct Shares {
    most: usize,
    /// Behind these are many.
    exempt: TrustedProxies,
    taken: Mutex<HashMap<ClientNetwork, Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    places: usize,
    /// Whether it was told that there are no more for this address.
    told: bool,
}

/// A place that nobody has yet.
#[derive(Debug)]
pub(crate) struct Free(OwnedSemaphorePermit);

/// A connection's place, which is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _one_of_all: OwnedSemaphorePermit,
    _share: Option<Share>,
}

#[derive(Debug)]
struct Share {
    shares: Arc<Shares>,
    network: ClientNetwork,
}

impl Places {
    /// So many, for whoever comes first.
    pub(crate) fn new(count: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(count)), shares: None }
    }

    /// So many, of which one address may have `most`: a quarter, unless told, and no less than a browser needs. Loopback
    /// addresses and the proxies may have them all.
    pub(crate) fn shared(count: usize, most: Option<usize>, proxies: TrustedProxies) -> Self {
        let most = most.unwrap_or_else(|| (count / 4).max(LEAST_SHARE));
        let shares = Shares { most, exempt: proxies, taken: Mutex::default() };
        Self { shares: Some(Arc::new(shares)), ..Self::new(count) }
    }

    /// Waits until a place is free.
    pub(crate) async fn free(&self) -> Free {
        match Arc::clone(&self.all).acquire_owned().await {
            Ok(permit) => Free(permit),
            // It is never closed.
            Err(_) => std::future::pending().await,
        }
    }

    /// Gives the place to a connection of this peer, unless its address has as many as it may.
    pub(crate) fn give(&self, place: Free, peer: IpAddr) -> Option<Place> {
        let peer = peer.to_canonical();
        let share = match &self.shares {
            Some(shares) if !peer.is_loopback() && !shares.exempt.contains(peer) => Some(shares.take(peer)?),
            _ => None,
        };
        Some(Place { _one_of_all: place.0, _share: share })
    }
}

impl Shares {
    fn take(self: &Arc<Self>, peer: IpAddr) -> Option<Share> {
        let network = ClientNetwork::of(Some(peer));
        let mut all = self.taken();
        let taken = all.entry(network).or_default();
        if taken.places < self.most {
            taken.places += 1;
            return Some(Share { shares: Arc::clone(self), network });
        }
        if !std::mem::replace(&mut taken.told, true) {
            warn!(
                %peer,
                "this address has {} connections, and further ones are closed at once: if many are behind it, make it a trusted \
                 proxy or set max_connections_per_address higher",
                self.most
            );
        }
        None
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<ClientNetwork, Taken>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut all = self.shares.taken();
        if let Some(taken) = all.get_mut(&self.network) {
            taken.places = taken.places.saturating_sub(1);
            if taken.places == 0 {
                all.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn take(places: &Places, peer: &str) -> Option<Place> {
        places.give(places.free().await, peer.parse().unwrap())
    }

    #[tokio::test]
    async fn an_address_has_its_share_and_gets_it_back() {
        let places = Places::shared(10, Some(2), TrustedProxies::default());
        let first = take(&places, "192.0.2.1").await.unwrap();
        let _second = take(&places, "::ffff:192.0.2.1").await.unwrap();
        for _ in 0..20 {
            assert!(take(&places, "192.0.2.1").await.is_none(), "the place is free again each time");
        }
        let _other = take(&places, "192.0.2.2").await.unwrap();
        drop(first);
        let _third = take(&places, "192.0.2.1").await.unwrap();
        assert!(take(&places, "192.0.2.1").await.is_none());
    }

    #[tokio::test]
    async fn an_ipv6_network_is_one_address() {
        let places = Places::shared(10, Some(1), TrustedProxies::default());
        let _one = take(&places, "2001:db8:0:7::1").await.unwrap();
        assert!(take(&places, "2001:db8:0:7:ffff::2").await.is_none());
        take(&places, "2001:db8:0:8::1").await.unwrap();
    }

    #[tokio::test]
    async fn loopback_and_proxies_may_have_all() {
        let proxies = ["198.51.100.0/24".parse().unwrap()].into_iter().collect();
        let places = Places::shared(100, Some(1), proxies);
        let mut taken = Vec::new();
        for _ in 0..30 {
            for peer in ["127.0.0.1", "::1", "198.51.100.7"] {
                taken.push(take(&places, peer).await.unwrap());
            }
        }
    }

    #[tokio::test]
    async fn a_share_is_a_quarter_and_no_less_than_a_browser_needs() {
        for (count, share) in [(1000, 250), (100, 64), (16, 16)] {
            let places = Places::shared(count, None, TrustedProxies::default());
            let mut taken = Vec::new();
            while places.all.available_permits() > 0
                && let Some(place) = take(&places, "192.0.2.1").await
            {
                taken.push(place);
            }
            assert_eq!(taken.len(), share, "of {count}");
        }
    }

    #[tokio::test]
    async fn addresses_without_connections_take_no_memory() {
        let places = Places::shared(10, None, TrustedProxies::default());
        for address in 0..1000_u32 {
            drop(
                take(&places, &std::net::Ipv4Addr::from_bits(0x0102_0000 | address).to_string())
                    .await
                    .unwrap(),
            );
        }
        assert!(places.shares.unwrap().taken().is_empty());
    }
}
