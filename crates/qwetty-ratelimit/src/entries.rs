//! The map of a keyed limiter, in the four steps that the limiter knows of, and a model of it in its place when loom looks on.

#[cfg(loom)]
pub(crate) use model::Entries;
#[cfg(not(loom))]
pub(crate) use real::Entries;

/// What is to become of an entry.
pub(crate) enum Change<V, T> {
    /// This takes the place of what was looked at, or of nothing.
    Put(V),
    /// Nothing.
    Leave(T),
}

/// What became of it.
pub(crate) enum Changed<T> {
    /// There was none, and there is one now.
    Inserted,
    /// The one that was looked at last was replaced.
    Replaced,
    /// Nothing.
    Left(T),
}

#[cfg(not(loom))]
mod real {
    use std::hash::Hash;

    use foldhash::quality::RandomState;
    use papaya::{Compute, HashMap, Operation};

    use super::{Change, Changed};

    /// Its readers write nothing that they share, so threads that take from one key meet at its head alone.
    pub(crate) struct Entries<K, V>(HashMap<K, V, RandomState>);

    impl<K: Eq + Hash + Clone, V> Entries<K, V> {
        pub(crate) fn new() -> Self {
            Self(HashMap::with_hasher(RandomState::default()))
        }

        pub(crate) fn len(&self) -> usize {
            self.0.len()
        }

        #[inline(always)]
        pub(crate) fn get<R>(&self, key: &K, look: impl FnOnce(&V) -> Option<R>) -> Option<R> {
            self.0.pin().get(key).and_then(look)
        }

        /// Replaces the very value that `change` was shown, or else shows it the next. What it made of nothing may be put
        /// in the place of nothing later, without asking again.
        pub(crate) fn change<T>(
            &self,
            key: &K,
            mut change: impl FnMut(Option<&V>) -> Change<V, T>,
        ) -> Changed<T> {
            let entries = self.0.pin();
            let done = entries.compute(key.clone(), |entry| match change(entry.map(|(_, value)| value)) {
                Change::Put(value) => Operation::Insert(value),
                Change::Leave(what) => Operation::Abort(what),
            });
            match done {
                Compute::Aborted(what) => Changed::Left(what),
                Compute::Inserted(..) => Changed::Inserted,
                Compute::Updated { .. } | Compute::Removed(..) => Changed::Replaced,
            }
        }

        /// Removes the values that are `done`, and says how many.
        pub(crate) fn sweep(&self, done: impl Fn(&V) -> bool) -> usize {
            let entries = self.0.pin();
            // Another value may have taken the place of the one that is done, and may look the same.
            let remove = |key, value: &V| {
                matches!(entries.remove_if(key, |_, found| std::ptr::eq(found, value)), Ok(Some(_)))
            };
            entries.iter().filter(|&(key, value)| done(value) && remove(key, value)).count()
        }
    }
}

#[cfg(loom)]
mod model {
    use std::marker::PhantomData;

    use super::{Change, Changed};
    use crate::sync::Published;

    /// A map of one key: an atomic pointer to its value.
    pub(crate) struct Entries<K, V> {
        value: Published<V>,
        keys: PhantomData<fn(K)>,
    }

    impl<K, V> Entries<K, V> {
        pub(crate) fn new() -> Self {
            Self { value: Published::new(None), keys: PhantomData }
        }

        pub(crate) fn len(&self) -> usize {
            usize::from(self.value.load().is_some())
        }

        pub(crate) fn get<R>(&self, _: &K, look: impl FnOnce(&V) -> Option<R>) -> Option<R> {
            self.value.load().as_deref().and_then(look)
        }

        pub(crate) fn change<T>(
            &self,
            _: &K,
            mut change: impl FnMut(Option<&V>) -> Change<V, T>,
        ) -> Changed<T> {
            // As the real map does, it keeps what was made of nothing until it can be put in the place of nothing.
            let mut made = None;
            loop {
                let current = self.value.load();
                let next = match current.as_deref() {
                    None => made.take().map_or_else(|| change(None), Change::Put),
                    found => change(found),
                };
                let value = match next {
                    Change::Put(value) => value,
                    Change::Leave(what) => return Changed::Left(what),
                };
                match self.value.exchange(&current, Some(value)) {
                    Ok(()) if current.is_none() => return Changed::Inserted,
                    Ok(()) => return Changed::Replaced,
                    Err(value) if current.is_none() => made = value,
                    Err(_) => {}
                }
            }
        }

        pub(crate) fn sweep(&self, done: impl Fn(&V) -> bool) -> usize {
            let current = self.value.load();
            let is_done = current.as_deref().is_some_and(done);
            usize::from(is_done && self.value.exchange(&current, None).is_ok())
        }
    }
}
