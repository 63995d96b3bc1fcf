//! The configuration: what the command line, the environment and the file say together.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use qwetty_authz::{Catalogue, Network};
use qwetty_guard::RouteTable;
use qwetty_http::GithubKeys;
use qwetty_keys::{KeyPrefix, Pepper};
use qwetty_ratelimit::{Quota, TierQuotas};

use crate::command_line::CommandLine;
use crate::config_error::ConfigError;
use crate::config_file;
use crate::environment::{self, Environment};
use crate::layer::Layer;
use crate::listen_address::ListenAddress;
use crate::tls::TlsFiles;

/// Everything that can be configured, with its defaults filled in.
#[derive(Debug)]
pub(crate) struct Config {
    /// Where to listen.
    pub(crate) listen: ListenAddress,
    /// The database file; relative to the working directory.
    pub(crate) database: PathBuf,
    /// The peers whose forwarded headers are believed.
    pub(crate) trusted_proxies: Vec<Network>,
    /// Where to serve metrics, if anywhere.
    pub(crate) metrics_listen: Option<ListenAddress>,
    /// By what to speak TLS, if at all.
    pub(crate) tls: Option<TlsFiles>,
    /// The quota of each tier.
    pub(crate) quotas: TierQuotas,
    /// How much failed authentication of one address is free, if it is not the usual.
    pub(crate) failed_attempts: Option<Quota>,
    /// How many reports of leaked keys one address may make, if it is not the usual.
    pub(crate) leak_reports: Option<Quota>,
    /// What GitHub signs its alerts with, if it is listened to.
    pub(crate) github_keys: Option<GithubKeys>,
    /// What key values are digested with.
    pub(crate) pepper: Option<Pepper>,
    /// What they were digested with before; `None` among them for no pepper.
    pub(crate) retired_peppers: Vec<Option<Pepper>>,
    /// The permissions that keys can hold.
    pub(crate) catalogue: Catalogue,
    /// What a gateway's requests need.
    pub(crate) routes: RouteTable,
    /// How often usage and windows are written; a crash loses one such interval at most.
    pub(crate) flush_interval: Duration,
    /// How long audit events are kept.
    pub(crate) audit_retention: Duration,
    /// How many client connections are served at a time.
    pub(crate) max_connections: usize,
    /// How many of them one client address may have, if it is not the usual part.
    pub(crate) max_connections_per_address: Option<usize>,
    /// How many keys' records are kept in memory; the others are looked up in the database.
    pub(crate) cache_capacity: usize,
    /// What key values begin with.
    pub(crate) key_prefix: KeyPrefix,
}

impl Config {
    /// Puts the sources together: options win over the environment, the environment over the file.
    ///
    /// # Errors
    ///
    /// A fault in any of the sources, even in a value that another source overrides; half of what TLS needs.
    pub(crate) fn load(command_line: &CommandLine, environment: &Environment) -> Result<Self, ConfigError> {
        let options = command_line.layer()?;
        let variables = environment.layer()?;
        let file = match config_path(command_line, environment)? {
            Some(path) => config_file::read(&path)?,
            None => Layer::default(),
        };
        options.over(variables).over(file).try_into()
    }
}

fn config_path(
    command_line: &CommandLine,
    environment: &Environment,
) -> Result<Option<PathBuf>, ConfigError> {
    if let Some(path) = command_line.config() {
        return Ok(Some(path));
    }
    Ok(environment.text(environment::CONFIG)?.map(|path| Path::new(path).to_owned()))
}

impl TryFrom<Layer> for Config {
    type Error = ConfigError;

