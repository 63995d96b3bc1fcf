//! What can be wrong with a configuration.

use std::io;
use std::path::PathBuf;

use crate::setting::Origin;

/// A fault in the configuration. Its message names the place; it never shows a pepper.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// A value that its setting does not take.
    #[error("{origin}: {fault}")]
    Malformed {
        /// Where it was written.
        origin: Origin,
        /// What is wrong with it.
        fault: String,
    },
    /// A setting in the file that does not exist.
    #[error("{origin} is unknown; known are {known}")]
    Unknown {
        /// Where it was written.
        origin: Origin,
        /// The settings that exist at that place.
        known: String,
    },
    /// A variable whose name is nearly that of another.
    #[error("{origin} is unknown; {meant} was probably meant")]
    Misspelled {
        /// What was written.
        origin: Origin,
        /// What exists.
        meant: &'static str,
    },
    /// A certificate without its key.
    #[error(
        "TLS has a certificate and no key: set option --tls-key, environment variable QWETTY_TLS_KEY or setting tls_key, too"
    )]
    NoTlsKey,
    /// A key without its certificate.
    #[error(
        "TLS has a key and no certificate: set option --tls-cert, environment variable QWETTY_TLS_CERT or setting tls_cert, too"
    )]
    NoTlsCertificate,
    /// The file cannot be read.
    #[error("cannot read the configuration file {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not TOML.
    #[error("{}:{line}: not valid TOML: {fault}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line of the fault, from 1.
        line: usize,
        /// What is wrong with it.
        fault: String,
    },
}
