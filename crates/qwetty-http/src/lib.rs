#![doc = include_str!("../README.md")]

mod admission;
mod api;
mod bearer;
mod body;
mod calls;
mod client_address;
mod echo;
mod error_code;
mod error_guide;
mod faults;
mod fields;
mod header;
mod json;
mod limits;
mod openapi;
mod problem;
mod query;
mod rate_headers;
mod reference;
mod request_id;
mod route;
mod router;
mod wire;

pub use api::{Answer, Api};
pub use client_address::{TrustedProxies, WithoutForwardedFor, client_address};
pub use router::AmbiguousTable;
