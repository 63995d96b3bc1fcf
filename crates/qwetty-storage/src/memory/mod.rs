//! A store in memory: for tests, for trying things out, and the plainest reading of the traits' contracts.

mod audit;
mod directory;
mod keys;
mod setup;
mod state;
mod usage;

use std::sync::{Mutex, MutexGuard, PoisonError};

use self::state::State;

/// Everything in memory, gone with the process. One lock serialises all of it, so every method is atomic.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// No method panics while it holds the lock, so a poisoned one still guards a whole state.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
