#![doc = include_str!("../README.md")]

mod door;
mod future;
mod grpc;
mod guard;
mod layer;
mod peer_address;
mod policy;
mod reception;
mod service;

pub use future::GuardFuture;
pub use guard::Guard;
pub use layer::GuardLayer;
pub use peer_address::PeerAddress;
pub use policy::{Policy, Requiring};
pub use qwetty_guard::Need;
pub use service::{GuardBody, GuardService};
