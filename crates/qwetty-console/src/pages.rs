//! The pages, a file each.

pub(crate) mod audit_log;
pub(crate) mod channels;
mod directory;
mod faults;
pub(crate) mod going_on;
pub(crate) mod keys;
pub(crate) mod organizations;
pub(crate) mod sign_in;
pub(crate) mod sign_out;
