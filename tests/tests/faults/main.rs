//! Every single operation on the database's files fails, one after another, once or from then on, or the program is killed
//! at it. Nothing that was answered as done is lost, nothing is admitted that was taken away, and the next start finds a sound
//! file.
//!
//! The story runs in a process of its own: this test program again, at [`the_story`].

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the story is told, and figures")]

mod ledger;
mod story;

use std::path::Path;
use std::process::{Command, Stdio};

use qwetty_tests::{Fault, FaultyDisk, demanded};

use crate::ledger::Ledger;

/// Set to have each operation fail, and not only some.
const EACH: &str = "QWETTY_EACH_FAULT";
/// Where the story's database is, in the process that tells it.
const DATABASE: &str = "STORY_DATABASE";

#[tokio::test]
#[ignore = "run by the tests, in a process of its own"]
async fn the_story() {
    if let Some(path) = std::env::var_os(DATABASE) {
        story::tell(Path::new(&path)).await;
    }
}

#[tokio::test]
async fn each_operation_fails_once() {
    everywhere(FaultyDisk::ALL, |number| number..number + 1, Fault::Broken).await;
}

#[tokio::test]
async fn each_operation_fails_and_all_after_it() {
    everywhere(FaultyDisk::ALL, |number| number..u64::MAX, Fault::Broken).await;
}

#[tokio::test]
async fn the_disk_is_full_from_some_operation_on() {
    everywhere(FaultyDisk::WRITE | FaultyDisk::TRUNCATE, |number| number..u64::MAX, Fault::Full).await;
}

#[tokio::test]
async fn the_program_is_killed_before_each_operation() {
    everywhere(FaultyDisk::CHANGES, |number| number..number + 1, Fault::KilledBefore).await;
}

#[tokio::test]
async fn the_program_is_killed_after_each_operation() {
    everywhere(FaultyDisk::CHANGES, |number| number..number + 1, Fault::KilledAfter).await;
}

/// Tells the story with faults at each of its operations, and holds what it said against what is left.
async fn everywhere(operations: u64, numbers: impl Fn(u64) -> std::ops::Range<u64>, fault: Fault) {
    let Some((told, operations_of_all)) = run(operations, 0..0, fault).await else { return };
    assert!(told.iter().all(|line| !line.ends_with("failed")), "without a fault nothing fails: {told:#?}");
    assert!(operations_of_all > 20, "the faults meet the database: {operations_of_all}");
    let mut failures = 0;
    // In a hurry one in so many, others with each kind of fault.
    let (first, step) = if std::env::var_os(EACH).is_some() { (1, 1) } else { (1 + fault as u64, 16) };
    for number in (first..=operations_of_all).step_by(step) {
        let (told, _) = run(operations, numbers(number), fault).await.unwrap();
        failures += usize::from(
            told.last().is_none_or(|line| line != story::END)
                || told.iter().any(|line| line.ends_with("failed")),
        );
    }
    eprintln!("{fault:?}: {operations_of_all} operations, {failures} stories with a failure");
    assert!(failures > 5, "faults are noticed");
}

/// Tells the story once. Gives what it said, and how many operations there were; `None` if there can be no faults.
async fn run(operations: u64, numbers: std::ops::Range<u64>, fault: Fault) -> Option<(Vec<String>, u64)> {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("qwetty.db");
    let disk = FaultyDisk::new(&database);
    if !demanded("a C compiler, on Linux", disk.is_some()) {
        return None;
    }
    let disk = disk?;
    disk.fails(operations, numbers.clone(), fault);
    let told = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_story", "--ignored", "--nocapture", "--test-threads=1"])
        .env(DATABASE, &database)
        .envs(disk.variables().iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    let told: Vec<String> = String::from_utf8(told.stdout)
        .unwrap()
        .lines()
        .filter_map(|line| line.split_once(story::SAID).map(|(_, said)| said.to_owned()))
        .collect();
    let what = format!("{fault:?} at {numbers:?}");
    Ledger::of(&told, &what).hold_against(&database).await;
    Some((told, disk.count()))
}
