//! The pages, a file each.

pub(crate) mod keys;
pub(crate) mod sign_in;
pub(crate) mod sign_out;
