//! The documents that promise security name tests, and the tests exist.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What stands between backticks, file and test apart, as `path.rs::name`.
fn named_tests(text: &str) -> Vec<(&str, &str)> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter_map(|quoted| quoted.split_once(".rs::")).collect()
}

/// Whether a function of this name is a test of the file: an attribute that says so stands right before it.
fn is_test(source: &str, name: &str) -> bool {
    source.match_indices(&format!("fn {name}(")).any(|(at, _)| {
        let before = source[..at].rsplit("\n\n").next().unwrap();
        let attributes = before.rsplit('}').next().unwrap();
        attributes.contains("test]") || attributes.contains("test(")
    })
}

/// The rows of the tables below a heading, without their heads.
fn rows<'a>(text: &'a str, heading: &str) -> Vec<&'a str> {
    let (_, section) = text.split_once(&format!("\n{heading}\n")).expect("the heading");
    let section = section.split("\n## ").next().unwrap();
    let lines = section.lines().filter(|line| line.starts_with('|'));
    let rows: Vec<&str> = lines.filter(|line| !line.starts_with("|---")).collect();
    rows[1..].to_vec()
}

#[test]
fn every_test_that_a_document_names_exists() {
    let mut named = 0;
    let documents = ["", "docs"].map(|folder| std::fs::read_dir(root().join(folder)).unwrap());
    let documents = documents.into_iter().flatten().map(|entry| entry.unwrap().path());
    for document in documents.filter(|path| path.extension().is_some_and(|extension| extension == "md")) {
        let text = std::fs::read_to_string(&document).unwrap();
        let document = document.display();
        for (file, name) in named_tests(&text) {
            let source = read(&format!("{file}.rs"));
            assert!(is_test(&source, name), "{document} names {name}, which is no test of {file}.rs");
            named += 1;
        }
    }
    assert!(named > 100, "{named}");
}

#[test]
fn every_promise_names_a_test_that_holds_it() {
    let (model, promises) = (read("docs/threat-model.md"), read("SECURITY.md"));
    let rows_of_model = rows(&model, "## OWASP ASVS 5.0.0").into_iter();
    for row in rows_of_model.chain(rows(&promises, "## What this software promises")) {
        assert!(!named_tests(row).is_empty(), "no test holds {row}");
    }
}

#[test]
fn a_name_that_is_no_test_is_told() {
    let source =
        "#[test]\nfn one() {}\n\nfn two() {}\n\n#[tokio::test(start_paused = true)]\nasync fn three() {}\n";
    assert!(is_test(source, "one") && is_test(source, "three"));
    assert!(!is_test(source, "two") && !is_test(source, "four"));
}
