use std::net::SocketAddr;

/// Where a request's connection comes from: what a [`Guard`](crate::Guard) takes for the peer unless it is told otherwise.
/// Whoever accepts connections puts it into the extensions of each request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerAddress(pub SocketAddr);
