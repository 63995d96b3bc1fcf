//! What reads the bytes of strangers, each as a fuzz target: a function of any bytes that panics when a promise is broken.
//!
//! A target asks for more than the absence of a panic: it holds the answer against a second, simpler reading of the same
//! bytes, or against what follows from it. `tests/smoke.rs` runs the kept corpora and a bounded number of mutations of
//! them with every test run; `libfuzzer` is the same for as long as one likes (CONTRIBUTING.md).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a target tells what it found by panicking"
)]

mod target;
mod targets;
mod world;

/// The server's reading of its configuration. It is a program and no library, so its files are read here once more.
#[path = "../../bins/qwetty-server/src/config_error.rs"]
#[allow(dead_code, reason = "the program uses the rest")]
mod config_error;
#[path = "../../bins/qwetty-server/src/config_file.rs"]
#[allow(dead_code, reason = "the program uses the rest")]
mod config_file;
#[path = "../../bins/qwetty-server/src/layer.rs"]
#[allow(dead_code, reason = "the program uses the rest")]
mod layer;
#[path = "../../bins/qwetty-server/src/listen_address.rs"]
#[allow(dead_code, reason = "the program uses the rest")]
mod listen_address;
#[path = "../../bins/qwetty-server/src/regular_file.rs"]
#[allow(dead_code, reason = "the fuzzed part reads no file")]
mod regular_file;
#[path = "../../bins/qwetty-server/src/setting.rs"]
#[allow(dead_code, reason = "the program uses the rest")]
mod setting;

pub use target::{TARGETS, Target};
