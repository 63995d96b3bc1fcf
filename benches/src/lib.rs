//! What the benches of the hot path share: keys to judge, an engine that holds them, and a clock that runs fast enough
//! for a quota never to run out.
//!
//! `docs/benchmarks.md` says how to run them and what they showed.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a bench that cannot be set up says so by panicking"
)]

mod bare_hash;
mod bare_map;
mod busy;
mod fast_clock;
mod keys_in_memory;
mod records;
mod settings;
mod threads;

/// The server's: what is measured and what it is compared with lie in memory as they do there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub use bare_hash::BareHash;
pub use bare_map::bare_map;
pub use busy::busy;
pub use fast_clock::FastClock;
pub use keys_in_memory::KeysInMemory;
pub use records::{Key, Records};
pub use settings::criterion;
pub use threads::time_on_threads;
