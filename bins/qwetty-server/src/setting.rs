//! The settings by their names: as an option, as an environment variable and as a key of the file.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// Something an operator can set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setting {
    Listen,
    Database,
    TrustedProxies,
    MetricsListen,
    TlsCertificate,
    TlsKey,
    TierStandard,
    TierAdmin,
    FailedAttempts,
    LeakReports,
    GithubPublicKeys,
    Pepper,
    RetiredPeppers,
    FlushInterval,
    AuditRetention,
    MaxConnections,
    MaxConnectionsPerAddress,
    CacheCapacity,
    KeyPrefix,
}

/// The form of a setting's value in the file. The command line and the environment know only text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Text,
    /// In the environment separated by commas.
    List,
    Number,
}

impl Setting {
    pub(crate) const ALL: [Self; 19] = [
        Self::Listen,
        Self::Database,
        Self::TrustedProxies,
        Self::MetricsListen,
        Self::TlsCertificate,
        Self::TlsKey,
        Self::TierStandard,
        Self::TierAdmin,
        Self::FailedAttempts,
        Self::LeakReports,
        Self::GithubPublicKeys,
        Self::Pepper,
        Self::RetiredPeppers,
        Self::FlushInterval,
        Self::AuditRetention,
        Self::MaxConnections,
        Self::MaxConnectionsPerAddress,
        Self::CacheCapacity,
        Self::KeyPrefix,
    ];

    /// The key in the file.
    pub(crate) fn key(self) -> &'static str {
        self.names().0
    }

    /// The environment variable.
    pub(crate) fn variable(self) -> &'static str {
        self.names().1
    }

    pub(crate) fn form(self) -> Form {
        match self {
            Self::TrustedProxies | Self::RetiredPeppers => Form::List,
            Self::FlushInterval
            | Self::AuditRetention
            | Self::MaxConnections
            | Self::MaxConnectionsPerAddress
            | Self::CacheCapacity => Form::Number,
            _ => Form::Text,
        }
    }

    /// Whether its value must not be shown.
    pub(crate) fn is_secret(self) -> bool {
        matches!(self, Self::Pepper | Self::RetiredPeppers)
    }

    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Listen => ("listen", "QWETTY_LISTEN"),
            Self::Database => ("database", "QWETTY_DATABASE"),
            Self::TrustedProxies => ("trusted_proxies", "QWETTY_TRUSTED_PROXY"),
            Self::MetricsListen => ("metrics_listen", "QWETTY_METRICS_LISTEN"),
            Self::TlsCertificate => ("tls_cert", "QWETTY_TLS_CERT"),
            Self::TlsKey => ("tls_key", "QWETTY_TLS_KEY"),
            Self::TierStandard => ("tier_standard", "QWETTY_TIER_STANDARD"),
            Self::TierAdmin => ("tier_admin", "QWETTY_TIER_ADMIN"),
            Self::FailedAttempts => ("failed_attempts", "QWETTY_FAILED_ATTEMPTS"),
            Self::LeakReports => ("leak_reports", "QWETTY_LEAK_REPORTS"),
            Self::GithubPublicKeys => ("github_public_keys", "QWETTY_GITHUB_PUBLIC_KEYS"),
            Self::Pepper => ("pepper", "QWETTY_PEPPER"),
            Self::RetiredPeppers => ("retired_peppers", "QWETTY_RETIRED_PEPPERS"),
            Self::FlushInterval => ("flush_interval_ms", "QWETTY_FLUSH_INTERVAL_MS"),
            Self::AuditRetention => ("audit_retention_days", "QWETTY_AUDIT_RETENTION_DAYS"),
            Self::MaxConnections => ("max_connections", "QWETTY_MAX_CONNECTIONS"),
            Self::MaxConnectionsPerAddress => {
                ("max_connections_per_address", "QWETTY_MAX_CONNECTIONS_PER_ADDRESS")
            }
            Self::CacheCapacity => ("cache_capacity", "QWETTY_CACHE_CAPACITY"),
            Self::KeyPrefix => ("key_prefix", "QWETTY_KEY_PREFIX"),
        }
    }
}

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Option(&'static str),
    Variable(String),
    File { path: Arc<Path>, line: usize, key: String },
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Option(name) => write!(formatter, "option {name}"),
            Self::Variable(name) => write!(formatter, "environment variable {name}"),
            // A quoted key may have line breaks, which a log must not.
            Self::File { path, line, key } => {
                write!(formatter, "{}:{line}: setting {}", path.display(), key.escape_debug())
            }
        }
    }
}