    fn try_from(layer: Layer) -> Result<Self, ConfigError> {
        let tls = match (layer.tls_certificate, layer.tls_key) {
            (Some(certificate), Some(key)) => Some(TlsFiles { certificate, key }),
            (Some(_), None) => return Err(ConfigError::NoTlsKey),
            (None, Some(_)) => return Err(ConfigError::NoTlsCertificate),
            (None, None) => None,
        };
        let quotas = TierQuotas::default();
        let catalogue = layer.catalogue.unwrap_or_else(Catalogue::qwetty);
        Ok(Self {
            listen: layer.listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080)).into()),
            database: layer.database.unwrap_or_else(|| PathBuf::from("./qwetty.db")),
            trusted_proxies: layer.trusted_proxies.unwrap_or_default(),
            metrics_listen: layer.metrics_listen,
            tls,
            quotas: TierQuotas {
                standard: layer.tier_standard.unwrap_or(quotas.standard),
                admin: layer.tier_admin.unwrap_or(quotas.admin),
            },
            failed_attempts: layer.failed_attempts,
            leak_reports: layer.leak_reports,
            github_keys: layer.github_keys,
            pepper: layer.pepper,
            retired_peppers: layer.retired_peppers.unwrap_or_default(),
            routes: layer.routes.unwrap_or_else(|| RouteTable::qwetty_within(&catalogue)),
            catalogue,
            flush_interval: layer.flush_interval.unwrap_or(Duration::from_secs(1)),
            audit_retention: layer.audit_retention.unwrap_or(Duration::from_secs(365 * 24 * 3600)),
            max_connections: layer.max_connections.unwrap_or(10_000),
            max_connections_per_address: layer.max_connections_per_address,
            cache_capacity: layer.cache_capacity.unwrap_or(1_000_000),
            key_prefix: layer.key_prefix.unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::io::Write;
    use std::os::unix::ffi::OsStringExt;

    use clap::Parser;

    use super::*;
    use crate::command_line::Task;

    fn command_line(arguments: &[&str]) -> CommandLine {
        CommandLine::try_parse_from([&["qwetty-server"], arguments].concat()).unwrap()
    }

    fn environment(variables: &[(&str, &str)]) -> Environment {
        Environment::new(variables.iter().map(|(name, value)| (name.into(), value.into())))
    }

    fn load(arguments: &[&str], variables: &[(&str, &str)]) -> Result<Config, String> {
        Config::load(&command_line(arguments), &environment(variables)).map_err(|error| error.to_string())
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    fn listen(config: Result<Config, String>) -> String {
        config.unwrap().listen.to_string()
    }

    #[test]
    fn defaults_are_those_of_the_documentation() {
        let config = load(&[], &[]).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.database, Path::new("./qwetty.db"));
        assert!(config.trusted_proxies.is_empty() && config.metrics_listen.is_none() && config.tls.is_none());
        assert_eq!(config.quotas.standard.to_string(), "1000/3600");
        assert_eq!(config.quotas.admin.to_string(), "5000/3600");
        assert!(config.pepper.is_none() && config.retired_peppers.is_empty());
        assert!(config.catalogue.contains("messages:send"));
        assert_eq!(config.flush_interval, Duration::from_secs(1));
        assert_eq!((config.max_connections, config.max_connections_per_address), (10_000, None));
        assert_eq!(config.cache_capacity, 1_000_000);
        assert_eq!(config.key_prefix.as_str(), "qwt_");
    }

    #[test]
    fn options_win_over_the_environment_and_the_environment_over_the_file() {
        let file = file("listen = \"127.0.0.3:3\"\n");
        let path = file.path().to_str().unwrap();
        let option = ["--listen", "127.0.0.1:1", "--config", path];
        let variable = ("QWETTY_LISTEN", "127.0.0.2:2");
        assert_eq!(listen(load(&option, &[variable])), "127.0.0.1:1");
        assert_eq!(listen(load(&option[2..], &[variable])), "127.0.0.2:2");
        assert_eq!(listen(load(&option[2..], &[])), "127.0.0.3:3");
        assert_eq!(listen(load(&[], &[("QWETTY_CONFIG", path)])), "127.0.0.3:3");
        assert_eq!(listen(load(&option[2..], &[("QWETTY_CONFIG", "/does/not/exist")])), "127.0.0.3:3");
        assert_eq!(listen(load(&option[2..], &[("QWETTY_LISTEN", "")])), "127.0.0.3:3", "empty is unset");
    }

