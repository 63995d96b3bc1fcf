//! The settings in a TOML file.

#[path = "config_file/routes.rs"] // Also where the fuzz target reads this file.
mod routes;

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use qwetty_authz::Catalogue;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use self::routes::ROUTES;
use crate::config_error::ConfigError;
use crate::layer::Layer;
use crate::regular_file;
use crate::setting::{Form, Origin, Setting};

const PERMISSIONS: &str = "permissions";

/// Reads the settings from the file at `path`.
///
/// # Errors
///
/// The file cannot be read or is not TOML, or a setting is unknown or malformed. The message names the file, the
/// line and the setting; it quotes nothing of a line, since that may hold a pepper.
pub(crate) fn read(path: &Path) -> Result<Layer, ConfigError> {
    let text = regular_file::read_text(path)
        .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    parse(&text, path)
}

pub(crate) fn parse(text: &str, path: &Path) -> Result<Layer, ConfigError> {
    let source = Source { text, path: path.into() };
    // The tree, and not serde: its messages quote the values that they find wrong.
    let table = DeTable::parse(text).map_err(|error| source.syntax(&error))?;
    let mut layer = Layer::default();
    let mut routes = None;
    for (key, value) in table.get_ref() {
        let name = key.get_ref().as_ref();
        let origin = source.origin(&key.span(), name);
        if name == PERMISSIONS {
            layer.catalogue = Some(source.catalogue(value, &origin)?);
            continue;
        }
        if name == ROUTES {
            routes = Some((value, origin));
            continue;
        }
        let Some(setting) = Setting::ALL.into_iter().find(|setting| setting.key() == name) else {
            let mut known: Vec<&str> = Setting::ALL.iter().map(|setting| setting.key()).collect();
            known.extend([PERMISSIONS, ROUTES]);
            return Err(ConfigError::Unknown { origin, known: known.join(", ") });
        };
        texts(setting, value.get_ref())
            .and_then(|values| layer.set(setting, &values))
            .map_err(|fault| ConfigError::Malformed { origin, fault })?;
    }
    // Last, wherever they stand: the permissions that they name are those of the whole file.
    if let Some((value, origin)) = routes {
        let catalogue = layer.catalogue.clone().unwrap_or_else(Catalogue::qwetty);
        layer.routes = Some(source.routes(value, &origin, &catalogue)?);
    }
    Ok(layer)
}

/// A setting's value as the text that the command line would give for it.
fn texts(setting: Setting, value: &DeValue<'_>) -> Result<Vec<String>, String> {
    let wrong = |expected: &str| format!("expected {expected}, found {}", described(value));
    match setting.form() {
        Form::Text => Ok(vec![value.as_str().ok_or_else(|| wrong("a string in quotes"))?.to_owned()]),
        Form::Number => value
            .as_integer()
            .and_then(|number| i64::from_str_radix(number.as_str(), number.radix()).ok())
            .map(|number| vec![number.to_string()])
            .ok_or_else(|| wrong("a whole number")),
        Form::List => strings(value).ok_or_else(|| wrong("an array of strings")),
    }
}

fn strings(value: &DeValue<'_>) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect()
}

fn described(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

struct Source<'a> {
    text: &'a str,
    path: Arc<Path>,
}

