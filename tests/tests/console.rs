//! The console in a real browser: the tests in `tests/console`, which node runs against the program.
#![allow(missing_docs, clippy::unwrap_used, clippy::disallowed_methods)]

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use qwetty_tests::{demanded, program, tool};
use tokio::process::Command;

/// Longer than any run of them takes; a browser that hangs must end, too.
const DEADLINE: Duration = Duration::from_secs(20 * 60);

#[tokio::test]
async fn the_console_works_in_a_real_browser() {
    let directory = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/console"));
    let has_packages = directory.join("node_modules/playwright-core").exists();
    if !(tool("node")
        && tool("chromium")
        && demanded("tests/console/node_modules (tests/console.sh)", has_packages))
    {
        return;
    }
    let run = Command::new("node")
        .args(["--test", "--test-reporter=spec"])
        .env("QWETTY_SERVER", program())
        .current_dir(directory)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let run = tokio::time::timeout(DEADLINE, run).await.unwrap().unwrap();
    let printed = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{printed}{}", String::from_utf8_lossy(&run.stderr));
    println!("{printed}");
}
