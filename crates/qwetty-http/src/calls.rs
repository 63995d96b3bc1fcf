//! The calls, a file a noun: each reads its request, asks the engine, and writes the answer.

pub(crate) mod audit;
pub(crate) mod authorize;
pub(crate) mod channels;
pub(crate) mod docs;
pub(crate) mod github_alerts;
pub(crate) mod health;
pub(crate) mod keys;
pub(crate) mod leaks;
pub(crate) mod lifecycle;
pub(crate) mod organizations;
pub(crate) mod permissions;
mod respond;
pub(crate) mod usage;
pub(crate) mod verify;
mod view;
