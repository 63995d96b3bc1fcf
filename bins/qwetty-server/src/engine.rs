//! What answers the requests: the engine, over SQLite, its HTTP service and its console.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use qwetty::{ManageError, RootKey, StartError};
use qwetty_console::{Console, ConsoleError, ConsoleOptions};
use qwetty_guard::{AddressBudget, AmbiguousTable, FailedAttempts, TrustedProxies};
use qwetty_http::{Answer, Api};
use qwetty_keys::Digester;
use qwetty_ratelimit::Quota;
use qwetty_storage::StoreError;
use qwetty_storage_sqlite::{OpenError, Options, SqliteStore};
use rand_core::TryRng;
use tokio::time::Instant;

use crate::config::Config;
use crate::handler::Handler;
use crate::metrics::Metrics;
use crate::request_body::RequestBody;

/// The engine, its HTTP service and its console.
pub(crate) struct Engine {
    store: Arc<SqliteStore>,
    engine: qwetty::Engine,
    api: Api,
    console: Console,
    metrics: Arc<Metrics>,
}

/// The engine cannot do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EngineError {
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The engine cannot start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The operating system's random source failed.
    #[error("the operating system gave no random bytes: {0}")]
    Random(#[from] rand::rngs::SysError),
    /// The service cannot be put together.
    #[error(transparent)]
    Service(#[from] AmbiguousTable),
    /// The console cannot be put together.
    #[error("cannot set up the console: {0}")]
    Console(#[from] ConsoleError),
    /// A root key could not be made.
    #[error("cannot make a root key: {0}")]
    RootKey(#[from] ManageError),
    /// What was counted could not be written down.
    #[error("cannot write down usage: {0}")]
    Flush(#[source] StoreError),
    /// There is no database to issue a root key for.
    #[error("{} does not exist; `qwetty-server serve` makes it", .0.display())]
    NoDatabase(std::path::PathBuf),
}

impl Engine {
    /// Opens the database that the configuration names, if there is one.
    pub(crate) async fn open_existing(config: &Config, metrics: Arc<Metrics>) -> Result<Self, EngineError> {
        if !config.database.exists() {
            return Err(EngineError::NoDatabase(config.database.clone()));
        }
        Self::open(config, metrics).await
    }

    /// Opens the database that the configuration names, making one if there is none.
    pub(crate) async fn open(config: &Config, metrics: Arc<Metrics>) -> Result<Self, EngineError> {
        let path = config.database.clone();
        let opened = tokio::task::spawn_blocking(move || SqliteStore::open(path, Options::default()));
        let store = Arc::new(opened.await.map_err(|_| StartError::Store(stopped()))??);
        let engine = qwetty::Engine::builder(store.clone())
            .prefix(config.key_prefix)
            .digester(digester(config))
            .catalogue(config.catalogue.clone())
            .quotas(config.quotas)
            .flush_interval(config.flush_interval)
            .audit_retention(config.audit_retention)
            .cache_capacity(config.cache_capacity)
            .start()?;
        let mut seed = [0; 16];
        rand::rngs::SysRng.try_fill_bytes(&mut seed)?;
        let trusted: TrustedProxies = config.trusted_proxies.iter().copied().collect();
        let counted = Arc::clone(&metrics);
        let failed_attempts = match config.failed_attempts {
            Some(quota) => FailedAttempts::new(budget(quota)),
            None => FailedAttempts::default(),
        };
        let failed_attempts =
            Arc::new(failed_attempts.observed_by(move |attempt| counted.failed_attempt(attempt.as_str())));
        let options = ConsoleOptions {
            trusted_proxies: trusted.clone(),
            is_tls: config.tls.is_some(),
            failed_attempts: Arc::clone(&failed_attempts),
        };
        let console = Console::new(engine.clone(), options, rand::rngs::SysRng)?;
        let api = Api::new(engine.clone(), trusted, config.routes.clone(), u128::from_le_bytes(seed))?
            .failed_attempts(failed_attempts);
        let api = match &config.github_keys {
            Some(keys) => api.github(keys.clone()),
            None => api,
        };
        let api = match config.leak_reports {
            Some(quota) => api.leak_reports(budget(quota)),
            None => api,
        };
        Ok(Self { store, engine, api, console, metrics })
    }

    /// The root key that has not been printed yet, if there is one. Called once, before anything is served.
    pub(crate) async fn unprinted_root_key(&self) -> Result<Option<RootKey>, EngineError> {
        Ok(self.engine.manager().set_up().await?)
    }

    /// The root key has been printed, and must not be printed again.
    pub(crate) async fn root_key_printed(&self) -> Result<(), EngineError> {
        Ok(self.engine.manager().root_announced().await?)
    }

    /// Issues another root key.
    pub(crate) async fn issue_root_key(&self) -> Result<RootKey, EngineError> {
        Ok(self.engine.manager().issue_root().await?)
    }

    fn counted(&self, answer: Answer, began: Instant) -> Response<Full<Bytes>> {
        let Answer { response, route, decision } = answer;
        if let Some(code) = decision {
            self.metrics.decision(code);
        }
        self.metrics.request(route, response.status(), began.elapsed());
        response
    }

    /// Writes down everything that is counted and not yet stored. Nothing is served any more.
    pub(crate) async fn close(&self) -> Result<(), EngineError> {
        let flushed = self.engine.shutdown().await;
        self.store.close().await;
        flushed.map_err(EngineError::Flush)
    }
}

impl Handler for Engine {
    fn is_for_at_once(&self, head: &Parts) -> bool {
        self.api.is_for_at_once(head)
    }

    fn handle_at_once(
        &self,
        head: &mut Parts,
        body: &[u8],
        peer: SocketAddr,
        began: Instant,
    ) -> Option<Response<Full<Bytes>>> {
        let answer = self.api.handle_at_once(head, body, peer)?;
        Some(self.counted(answer, began))
    }

    async fn handle(&self, request: Request<&mut RequestBody>, peer: SocketAddr) -> Response<Full<Bytes>> {
        let began = Instant::now();
        if Console::serves(request.uri().path()) {
            let qwetty_console::Answer { response, route } =
                Box::pin(self.console.handle(request, peer)).await;
            self.metrics.request(route, response.status(), began.elapsed());
            return response;
        }
        let answer = self.api.handle(request, peer).await;
        self.counted(answer, began)
    }

    fn refusal(&self, status: StatusCode) -> Response<Full<Bytes>> {
        self.api.refusal(status)
    }
}

fn budget(quota: Quota) -> AddressBudget {
    AddressBudget::new(quota.limit(), quota.window())
}

fn digester(config: &Config) -> Digester {
    let current = Digester::new(config.pepper.as_ref());
    config.retired_peppers.iter().fold(current, |digester, retired| digester.with_retired(retired.as_ref()))
}

fn stopped() -> StoreError {
    StoreError::unavailable("the thread that opens the database ended early")
}
