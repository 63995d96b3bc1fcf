//! What threads of the engine meet at, and shuttle's in its place when its schedules are walked (`--cfg shuttle`, in `races`).

#[cfg(not(all(test, shuttle)))]
pub(crate) use real::*;

#[cfg(all(test, shuttle))]
pub(crate) use model::*;

#[cfg(not(all(test, shuttle)))]
mod real {
    pub(crate) use std::hash::RandomState;
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
    pub(crate) use std::sync::{Mutex, MutexGuard};

    pub(crate) use crossbeam_utils::sync::{ShardedLock, ShardedLockReadGuard, ShardedLockWriteGuard};
    pub(crate) use dashmap::DashMap;
    pub(crate) use tokio::spawn;

    /// How many places a table of a fixed size has.
    pub(crate) const fn places(number: usize) -> usize {
        number
    }
}

/// An `Arc` stays the standard one: whatever its count is compared with, a thread meets before and after it.
#[cfg(all(test, shuttle))]
mod model {
    use std::hash::{BuildHasherDefault, DefaultHasher, Hash};
    use std::ops::Deref;

    pub(crate) use shuttle::future::spawn;
    pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
    pub(crate) use shuttle::sync::{
        Mutex, MutexGuard, RwLock as ShardedLock, RwLockReadGuard as ShardedLockReadGuard,
        RwLockWriteGuard as ShardedLockWriteGuard,
    };

    /// A schedule that failed is to fail again.
    pub(crate) type RandomState = BuildHasherDefault<DefaultHasher>;

    /// Few, so that what shares a place meets there, and each schedule starts soon.
    pub(crate) const fn places(_: usize) -> usize {
        4
    }

    /// Each call is one step, before which others may go.
    pub(crate) struct DashMap<K, V> {
        map: dashmap::DashMap<K, V>,
        step: AtomicBool,
    }

    impl<K: Eq + Hash, V> DashMap<K, V> {
        pub(crate) fn new() -> Self {
            Self { map: dashmap::DashMap::new(), step: AtomicBool::new(false) }
        }
    }

    impl<K, V> Deref for DashMap<K, V> {
        type Target = dashmap::DashMap<K, V>;

        fn deref(&self) -> &Self::Target {
            self.step.load(Ordering::SeqCst);
            &self.map
        }
    }
}
