//! A key value is in the one answer that issues it and nowhere else, and its digest in the database alone: contract, section 1.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod browser;
mod debug;
mod left;
mod misplaced;
mod needles;
mod run;

use qwetty_tests::Launch;

use crate::needles::{Digesting, Needles};
use crate::run::Run;

/// The log at its most talkative, and metrics.
fn talkative() -> Launch {
    Launch::serve().env("QWETTY_LOG", "trace").with([
        "--metrics-listen",
        "127.0.0.1:0",
        "--trusted-proxy",
        "127.0.0.1",
    ])
}

#[tokio::test]
async fn a_value_is_in_the_answer_that_issues_it_and_nowhere_else() {
    holds(talkative(), Digesting::Plain, None).await;
}

#[tokio::test]
async fn nor_is_a_pepper_anywhere() {
    const PEPPER: &str = "8f1b0c4de2a35f67981b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f6a7b";
    let launch = talkative();
    std::fs::write(launch.directory().join("qwetty.toml"), format!("pepper = \"{PEPPER}\"\n")).unwrap();
    holds(launch.with(["--config", "qwetty.toml"]), Digesting::Peppered(PEPPER), Some(PEPPER)).await;
}

async fn holds(launch: Launch, digesting: Digesting, pepper: Option<&str>) {
    let server = launch.start().await;
    let mut run = Run::on(&server);
    run.busy().await;
    run.misplace().await;
    run.over_http2().await;
    run.in_the_console().await;
    let values = run.values().to_vec();
    let (mut secrets, mut values_alone) = (Needles::default(), Needles::default());
    for value in &values {
        secrets.add_value(value);
        secrets.add_digest(digesting, value);
        values_alone.add_value(value);
    }
    if let Some(pepper) = pepper {
        secrets.add_pepper(pepper);
        values_alone.add_pepper(pepper);
    }

    run.assert_answers_without(&secrets);
    left::assert_metrics_without(&secrets, &launch).await;

    // While it runs, its write-ahead log is there; then what a crash leaves behind, then what an end does.
    assert!(launch.directory().join("qwetty.db-wal").exists());
    left::assert_files_without(&secrets, &values_alone, &launch);
    let server = server.crash().await;
    left::assert_files_without(&secrets, &values_alone, &launch);
    server.stop().await;
    left::assert_files_without(&secrets, &values_alone, &launch);
    left::assert_digests_where_they_belong(&secrets, &launch);
}
