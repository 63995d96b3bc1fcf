//! The program's two tasks, from start to end.

use std::io;
use std::sync::Arc;

use tracing::{info, warn};

use crate::activity::Patience;
use crate::announce::announce;
use crate::config::Config;
use crate::engine::{Engine, EngineError};
use crate::front::{BindError, Front};
use crate::metrics::Metrics;
use crate::signals::Signals;

/// A task cannot be done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TaskError {
    /// SIGTERM and SIGINT cannot be taken over.
    #[error("cannot listen for signals: {0}")]
    Signals(#[source] io::Error),
    /// A socket cannot be bound.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The engine fails.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Nobody would have seen the root key.
    #[error("cannot print the root key to standard output: {0}")]
    Announce(#[source] io::Error),
}

/// Serves until SIGTERM or SIGINT.
///
/// The order matters. The sockets are bound before the database is opened, so that a start which cannot listen has
/// made no root key that nobody saw; the root key counts as printed only when it was; and `listening on` comes last,
/// since whoever waits for it expects answers.
pub(crate) async fn serve(config: Config) -> Result<(), TaskError> {
    let mut signals = Signals::listen().map_err(TaskError::Signals)?;
    let front = Front::bind(&config.listen, config.metrics_listen.as_ref()).await?;
    let metrics = Arc::new(Metrics::new());
    let engine = Arc::new(Engine::open(&config, Arc::clone(&metrics)).await?);
    if let Some(root_key) = engine.unprinted_root_key().await? {
        announce(&format!("root key: {}", root_key.value.expose())).map_err(TaskError::Announce)?;
        engine.root_key_printed().await?;
    }
    if let Err(error) = announce(&format!("listening on http://{}", front.address())) {
        warn!(%error, address = %front.address(), "listening, but could not say so on standard output");
    }
    let stop = async {
        let signal = signals.received().await;
        info!("{signal}: finishing what is in flight");
    };
    front.serve(Arc::clone(&engine), metrics, config.max_connections, Patience::default(), stop).await;
    engine.close().await?;
    info!("stopped");
    Ok(())
}

/// Issues another root key and prints it.
pub(crate) async fn root_key(config: Config) -> Result<(), TaskError> {
    let engine = Engine::open_existing(&config, Arc::new(Metrics::new())).await?;
    let root_key = engine.issue_root_key().await?;
    announce(&format!("root key: {}", root_key.value.expose())).map_err(TaskError::Announce)?;
    engine.close().await?;
    Ok(())
}
