//! The log, on standard error.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use crate::config_error::ConfigError;
use crate::environment::{self, Environment};
use crate::setting::Origin;

const DEFAULT: &str = "info";

/// Starts the log, with what `QWETTY_LOG` lets through (`info` if it is unset).
///
/// # Errors
///
/// The variable's value is no filter.
pub(crate) fn start(environment: &Environment) -> Result<(), ConfigError> {
    let text = environment.text(environment::LOG)?.unwrap_or(DEFAULT);
    let filter = EnvFilter::try_new(text).map_err(|error| ConfigError::Malformed {
        origin: Origin::Variable(environment::LOG.to_owned()),
        fault: error.to_string(),
    })?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .init();
    Ok(())
}
