//! The configuration file.

use std::path::Path;

use crate::config_file::parse;

pub(crate) const WORDS: &[&str] = &[
    "listen = \"127.0.0.1:0\"\n",
    "database = \"q.db\"\n",
    "trusted_proxies = [\"10.0.0.0/8\"]\n",
    "tier_standard = \"10/60\"\n",
    "retired_peppers = [\"none\"]\n",
    "pepper = \"\"\"",
    "flush_interval_ms = 250\n",
    "max_connections = 0x10\n",
    "key_prefix = \"acme_\"\n",
    "[[permissions]]\nname = \"a:b\"\nlabel = \"A\"\n",
    "[[routes]]\nroute = \"GET /a/{id}\"\npermissions = []\n",
    "channel = { path = \"id\" }\n",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'''",
    "\"\"\"",
    "\\u0041",
    "#",
    "=",
    "1e9",
    "99999999999999999999",
];

const PEPPER: &str = "a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90";

pub(crate) fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(layer) = parse(&text, Path::new("q.toml")) {
        assert!(layer.max_connections.is_none_or(|most| (1..=1_000_000).contains(&most)));
        assert!(layer.flush_interval.is_none_or(|interval| (10..=60_000).contains(&interval.as_millis())));
        for network in layer.trusted_proxies.iter().flatten() {
            assert!(network.to_string().parse() == Ok(*network));
        }
    }
    // Wherever a pepper stands, and whatever stands before it: no fault shows it, and each is one line.
    for line in [
        format!("pepper = \"{PEPPER}\""),
        format!("retired_peppers = [\"{PEPPER}\"]"),
        format!("pepper = \"{PEPPER}0\""),
    ] {
        for whole in [format!("{text}\n{line}\n"), format!("{line}\n{text}")] {
            if let Err(fault) = parse(&whole, Path::new("q.toml")) {
                let fault = fault.to_string();
                assert!(!fault.contains(&PEPPER[..8]) && !fault.contains(&PEPPER[32..]), "{fault}");
                assert!(fault.starts_with("q.toml:") && !fault.contains('\n'), "{fault:?}");
            }
        }
    }
}
