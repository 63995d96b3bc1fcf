//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::config_error::ConfigError;
use crate::layer::Layer;
use crate::setting::{Origin, Setting};

const AFTER_HELP: &str = "\
Every option can also be set by an environment variable (QWETTY_LISTEN, QWETTY_DATABASE, QWETTY_TRUSTED_PROXY with
commas, QWETTY_METRICS_LISTEN, QWETTY_TLS_CERT, QWETTY_TLS_KEY, QWETTY_TIER_STANDARD, QWETTY_TIER_ADMIN,
QWETTY_CONFIG) and in the file. Options win over the environment, the environment over the file. A pepper, the permission catalogue and a few more are set by
the file or the environment alone; see the documentation.";

/// Issues, verifies, limits and revokes API keys over HTTP.
#[derive(Debug, Parser)]
#[command(name = "qwetty-server", version, after_help = AFTER_HELP, args_conflicts_with_subcommands = true)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeOptions,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve (the default)
    #[command(after_help = AFTER_HELP)]
    Serve(ServeOptions),
    /// Issue another root key; the server must be stopped
    RootKey(FileOptions),
}

#[derive(Debug, Args)]
struct ServeOptions {
    #[command(flatten)]
    files: FileOptions,
    /// Where to listen [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// A proxy, or a network of them, whose X-Forwarded-For is believed; may be repeated
    #[arg(long, value_name = "CIDR")]
    trusted_proxy: Vec<String>,
    /// Where to serve /metrics [default: nowhere]
    #[arg(long, value_name = "ADDRESS:PORT")]
    metrics_listen: Option<String>,
    /// Speak TLS by this certificate chain, in PEM; needs --tls-key
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<String>,
    /// The private key of that certificate, in PEM
    #[arg(long, value_name = "FILE")]
    tls_key: Option<String>,
    /// The quota of the standard tier [default: 1000/3600]
    #[arg(long, value_name = "UNITS/SECONDS")]
    tier_standard: Option<String>,
    /// The quota of the admin tier [default: 5000/3600]
    #[arg(long, value_name = "UNITS/SECONDS")]
    tier_admin: Option<String>,
}

#[derive(Debug, Args)]
struct FileOptions {
    /// A TOML file with settings
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The database file [default: ./qwetty.db]
    #[arg(long, value_name = "FILE")]
    database: Option<String>,
}

/// What the program is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// Serve until told to stop.
    Serve,
    /// Issue another root key.
    RootKey,
}

impl CommandLine {
    pub(crate) fn task(&self) -> Task {
        match self.command {
            None | Some(Command::Serve(_)) => Task::Serve,
            Some(Command::RootKey(_)) => Task::RootKey,
        }
    }

    /// The configuration file, if one is named.
    pub(crate) fn config(&self) -> Option<PathBuf> {
        self.files().config.clone()
    }

    /// The settings that are given as options.
    ///
    /// # Errors
    ///
    /// The first option whose value its setting does not take.
    pub(crate) fn layer(&self) -> Result<Layer, ConfigError> {
        let mut layer = Layer::default();
        let mut set = |setting, option, values: &[String]| match values {
            [] => Ok(()),
            _ => layer
                .set(setting, values)
                .map_err(|fault| ConfigError::Malformed { origin: Origin::Option(option), fault }),
        };
        set(Setting::Database, "--database", self.files().database.as_slice())?;
        if let Some(options) = self.serve_options() {
            set(Setting::Listen, "--listen", options.listen.as_slice())?;
            set(Setting::TrustedProxies, "--trusted-proxy", &options.trusted_proxy)?;
            set(Setting::MetricsListen, "--metrics-listen", options.metrics_listen.as_slice())?;
            set(Setting::TlsCertificate, "--tls-cert", options.tls_cert.as_slice())?;
            set(Setting::TlsKey, "--tls-key", options.tls_key.as_slice())?;
            set(Setting::TierStandard, "--tier-standard", options.tier_standard.as_slice())?;
            set(Setting::TierAdmin, "--tier-admin", options.tier_admin.as_slice())?;
        }
        Ok(layer)
    }

    fn files(&self) -> &FileOptions {
        match &self.command {
            None => &self.serve.files,
            Some(Command::Serve(options)) => &options.files,
            Some(Command::RootKey(files)) => files,
        }
    }

    fn serve_options(&self) -> Option<&ServeOptions> {
        match &self.command {
            None => Some(&self.serve),
            Some(Command::Serve(options)) => Some(options),
            Some(Command::RootKey(_)) => None,
        }
    }
}
