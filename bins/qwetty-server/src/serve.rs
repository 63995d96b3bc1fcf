//! The program's two tasks, from start to end.

use std::io;
use std::sync::Arc;

use qwetty::{Clock, SystemClock};
use tracing::{error, info, warn};

use crate::activity::Patience;
use crate::announce::announce;
use crate::config::Config;
use crate::engine::{Engine, EngineError};
use crate::front::{BindError, Front};
use crate::metrics::Metrics;
use crate::open_files::room_for;
use crate::places::Places;
use crate::signals::{Hangups, Signals};
use crate::tls::{Tls, TlsError};

/// A task cannot be done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TaskError {
    /// SIGTERM, SIGINT and SIGHUP cannot be taken over.
    #[error("cannot listen for signals: {0}")]
    Signals(#[source] io::Error),
    /// The certificate or its key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
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
/// The order matters. The certificate is read and the sockets are bound before the database is opened, so that a start
/// which cannot listen has made no root key that nobody saw; the root key counts as printed only when it was; and `listening on` comes last,
/// since whoever waits for it expects answers.
pub(crate) async fn serve(config: Config) -> Result<(), TaskError> {
    let mut signals = Signals::listen().map_err(TaskError::Signals)?;
    let hangups = Hangups::listen().map_err(TaskError::Signals)?;
    let clock = SystemClock::new();
    let tls = config.tls.clone().map(|files| Tls::load(files, clock.now().wall)).transpose()?.map(Arc::new);
    tokio::spawn(read_again(hangups, tls.clone(), clock));
    let proxies = config.trusted_proxies.iter().copied().collect();
    let places =
        Places::shared(room_for(config.max_connections), config.max_connections_per_address, proxies);
    let front = Front::bind(&config.listen, config.metrics_listen.as_ref()).await?;
    let metrics = Arc::new(Metrics::new());
    let engine = Arc::new(Engine::open(&config, Arc::clone(&metrics)).await?);
    if let Some(root_key) = engine.unprinted_root_key().await? {
        announce(&format!("root key: {}", root_key.value.expose())).map_err(TaskError::Announce)?;
        engine.root_key_printed().await?;
    }
    let address = front.address();
    if tls.is_none() && !address.ip().to_canonical().is_loopback() {
        warn!(
            %address,
            "listening without TLS where others than this machine may reach it: keys cross the network in the clear; set \
             --tls-cert and --tls-key, or listen on a loopback address behind a proxy that terminates TLS"
        );
    }
    let scheme = if tls.is_some() { "https" } else { "http" };
    if let Err(error) = announce(&format!("listening on {scheme}://{address}")) {
        warn!(%error, %address, "listening, but could not say so on standard output");
    }
    let stop = async {
        let signal = signals.received().await;
        info!("{signal}: finishing what is in flight");
    };
    front.serve(Arc::clone(&engine), tls, metrics, places, Patience::default(), stop).await;
    engine.close().await?;
    info!("stopped");
    Ok(())
}

/// Reads the certificate and its key again at every SIGHUP, if there are any.
async fn read_again(mut hangups: Hangups, tls: Option<Arc<Tls>>, clock: SystemClock) {
    loop {
        hangups.received().await;
        let Some(tls) = tls.clone() else {
            info!("SIGHUP: there is nothing to read again, without TLS");
            continue;
        };
        let now = clock.now().wall;
        match tokio::task::spawn_blocking(move || tls.reload(now)).await {
            Ok(Ok(())) => {
                info!("SIGHUP: new connections get the TLS certificate and key that were read again")
            }
            Ok(Err(error)) => error!(%error, "SIGHUP: new connections get the TLS certificate of before"),
            Err(error) => error!(%error, "SIGHUP: the TLS certificate was not read again"),
        }
    }
}

/// Issues another root key and prints it.
pub(crate) async fn root_key(config: Config) -> Result<(), TaskError> {
    let engine = Engine::open_existing(&config, Arc::new(Metrics::new())).await?;
    let root_key = engine.issue_root_key().await?;
    announce(&format!("root key: {}", root_key.value.expose())).map_err(TaskError::Announce)?;
    engine.close().await?;
    Ok(())
}
