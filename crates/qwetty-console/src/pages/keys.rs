//! Pages about keys.

mod filter;
pub(crate) mod list;
