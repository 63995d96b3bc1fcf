//! The targets, a file a reader.

pub(crate) mod authorization;
pub(crate) mod config;
pub(crate) mod console;
pub(crate) mod forwarded_for;
pub(crate) mod json_body;
pub(crate) mod key_value;
pub(crate) mod network;
pub(crate) mod original_request;
pub(crate) mod route_table;
pub(crate) mod snapshot;
