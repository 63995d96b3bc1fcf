//! The walk in the README, run as a reader would paste it.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::Path;
use std::process::Stdio;

use qwetty_tests::{Server, Walk, in_time, tool};
use tokio::process::Command;

/// What the README says instead of the address and the root key of this very server.
const ADDRESS: &str = "http://127.0.0.1:8080";
const ROOT_KEY: &str = "qwt_…";

/// Stands in the output after each step; no answer of the server holds a control character.
const STEP_ENDS: &str = "\u{1}";

#[tokio::test]
async fn the_walk_prints_what_the_readme_says() {
    if !["bash", "curl"].into_iter().all(tool) {
        return;
    }
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let walk = Walk::parse(&std::fs::read_to_string(readme).unwrap()).unwrap();
    let server = Server::start().await;
    let mut script = String::new();
    for step in &walk.steps {
        script.push_str(&step.script);
        script.push_str(&format!("printf '%s' '{STEP_ENDS}'\n"));
    }
    for placeholder in [ADDRESS, ROOT_KEY] {
        assert_eq!(script.matches(placeholder).count(), 1, "the walk says {placeholder} once");
    }
    let script =
        script.replace(ADDRESS, &format!("http://{}", server.address())).replace(ROOT_KEY, server.root_key());

    // One shell for all steps, in an empty directory.
    let directory = tempfile::tempdir().unwrap();
    let running = Command::new("bash")
        .args(["--norc", "-c", &script])
        .current_dir(directory.path())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = in_time("the end of the walk", running).await.unwrap();
    let (printed, complained) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(complained, "", "nothing is said on standard error");
    let printed: Vec<&str> = printed.split_terminator(STEP_ENDS).collect();
    assert_eq!(printed.len(), walk.steps.len(), "every step was run: {printed:?}");
    for (step, printed) in walk.steps.iter().zip(printed) {
        let (line, expected) = (step.line, &step.expected);
        assert!(step.prints(printed), "README.md, line {line}:\n--- says\n{expected}\n--- is\n{printed}");
    }
}
