#![doc = include_str!("../README.md")]

mod access_text;
mod audit;
mod check;
mod columns;
mod connection;
mod create;
mod directory;
mod doubt;
mod error;
mod event_row;
mod fault;
mod key_list;
mod key_row;
mod keys;
mod location;
mod log;
mod mark;
mod migrations;
mod open;
mod presence;
mod readers;
mod setup;
mod store;
mod usage;
mod writer;

pub use error::OpenError;
pub use store::{Options, SqliteStore};
