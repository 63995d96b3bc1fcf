//! The harness of the end-to-end tests: starts the real server as a process of its own and talks to it over TCP.
//!
//! Nothing here links the server's code, so that a test sees what a user sees. Whatever goes wrong fails the test at
//! once, and no wait is longer than [`PATIENCE`].

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a harness fails its test by panicking, and runs against the real clock"
)]

mod answer;
mod call;
mod certificate;
mod client;
mod clock;
mod faulty_disk;
mod github;
pub mod http2;
mod key_value;
mod launch;
mod message;
mod new_key;
mod organization;
mod preload;
mod process;
mod program;
mod raw;
mod server;
mod shape;
mod tool;
mod upstream;
mod walk;
mod wrong_clock;

pub use answer::Answer;
pub use call::Call;
pub use certificate::Certificate;
pub use client::{Broken, Client};
pub use clock::{PATIENCE, eventually, from_now, in_time, unix_seconds};
pub use faulty_disk::{Fault, FaultyDisk};
pub use github::Github;
pub use key_value::assert_key_value;
pub use launch::Launch;
pub use message::{Kind, Message};
pub use new_key::NewKey;
pub use organization::Organization;
pub use process::{Ended, Process};
pub use program::program;
pub use raw::Raw;
pub use server::Server;
pub use shape::{assert_key, assert_time};
pub use tool::{demanded, tool};
pub use upstream::Upstream;
pub use walk::{Step, Walk, WalkError};
pub use wrong_clock::WrongClock;
