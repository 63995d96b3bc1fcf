//! What answers the requests: the place where the engine and its HTTP service are put into this program.
//!
//! Until they are, every request is refused with 503 and no root key is issued.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;

use crate::config::Config;
use crate::handler::Handler;
use crate::metrics::Metrics;
use crate::request_body::RequestBody;

/// The engine and its HTTP service.
pub(crate) struct Engine {
    metrics: Arc<Metrics>,
}

/// The engine cannot do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EngineError {
    /// This build has no engine.
    #[error("this build has no engine")]
    Missing,
}

impl Engine {
    /// Opens the database that the configuration names, making one if there is none.
    #[expect(clippy::unused_async, reason = "opening a database waits")]
    pub(crate) async fn open(_: &Config, metrics: Arc<Metrics>) -> Result<Self, EngineError> {
        Ok(Self { metrics })
    }

    /// The root key that has not been printed yet, if there is one. Called once, before anything is served.
    #[expect(clippy::unused_async, reason = "making a root key waits for the database")]
    pub(crate) async fn unprinted_root_key(&self) -> Result<Option<String>, EngineError> {
        Ok(None)
    }

    /// The root key has been printed, and must not be printed again.
    #[expect(clippy::unused_async, reason = "noting it waits for the database")]
    pub(crate) async fn root_key_printed(&self) -> Result<(), EngineError> {
        Ok(())
    }

    /// Issues another root key.
    #[expect(clippy::unused_async, reason = "making a root key waits for the database")]
    pub(crate) async fn issue_root_key(&self) -> Result<String, EngineError> {
        Err(EngineError::Missing)
    }

    /// Writes down everything that is counted and not yet stored. Nothing is served any more.
    #[expect(clippy::unused_async, reason = "flushing waits for the database")]
    pub(crate) async fn close(&self) -> Result<(), EngineError> {
        Ok(())
    }
}

impl Handler for Engine {
    async fn handle(&self, _: Request<RequestBody>, _: SocketAddr) -> Response<Full<Bytes>> {
        self.metrics.decision("unavailable");
        self.metrics.request("none", StatusCode::SERVICE_UNAVAILABLE, Duration::ZERO);
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        response
    }
}