impl Source<'_> {
    /// `[[permissions]]`, each with a name and a label.
    fn catalogue(&self, value: &Spanned<DeValue<'_>>, origin: &Origin) -> Result<Catalogue, ConfigError> {
        let malformed = |fault: String| ConfigError::Malformed { origin: origin.clone(), fault };
        let expected =
            || malformed("expected [[permissions]] tables, each with a name and a label".to_owned());
        let mut permissions = Vec::new();
        for item in value.get_ref().as_array().ok_or_else(expected)? {
            permissions.push(self.permission(item.get_ref().as_table().ok_or_else(expected)?, item.span())?);
        }
        Catalogue::new(permissions).map_err(|error| malformed(error.to_string()))
    }

    fn permission(&self, table: &DeTable<'_>, span: Range<usize>) -> Result<(String, String), ConfigError> {
        let (mut name, mut label) = (None, None);
        for (key, value) in table {
            let origin = self.origin(&key.span(), &format!("{PERMISSIONS}.{}", key.get_ref()));
            let field = match key.get_ref().as_ref() {
                "name" => &mut name,
                "label" => &mut label,
                _ => return Err(ConfigError::Unknown { origin, known: "name, label".to_owned() }),
            };
            let Some(text) = value.get_ref().as_str() else {
                let fault = format!("expected a string in quotes, found {}", described(value.get_ref()));
                return Err(ConfigError::Malformed { origin, fault });
            };
            *field = Some(text.to_owned());
        }
        name.zip(label).ok_or_else(|| ConfigError::Malformed {
            origin: self.origin(&span, PERMISSIONS),
            fault: "a permission needs both a name and a label".to_owned(),
        })
    }

    fn origin(&self, span: &Range<usize>, key: &str) -> Origin {
        Origin::File { path: Arc::clone(&self.path), line: self.line(span.start), key: key.to_owned() }
    }

    fn syntax(&self, error: &toml::de::Error) -> ConfigError {
        ConfigError::Syntax {
            path: self.path.to_path_buf(),
            line: self.line(error.span().map_or(0, |span| span.start)),
            // The message alone; the whole error would show the line.
            fault: error.message().replace('\n', ", "),
        }
    }

    fn line(&self, offset: usize) -> usize {
        1 + self.text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEPPER: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    fn fault(text: &str) -> String {
        parse(text, Path::new("q.toml")).unwrap_err().to_string()
    }

    #[test]
    fn a_whole_file_is_read() {
        let text = format!(
            r#"
            listen = "0.0.0.0:80"
            database = "/var/lib/qwetty/qwetty.db"
            trusted_proxies = ["10.0.0.0/8", "::1"]
            metrics_listen = "localhost:9090"
            tls_cert = "server.crt"
            tls_key = "server.key"
            tier_standard = "10/60"
            tier_admin = "20/60"
            failed_attempts = "30/60"
            leak_reports = "40/60"
            pepper = "{PEPPER}"
            retired_peppers = ["none", "{PEPPER}"]
            flush_interval_ms = 250
            audit_retention_days = 30
            max_connections = 1_000
            key_prefix = "acme_"

            [[permissions]]
            name = "orders:read"
            label = "Read orders"

            [[permissions]]
            name = "orders:write"
            label = "Write orders"
            "#
        );
        let layer = parse(&text, Path::new("q.toml")).unwrap();
        assert_eq!(layer.listen.unwrap().to_string(), "0.0.0.0:80");
        assert_eq!(layer.database.unwrap(), Path::new("/var/lib/qwetty/qwetty.db"));
        let networks: Vec<_> = layer.trusted_proxies.unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(networks, ["10.0.0.0/8", "::1"]);
        assert_eq!(layer.metrics_listen.unwrap().to_string(), "localhost:9090");
        assert_eq!(layer.tls_certificate.unwrap(), Path::new("server.crt"));
        assert_eq!(layer.tls_key.unwrap(), Path::new("server.key"));
        assert_eq!(layer.tier_standard.unwrap().to_string(), "10/60");
        assert_eq!(layer.tier_admin.unwrap().to_string(), "20/60");
        assert_eq!(layer.failed_attempts.unwrap().to_string(), "30/60");
        assert_eq!(layer.leak_reports.unwrap().to_string(), "40/60");
        assert!(layer.pepper.is_some());
        assert!(matches!(layer.retired_peppers.unwrap()[..], [None, Some(_)]));
        assert_eq!(layer.flush_interval.unwrap().as_millis(), 250);
        assert_eq!(layer.audit_retention.unwrap().as_secs(), 30 * 86_400);
        assert_eq!(layer.max_connections, Some(1000));
        assert_eq!(layer.key_prefix.unwrap().as_str(), "acme_");
        let catalogue = layer.catalogue.unwrap();
        assert!(catalogue.contains("orders:write") && !catalogue.contains("chats:read"));
    }

    #[test]
    fn a_fault_names_file_line_and_setting() {
        for (text, expected) in [
            (
                "listen = \"127.0.0.1:1\"\nlisten_on = 1",
                "q.toml:2: setting listen_on is unknown; known are listen,",
            ),
            (
                "\n\nlisten = \"here\"",
                "q.toml:3: setting listen: \"here\" is not valid: expected ADDRESS:PORT",
            ),
            ("listen = 8080", "q.toml:1: setting listen: expected a string in quotes, found a number"),
            ("database = \"\"", "q.toml:1: setting database: expected the path of a file"),
            (
                "trusted_proxies = \"::1\"",
                "setting trusted_proxies: expected an array of strings, found a string",
            ),
            ("trusted_proxies = [1]", "setting trusted_proxies: expected an array of strings"),
            ("trusted_proxies = [\"::1\", \"10.0.0.1/8\"]", "\"10.0.0.1/8\" is not valid"),
            ("tier_standard = \"0/60\"", "setting tier_standard: \"0/60\" is not valid"),
            (
                "flush_interval_ms = \"1\"",
                "setting flush_interval_ms: expected a whole number, found a string",
            ),
            ("flush_interval_ms = 0", "setting flush_interval_ms: 0 is out of range: expected 10 to 60000"),
            ("max_connections = -1", "setting max_connections: \"-1\" is not valid"),
            ("max_connections = 0", "setting max_connections: 0 is out of range"),
            ("key_prefix = \"Q\"", "setting key_prefix: \"Q\" is not valid"),
            ("permissions = \"all\"", "setting permissions: expected [[permissions]] tables"),
            ("[[permissions]]\nname = \"a:b\"", "q.toml:1: setting permissions: a permission needs both"),
            (
                "[[permissions]]\nname = \"a:b\"\nlabel = \"A\"\nscope = \"\"",
                "q.toml:4: setting permissions.scope is unknown; known are name, label",
            ),
            (
                "[[permissions]]\nname = 1\nlabel = \"A\"",
                "q.toml:2: setting permissions.name: expected a string",
            ),
            ("[[permissions]]\nname = \"A B\"\nlabel = \"A\"", "q.toml:1: setting permissions: "),
            ("[server]\nlisten = \"127.0.0.1:1\"", "q.toml:1: setting server is unknown"),
            ("\"a\\nb\" = 1", "q.toml:1: setting a\\nb is unknown"),
            ("listen = \"::1\"\nlisten = \"::1\"", "q.toml:2: not valid TOML: duplicate key"),
            ("listen", "q.toml:1: not valid TOML: "),
        ] {
            let fault = fault(text);
            assert!(fault.contains(expected), "{text:?} gave {fault:?}");
            assert!(!fault.contains('\n'), "{fault:?}");
        }
    }

    #[test]
    fn no_fault_shows_a_pepper() {
        for text in [
            format!("pepper = \"{PEPPER}0\""),
            format!("pepper = \"x{PEPPER}\""),
            format!("pepper = {PEPPER}"),
            format!("pepper = 0x{PEPPER}"),
            format!("pepper = \"{PEPPER}"),
            format!("pepper = \"{PEPPER}\" pepper"),
            format!("pepper = '{PEPPER}\"\nlisten = ''"),
            format!("pepper = \"\\x{PEPPER}\""),
            format!("pepper = [\"{PEPPER}\"]"),
            format!("pepper = \"{PEPPER}\"\npepper = \"{PEPPER}\""),
            format!("pepper.old = \"{PEPPER}\""),
            format!("retired_peppers = \"{PEPPER}\""),
            format!("retired_peppers = [\"{PEPPER}\", \"{PEPPER}0\"]"),
            format!("retired_peppers = [{PEPPER}]"),
            format!("peper = \"{PEPPER}\""),
        ] {
            let fault = fault(&text);
            assert!(!fault.contains(&PEPPER[..8]) && !fault.contains(&PEPPER[8..16]), "{fault}");
        }
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = read(Path::new("/does/not/exist.toml")).unwrap_err().to_string();
        assert!(error.contains("/does/not/exist.toml"), "{error}");
    }
}
