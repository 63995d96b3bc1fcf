//! One source's settings, parsed.

use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use qwetty_authz::{Catalogue, Network};
use qwetty_guard::RouteTable;
use qwetty_http::GithubKeys;
use qwetty_keys::{KeyPrefix, Pepper};
use qwetty_ratelimit::Quota;

use crate::listen_address::ListenAddress;
use crate::regular_file;
use crate::setting::Setting;

const FLUSH_INTERVAL_MS: std::ops::RangeInclusive<u64> = 10..=60_000;
const AUDIT_RETENTION_DAYS: std::ops::RangeInclusive<u64> = 1..=36_500;
const MAX_CONNECTIONS: std::ops::RangeInclusive<usize> = 1..=1_000_000;
const CACHE_CAPACITY: std::ops::RangeInclusive<usize> = 1..=100_000_000;

/// What one of the command line, the environment and the file says. Each is parsed whole, so that a malformed
/// value is found even where another source overrides it.
#[derive(Debug, Default)]
pub(crate) struct Layer {
    pub(crate) listen: Option<ListenAddress>,
    pub(crate) database: Option<PathBuf>,
    pub(crate) trusted_proxies: Option<Vec<Network>>,
    pub(crate) metrics_listen: Option<ListenAddress>,
    pub(crate) tls_certificate: Option<PathBuf>,
    pub(crate) tls_key: Option<PathBuf>,
    pub(crate) tier_standard: Option<Quota>,
    pub(crate) tier_admin: Option<Quota>,
    pub(crate) failed_attempts: Option<Quota>,
    pub(crate) leak_reports: Option<Quota>,
    pub(crate) github_keys: Option<GithubKeys>,
    pub(crate) pepper: Option<Pepper>,
    pub(crate) retired_peppers: Option<Vec<Option<Pepper>>>,
    pub(crate) flush_interval: Option<Duration>,
    pub(crate) audit_retention: Option<Duration>,
    pub(crate) max_connections: Option<usize>,
    pub(crate) max_connections_per_address: Option<usize>,
    pub(crate) cache_capacity: Option<usize>,
    pub(crate) key_prefix: Option<KeyPrefix>,
    pub(crate) catalogue: Option<Catalogue>,
    pub(crate) routes: Option<RouteTable>,
}

impl Layer {
    /// Takes a setting's values: exactly one, unless the setting is a list.
    ///
    /// # Errors
    ///
    /// What is wrong with which value.
    pub(crate) fn set<T: AsRef<str>>(&mut self, setting: Setting, values: &[T]) -> Result<(), String> {
        match setting {
            Setting::Listen => self.listen = Some(one(setting, values)?),
            Setting::Database => self.database = Some(file(setting, values)?),
            Setting::TrustedProxies => self.trusted_proxies = Some(all(setting, values)?),
            Setting::MetricsListen => self.metrics_listen = Some(one(setting, values)?),
            Setting::TlsCertificate => self.tls_certificate = Some(file(setting, values)?),
            Setting::TlsKey => self.tls_key = Some(file(setting, values)?),
            Setting::TierStandard => self.tier_standard = Some(one(setting, values)?),
            Setting::TierAdmin => self.tier_admin = Some(one(setting, values)?),
            Setting::FailedAttempts => self.failed_attempts = Some(one(setting, values)?),
            Setting::LeakReports => self.leak_reports = Some(one(setting, values)?),
            Setting::GithubPublicKeys => self.github_keys = Some(github_keys(values)?),
            Setting::Pepper => self.pepper = Some(one(setting, values)?),
            Setting::RetiredPeppers => {
                let retired: Vec<RetiredPepper> = all(setting, values)?;
                self.retired_peppers =
                    Some(retired.into_iter().map(|RetiredPepper(pepper)| pepper).collect());
            }
            Setting::FlushInterval => {
                let milliseconds = one(setting, values)?;
                in_range(milliseconds, &FLUSH_INTERVAL_MS, "milliseconds")?;
                self.flush_interval = Some(Duration::from_millis(milliseconds));
            }
            Setting::AuditRetention => {
                let days = one(setting, values)?;
                in_range(days, &AUDIT_RETENTION_DAYS, "days")?;
                self.audit_retention = Some(Duration::from_secs(days * 24 * 3600));
            }
            Setting::MaxConnections => {
                let connections = one(setting, values)?;
                in_range(connections, &MAX_CONNECTIONS, "connections")?;
                self.max_connections = Some(connections);
            }
            Setting::MaxConnectionsPerAddress => {
                let connections = one(setting, values)?;
                in_range(connections, &MAX_CONNECTIONS, "connections")?;
                self.max_connections_per_address = Some(connections);
            }
            Setting::CacheCapacity => {
                let keys = one(setting, values)?;
                in_range(keys, &CACHE_CAPACITY, "keys")?;
                self.cache_capacity = Some(keys);
            }
            Setting::KeyPrefix => self.key_prefix = Some(one(setting, values)?),
        }
        Ok(())
    }

