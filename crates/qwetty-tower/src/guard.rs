use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::request::Parts;
use qwetty::Verifier;
use qwetty_guard::{Need, RequestId, RequestIds, TrustedProxies, WithoutForwardedFor, client_address};

use crate::layer::GuardLayer;
use crate::peer_address::PeerAddress;
use crate::policy::{Policy, Requiring};

/// What all layers of one service have in common: who decides, and what is believed of a request. Cheap to clone.
#[derive(Clone)]
pub struct Guard {
    pub(crate) verifier: Verifier,
    pub(crate) keeps_authorization: bool,
    ids: Arc<RequestIds>,
    trusted: Arc<TrustedProxies>,
    peer: Arc<PeerSource>,
}

type PeerSource = dyn Fn(&Parts) -> Option<SocketAddr> + Send + Sync;

impl Guard {
    /// A guard that lets this verifier decide and numbers requests with these ids. It trusts no proxy, takes a request's
    /// [`PeerAddress`] for its peer, and hides the key value from the service.
    pub fn new(verifier: Verifier, ids: RequestIds) -> Self {
        Self {
            verifier,
            keeps_authorization: false,
            ids: Arc::new(ids),
            trusted: Arc::default(),
            peer: Arc::new(|request| request.extensions.get().map(|&PeerAddress(address)| address)),
        }
    }

    /// Believes these proxies' `X-Forwarded-For` on who their clients are.
    #[must_use]
    pub fn trusting(self, proxies: TrustedProxies) -> Self {
        Self { trusted: Arc::new(proxies), ..self }
    }

    /// Learns the peer of a request in this way: from axum's `ConnectInfo`, say. `None` is an unknown address, which a key
    /// with an IP whitelist is refused for.
    #[must_use]
    pub fn peer_from(self, peer: impl Fn(&Parts) -> Option<SocketAddr> + Send + Sync + 'static) -> Self {
        Self { peer: Arc::new(peer), ..self }
    }

    /// Leaves the `Authorization` header in the request, marked as sensitive, for a service that has to hand the key value
    /// on. Otherwise it is taken out once the key is verified: what a service does not get, it cannot log or leak.
    #[must_use]
    pub fn keeping_authorization(self) -> Self {
        Self { keeps_authorization: true, ..self }
    }

    /// A layer for requests that all need these permissions; with none, any usable key will do.
    pub fn requiring(&self, permissions: &'static [&'static str]) -> GuardLayer<Requiring> {
        self.by(Requiring(permissions))
    }

    /// A layer that asks this closure what a request needs. What it answers `None` for is refused.
    pub fn deciding<F>(&self, needs: F) -> GuardLayer<F>
    where
        F: for<'a> Fn(&'a Parts) -> Option<Need<'a>>,
    {
        self.by(needs)
    }

    /// A layer that goes by this policy.
    pub fn by<P: Policy>(&self, policy: P) -> GuardLayer<P> {
        GuardLayer::new(self.clone(), policy)
    }

    /// The id that something outside gave the request, else a new one.
    pub(crate) fn id_of(&self, request: &Parts) -> RequestId {
        request.extensions.get().copied().unwrap_or_else(|| self.ids.next())
    }

    pub(crate) fn client_of(&self, request: &Parts) -> Option<IpAddr> {
        let peer = (self.peer)(request)?;
        client_address(peer.ip(), &request.headers, &self.trusted, WithoutForwardedFor::Peer)
    }
}
