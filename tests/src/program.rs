use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

const OF_PACKAGE: [&str; 2] = ["CARGO_MANIFEST_", "CARGO_PKG_"];

/// The server's executable, built in the debug profile; once in each test program.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(build)
}

/// Only cargo knows where it puts the executable (`CARGO_TARGET_DIR`, a configured target), so it is asked.
fn build() -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    // What cargo tells a test of its own package; crates whose build script asks for it would be built anew.
    for (name, _) in std::env::vars_os() {
        let is_of_package =
            name.to_str().is_some_and(|name| OF_PACKAGE.iter().any(|prefix| name.starts_with(prefix)));
        if is_of_package {
            cargo.env_remove(name);
        }
    }
    let output = cargo
        .args(["build", "--quiet", "--package", "qwetty-server", "--message-format", "json"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let messages = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "qwetty-server does not build:\n{}", rendered(&messages));
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == "qwetty-server")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .expect("cargo names the executable that it built")
}

fn rendered(messages: &str) -> String {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    messages.filter_map(|message| message["message"]["rendered"].as_str().map(str::to_owned)).collect()
}
