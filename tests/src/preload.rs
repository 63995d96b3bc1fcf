use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use tempfile::TempDir;

/// A library of `tests/faults` to be loaded into a program before any other, compiled once in each test program. `None`
/// without a C compiler, and where there is no such thing.
pub(crate) fn library(source: &'static str) -> Option<PathBuf> {
    static COMPILED: Mutex<Option<Compiled>> = Mutex::new(None);
    if cfg!(not(target_os = "linux")) {
        return None;
    }
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    let compiled = compiled.get_or_insert_with(|| (tempfile::tempdir().unwrap(), HashMap::new()));
    let directory = compiled.0.path().to_owned();
    compiled.1.entry(source).or_insert_with(|| compile(&directory, source)).clone()
}

/// Where the libraries are, by their sources.
type Compiled = (TempDir, HashMap<&'static str, Option<PathBuf>>);

fn compile(directory: &Path, source: &str) -> Option<PathBuf> {
    let library = directory.join(source).with_extension("so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("faults").join(source);
    let compiled =
        Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).status();
    compiled.is_ok_and(|status| status.success()).then_some(library)
}
