//! The log, on standard error.

use std::io::{self, IsTerminal};

use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config_error::ConfigError;
use crate::environment::{self, Environment};
use crate::setting::Origin;

const DEFAULT: &str = "info";
/// The targets of this project's own crates begin with it.
const OWN: &str = "qwetty";

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
    subscriber(filter, io::stderr, io::stderr().is_terminal()).init();
    Ok(())
}

fn subscriber<W>(filter: EnvFilter, writer: W, ansi: bool) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_ansi(ansi)
        .finish()
        .with(filter_fn(is_ours_or_plain))
}

/// Libraries print at `debug` and `trace` what they read from the network, and key values with it: no filter lets that through.
fn is_ours_or_plain(metadata: &Metadata<'_>) -> bool {
    *metadata.level() <= Level::INFO || metadata.target().starts_with(OWN)
}

#[cfg(test)]
mod tests {
    use tracing::enabled;
    use tracing::subscriber::with_default;

    use super::*;

    #[test]
    fn no_filter_lets_a_library_say_more_than_info() {
        for filter in
            ["trace", "h2=trace,hyper=trace,qwetty_server=trace", "off,h2::server=trace,qwetty=trace"]
        {
            with_default(subscriber(EnvFilter::new(filter), io::sink, false), || {
                assert!(enabled!(target: "h2::server", Level::INFO), "{filter}");
                assert!(!enabled!(target: "h2::server", Level::DEBUG), "{filter}");
                assert!(!enabled!(target: "h2::server", Level::TRACE), "{filter}");
                assert!(enabled!(target: "qwetty_server::serve", Level::TRACE), "{filter}");
            });
        }
        with_default(subscriber(EnvFilter::new(DEFAULT), io::sink, false), || {
            assert!(enabled!(target: "qwetty_server::serve", Level::INFO));
            assert!(!enabled!(target: "qwetty_server::serve", Level::DEBUG));
            assert!(enabled!(target: "h2::server", Level::WARN));
        });
    }
}