    #[test]
    fn a_list_of_a_higher_source_replaces_the_lower_one() {
        let file = file("trusted_proxies = [\"10.0.0.0/8\"]");
        let path = file.path().to_str().unwrap();
        let networks = |config: Result<Config, String>| {
            config.unwrap().trusted_proxies.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let variable = [("QWETTY_TRUSTED_PROXY", "192.0.2.1, 2001:db8::/32")];
        assert_eq!(networks(load(&["--config", path], &variable)), ["192.0.2.1", "2001:db8::/32"]);
        let options = ["--trusted-proxy", "::1", "--trusted-proxy", "127.0.0.1", "--config", path];
        assert_eq!(networks(load(&options, &variable)), ["::1", "127.0.0.1"]);
        assert_eq!(networks(load(&["--config", path], &[])), ["10.0.0.0/8"]);
    }

    #[test]
    fn tls_needs_a_certificate_and_its_key_wherever_they_are_said() {
        let file = file("tls_key = \"file.key\"");
        let path = file.path().to_str().unwrap();
        let files =
            |config: Result<Config, String>| config.unwrap().tls.map(|files| (files.certificate, files.key));
        let pair = |certificate: &str, key: &str| Some((certificate.into(), key.into()));
        let both = ["--tls-cert", "option.crt", "--tls-key", "option.key"];
        assert_eq!(files(load(&[], &[])), None);
        assert_eq!(files(load(&both, &[])), pair("option.crt", "option.key"));
        assert_eq!(
            files(load(&[&both[..2], &["--config", path]].concat(), &[])),
            pair("option.crt", "file.key")
        );
        let variables = [("QWETTY_TLS_CERT", "variable.crt"), ("QWETTY_TLS_KEY", "variable.key")];
        assert_eq!(files(load(&[], &variables)), pair("variable.crt", "variable.key"));
        for (arguments, missing) in
            [(&both[..2], ["--tls-key", "QWETTY_TLS_KEY"]), (&both[2..], ["--tls-cert", "QWETTY_TLS_CERT"])]
        {
            let fault = load(arguments, &[]).unwrap_err();
            assert!(missing.iter().all(|name| fault.contains(name)), "{fault}");
        }
    }

    #[test]
    fn another_catalogue_keeps_the_default_routes_that_it_can_grant() {
        let maps = |config: &Config, method: &str, target: &str| {
            config.routes.find(method, target.as_bytes(), &http::HeaderMap::new()).is_ok()
        };
        let config = load(&[], &[]).unwrap();
        assert!(maps(&config, "GET", "/api/v1/chats") && maps(&config, "POST", "/api/v1/templates/1/send"));
        let file = file("[[permissions]]\nname = \"chats:read\"\nlabel = \"Read\"\n");
        let config = load(&["--config", file.path().to_str().unwrap()], &[]).unwrap();
        assert!(maps(&config, "GET", "/api/v1/chats") && !maps(&config, "POST", "/api/v1/templates/1/send"));
    }

    #[test]
    fn a_fault_is_found_even_where_another_source_overrides_it() {
        let file = file("listen = \"nonsense\"\n");
        let path = file.path().to_str().unwrap();
        assert!(
            load(&["--listen", "127.0.0.1:1", "--config", path], &[])
                .unwrap_err()
                .contains(":1: setting listen")
        );
        let variables = [("QWETTY_LISTEN", "nonsense")];
        assert!(load(&["--listen", "127.0.0.1:1"], &variables).unwrap_err().contains("QWETTY_LISTEN"));
    }

    #[test]
    fn every_malformed_option_is_named() {
        for (option, value) in [
            ("--listen", "8080"),
            ("--listen", ""),
            ("--database", ""),
            ("--trusted-proxy", "10.0.0.1/8"),
            ("--trusted-proxy", "10.0.0.0/8,::1"),
            ("--metrics-listen", "nowhere"),
            ("--tls-cert", ""),
            ("--tls-key", ""),
            ("--tier-standard", "1000"),
            ("--tier-standard", "0/60"),
            ("--tier-admin", "1/-60"),
        ] {
            let fault = load(&[option, value], &[]).unwrap_err();
            assert!(fault.starts_with(&format!("option {option}: ")), "{fault}");
        }
    }

    #[test]
    fn every_malformed_variable_is_named() {
        for (name, value) in [
            ("QWETTY_LISTEN", "8080"),
            ("QWETTY_TRUSTED_PROXY", "10.0.0.1/8"),
            ("QWETTY_TRUSTED_PROXY", "::1,,::2"),
            ("QWETTY_METRICS_LISTEN", "nowhere"),
            ("QWETTY_TIER_STANDARD", "many"),
            ("QWETTY_TIER_ADMIN", "1/0"),
            ("QWETTY_FAILED_ATTEMPTS", "many"),
            ("QWETTY_LEAK_REPORTS", "0/60"),
            ("QWETTY_PEPPER", "salt"),
            ("QWETTY_RETIRED_PEPPERS", "none,salt"),
            ("QWETTY_FLUSH_INTERVAL_MS", "1.5"),
            ("QWETTY_MAX_CONNECTIONS", "0"),
            ("QWETTY_MAX_CONNECTIONS_PER_ADDRESS", "0"),
            ("QWETTY_CACHE_CAPACITY", "0"),
            ("QWETTY_KEY_PREFIX", "Q-"),
        ] {
            let fault = load(&[], &[(name, value)]).unwrap_err();
            assert!(fault.starts_with(&format!("environment variable {name}: ")), "{fault}");
            assert!(!fault.contains("salt"), "{fault}");
        }
        let not_utf8 = [(OsString::from("QWETTY_LISTEN"), OsString::from_vec(vec![0xff]))];
        let fault = Config::load(&command_line(&[]), &Environment::new(not_utf8)).unwrap_err().to_string();
        assert!(fault.contains("QWETTY_LISTEN") && fault.contains("UTF-8"), "{fault}");
    }

    #[test]
    fn unknown_variables_are_told_and_harmless() {
        let environment =
            environment(&[("QWETTY_SERVICE_HOST", "10.0.0.1"), ("QWETTY_LOG", "debug"), ("HOME", "/root")]);
        assert_eq!(environment.unknown().collect::<Vec<_>>(), ["QWETTY_SERVICE_HOST"]);
        assert!(Config::load(&command_line(&[]), &environment).is_ok());
    }

    #[test]
    fn a_variable_that_is_nearly_a_setting_is_an_error() {
        for (name, meant) in [
            ("QWETTY_TEIR_ADMIN", "QWETTY_TIER_ADMIN"),
            ("QWETTY_TRUSTED_PROXIES", "QWETTY_TRUSTED_PROXY"),
            ("QWETTY_DATABASES", "QWETTY_DATABASE"),
        ] {
            let error = Config::load(&command_line(&[]), &environment(&[(name, "x")])).unwrap_err();
            let message = format!("environment variable {name} is unknown; {meant} was probably meant");
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn tasks_and_their_options() {
        for (arguments, task) in [
            (&[][..], Task::Serve),
            (&["--listen", "127.0.0.1:1"][..], Task::Serve),
            (&["serve"][..], Task::Serve),
            (&["serve", "--listen", "127.0.0.1:1"][..], Task::Serve),
            (&["root-key", "--database", "a.db"][..], Task::RootKey),
        ] {
            assert_eq!(command_line(arguments).task(), task, "{arguments:?}");
        }
        assert_eq!(load(&["serve", "--database", "a.db"], &[]).unwrap().database, Path::new("a.db"));
        assert_eq!(load(&["root-key", "--database", "b.db"], &[]).unwrap().database, Path::new("b.db"));
    }

    #[test]
    fn unknown_or_repeated_options_are_usage_errors() {
        for arguments in [
            &["--nonsense"][..],
            &["--listen"][..],
            &["--listen", "127.0.0.1:1", "--listen", "127.0.0.1:2"][..],
            &["--listen", "127.0.0.1:1", "serve"][..],
            &["--pepper", "00"][..],
            &["--config", ""][..],
            &["root-key", "--listen", "127.0.0.1:1"][..],
            &["start"][..],
        ] {
            let error = CommandLine::try_parse_from([&["qwetty-server"], arguments].concat()).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{arguments:?}");
        }
        for arguments in [["--help"], ["--version"]] {
            let shown = CommandLine::try_parse_from(["qwetty-server"].iter().chain(&arguments)).unwrap_err();
            assert_eq!(shown.exit_code(), 0);
        }
    }
}
