//! The layer around services of every kind, over an engine at a time that the test sets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod admission;
mod backpressure;
mod channels_and_addresses;
mod example;
mod frameworks;
mod recorder;
mod refusals;
mod store;
#[path = "../../../qwetty/tests/support/mod.rs"]
mod support;
mod wire;

use qwetty_guard::RequestIds;
use qwetty_tower::Guard;

use self::support::World;

/// A guard that lets the world's engine decide.
fn guard(world: &World) -> Guard {
    Guard::new(world.verifier.clone(), RequestIds::new(7))
}
