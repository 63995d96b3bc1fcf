//! What a listener hands its requests to.

use std::net::SocketAddr;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tokio::time::Instant;

use crate::request_body::RequestBody;

/// Answers requests; everything around it (sockets, protocols, deadlines, shutdown) is this program's.
///
/// A call that has begun runs to its end even if its client hangs up, so an implementation may change things
/// in several steps; only the end of a shutdown's grace period cuts it off.
pub(crate) trait Handler: Send + Sync + 'static {
    /// Whether a request with this head may be answered [at once](Self::handle_at_once).
    fn is_for_at_once(&self, _head: &Parts) -> bool {
        false
    }

    /// Answers a request that `began` now, without waiting, if that is possible. Else `None`: [`handle`](Self::handle) answers
    /// the request with this head then, in which may be kept what was found out already.
    fn handle_at_once(
        &self,
        _head: &mut Parts,
        _body: &[u8],
        _peer: SocketAddr,
        _began: Instant,
    ) -> Option<Response<Full<Bytes>>> {
        None
    }

    /// Answers one request that came over a connection from `peer`.
    fn handle(
        &self,
        request: Request<&mut RequestBody>,
        peer: SocketAddr,
    ) -> impl Future<Output = Response<Full<Bytes>>> + Send;

    /// Answers what could not be read as a request, for the reason that `status` gives: 400, 414 or 431.
    fn refusal(&self, status: StatusCode) -> Response<Full<Bytes>>;
}
