#![doc = include_str!("../README.md")]

mod admission;
mod api;
mod body;
mod calls;
mod echo;
mod error_guide;
mod fields;
mod github;
mod json;
mod openapi;
mod original_request;
mod query;
mod reference;
mod refusal;
mod route;
mod wire;

pub use api::{Answer, Api};
pub use github::{GithubKeys, GithubKeysError};
