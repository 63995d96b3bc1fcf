#![doc = include_str!("../README.md")]
#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test suite says that something is wrong by panicking"
)]

pub mod audit;
pub mod directory;
pub mod durability;
pub mod fixtures;
mod given;
pub mod key_lists;
pub mod keys;
pub mod setup;
mod suite;
pub mod usage;