    /// This layer, and where it says nothing, the one below.
    pub(crate) fn over(self, below: Self) -> Self {
        Self {
            listen: self.listen.or(below.listen),
            database: self.database.or(below.database),
            trusted_proxies: self.trusted_proxies.or(below.trusted_proxies),
            metrics_listen: self.metrics_listen.or(below.metrics_listen),
            tls_certificate: self.tls_certificate.or(below.tls_certificate),
            tls_key: self.tls_key.or(below.tls_key),
            tier_standard: self.tier_standard.or(below.tier_standard),
            tier_admin: self.tier_admin.or(below.tier_admin),
            failed_attempts: self.failed_attempts.or(below.failed_attempts),
            leak_reports: self.leak_reports.or(below.leak_reports),
            github_keys: self.github_keys.or(below.github_keys),
            pepper: self.pepper.or(below.pepper),
            retired_peppers: self.retired_peppers.or(below.retired_peppers),
            flush_interval: self.flush_interval.or(below.flush_interval),
            audit_retention: self.audit_retention.or(below.audit_retention),
            max_connections: self.max_connections.or(below.max_connections),
            max_connections_per_address: self
                .max_connections_per_address
                .or(below.max_connections_per_address),
            cache_capacity: self.cache_capacity.or(below.cache_capacity),
            key_prefix: self.key_prefix.or(below.key_prefix),
            catalogue: self.catalogue.or(below.catalogue),
            routes: self.routes.or(below.routes),
        }
    }
}

/// A pepper that values may still have been digested under; `none` stands for the time before there was one.
struct RetiredPepper(Option<Pepper>);

impl FromStr for RetiredPepper {
    type Err = <Pepper as FromStr>::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" { Ok(Self(None)) } else { text.parse().map(|pepper| Self(Some(pepper))) }
    }
}

fn one<T: FromStr<Err: Display>, S: AsRef<str>>(setting: Setting, values: &[S]) -> Result<T, String> {
    match values {
        [value] => parse(setting, value.as_ref()),
        _ => Err("exactly one value is expected".to_owned()),
    }
}

fn all<T: FromStr<Err: Display>, S: AsRef<str>>(setting: Setting, values: &[S]) -> Result<Vec<T>, String> {
    values.iter().map(|value| parse(setting, value.as_ref())).collect()
}

fn parse<T: FromStr<Err: Display>>(setting: Setting, value: &str) -> Result<T, String> {
    value.parse().map_err(|error| {
        if setting.is_secret() { format!("{error}") } else { format!("{value:?} is not valid: {error}") }
    })
}

fn file<S: AsRef<str>>(setting: Setting, values: &[S]) -> Result<PathBuf, String> {
    let path: PathBuf = one(setting, values)?;
    if path.as_os_str().is_empty() { Err("expected the path of a file".to_owned()) } else { Ok(path) }
}

/// The keys in the file with this path.
fn github_keys<S: AsRef<str>>(values: &[S]) -> Result<GithubKeys, String> {
    let path: PathBuf = one(Setting::GithubPublicKeys, values)?;
    let text = regular_file::read_text(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    GithubKeys::from_json(&text).map_err(|error| format!("{}: {error}", path.display()))
}

fn in_range<T: PartialOrd + Display>(
    value: T,
    range: &std::ops::RangeInclusive<T>,
    unit: &str,
) -> Result<(), String> {
    if range.contains(&value) {
        Ok(())
    } else {
        Err(format!("{value} is out of range: expected {} to {} {unit}", range.start(), range.end()))
    }
}
