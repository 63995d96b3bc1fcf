use std::process::{Command, Stdio};

/// Whether a tool that a test needs is there. If not, the test is skipped and says so; where `QWETTY_TESTS_ALL=1`
/// demands every test, that is a failure.
pub fn tool(name: &str) -> bool {
    let found = Command::new(name)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    demanded(name, found)
}

/// `found`, of something that a test needs: if it is missing, that is said, or a failure, as with [`tool`].
pub fn demanded(name: &str, found: bool) -> bool {
    if !found {
        assert!(std::env::var_os("QWETTY_TESTS_ALL").is_none_or(|all| all != "1"), "{name} is missing");
        eprintln!("skipped: {name} is missing");
    }
    found
}
