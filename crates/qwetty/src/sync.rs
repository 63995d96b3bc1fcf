//! What threads of the engine meet at, and shuttle's in its place when its schedules are walked (`--cfg shuttle`, in `races`).

#[cfg(not(all(test, shuttle)))]
pub(crate) use real::*;

#[cfg(all(test, shuttle))]
pub(crate) use model::*;

#[cfg(not(all(test, shuttle)))]
mod real {
    pub(crate) use std::hash::RandomState;
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
    pub(crate) use std::sync::{Mutex, MutexGuard};

    pub(crate) use arc_swap::{ArcSwap, Guard};
    pub(crate) use crossbeam_utils::sync::{ShardedLock, ShardedLockReadGuard, ShardedLockWriteGuard};
    pub(crate) use dashmap::DashMap;
    pub(crate) use tokio::spawn;

    /// How many places a table of a fixed size has.
    pub(crate) const fn places(number: usize) -> usize {
        number
    }
}

/// What a place in a table holds, held on to without a write to what other threads look at.
pub(crate) type Held<T> = Guard<std::sync::Arc<T>>;

/// An `Arc` stays the standard one: whatever its count is compared with, a thread meets before and after it.
#[cfg(all(test, shuttle))]
mod model {
    use std::hash::{BuildHasherDefault, DefaultHasher, Hash};
    use std::ops::Deref;
    use std::sync::Arc;

    pub(crate) use shuttle::future::spawn;
    pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
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

    /// Who holds one is counted at once, and not once it is looked for.
    #[derive(Debug)]
    pub(crate) struct ArcSwap<T>(Arc<T>);

    impl<T> ArcSwap<T> {
        pub(crate) fn new(value: Arc<T>) -> Self {
            Self(value)
        }

        pub(crate) fn load(&self) -> Guard<Arc<T>> {
            Guard(Arc::clone(&self.0))
        }

        pub(crate) fn into_inner(self) -> Arc<T> {
            self.0
        }
    }

    #[derive(Debug)]
    pub(crate) struct Guard<T>(T);

    impl<T> Guard<T> {
        pub(crate) fn from_inner(value: T) -> Self {
            Self(value)
        }
    }

    impl<T> Deref for Guard<T> {
        type Target = T;

        fn deref(&self) -> &T {
            &self.0
        }
    }
}
