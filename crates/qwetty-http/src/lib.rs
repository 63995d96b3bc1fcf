#![doc = include_str!("../README.md")]
// The routes, which read and write this wire, follow; these two lines go with their arrival.
#![cfg_attr(not(test), expect(dead_code, reason = "the routes follow"))]
#![expect(unused_imports, reason = "the routes follow")]

mod bearer;
mod body;
mod client_address;
mod echo;
mod error_code;
mod faults;
mod fields;
mod header;
mod json;
mod limits;
mod problem;
mod query;
mod rate_headers;
mod request_id;
mod wire;

pub use client_address::{TrustedProxies, WithoutForwardedFor, client_address};
