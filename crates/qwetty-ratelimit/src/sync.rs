//! The atomics of the limiter, and loom's in their place when a model is checked (`--cfg loom`).

#[cfg(not(loom))]
pub(crate) use real::{AtomicU32, AtomicU64, Current, Ordering, Published, SLOTS};

#[cfg(loom)]
pub(crate) use model::{AtomicU32, AtomicU64, Current, Ordering, Published, SLOTS};

#[cfg(not(loom))]
mod real {
    use std::sync::Arc;
    pub(crate) use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

    use arc_swap::{ArcSwapOption, Guard};

    /// Group times in a ring: with the ring's other words, and a pointer to what comes after it, they fill 256 bytes.
    pub(crate) const SLOTS: usize = 55;

    /// What [`Published::load`] saw.
    pub(crate) type Current<T> = Guard<Option<Arc<T>>>;

    /// A shared pointer, empty at first, that is replaced by compare-and-swap.
    pub(crate) struct Published<T>(ArcSwapOption<T>);

    impl<T> Published<T> {
        pub(crate) fn new(value: Option<T>) -> Self {
            Self(ArcSwapOption::new(value.map(Arc::new)))
        }

        pub(crate) fn load(&self) -> Current<T> {
            self.0.load()
        }

        /// Puts `value` in the place of `current`; false if something else stands there by now.
        pub(crate) fn replace(&self, current: &Current<T>, value: T) -> bool {
            let found = self.0.compare_and_swap(current, Some(Arc::new(value)));
            found.as_ref().map(Arc::as_ptr) == current.as_ref().map(Arc::as_ptr)
        }
    }
}

#[cfg(loom)]
mod model {
    use std::ops::Deref;
    use std::sync::{Arc, Mutex, PoisonError};

    use loom::sync::atomic::AtomicUsize;
    pub(crate) use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering};

    /// A ring small enough for every interleaving to be walked.
    pub(crate) const SLOTS: usize = 3;

    /// An atomic pointer as an atomic index into everything ever published, since loom cannot see into arc-swap. The
    /// mutex is the standard one: loom neither switches threads nor derives an ordering from it, so that it hides no fault.
    pub(crate) struct Published<T> {
        index: AtomicUsize,
        values: Mutex<Vec<Option<Arc<T>>>>,
    }

    pub(crate) struct Current<T> {
        index: usize,
        value: Option<Arc<T>>,
    }

    impl<T> Deref for Current<T> {
        type Target = Option<Arc<T>>;

        fn deref(&self) -> &Self::Target {
            &self.value
        }
    }

    impl<T> Published<T> {
        pub(crate) fn new(value: Option<T>) -> Self {
            Self { index: AtomicUsize::new(0), values: Mutex::new(vec![value.map(Arc::new)]) }
        }

        pub(crate) fn load(&self) -> Current<T> {
            let index = self.index.load(Ordering::Acquire);
            let values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
            Current { index, value: values.get(index).cloned().flatten() }
        }

        pub(crate) fn replace(&self, current: &Current<T>, value: T) -> bool {
            self.exchange(current, Some(value)).is_ok()
        }

        /// As `replace` does; gives the value back if something else stands there by now.
        pub(crate) fn exchange(&self, current: &Current<T>, value: Option<T>) -> Result<(), Option<T>> {
            let values = || self.values.lock().unwrap_or_else(PoisonError::into_inner);
            let mine = {
                let mut values = values();
                values.push(value.map(Arc::new));
                values.len() - 1
            };
            let done = self.index.compare_exchange(current.index, mine, Ordering::AcqRel, Ordering::Acquire);
            done.map(|_| ()).map_err(|_| {
                let back = values().get_mut(mine).and_then(Option::take);
                back.and_then(Arc::into_inner)
            })
        }
    }
}
