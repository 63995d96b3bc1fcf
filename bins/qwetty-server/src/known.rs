//! The few counters that every request counts on, found without a lock.

use std::sync::OnceLock;

/// Values by key, as they were first asked for; at most `N`. What a family of counters finds by a hash of labels, under a
/// lock that all threads write to, is found here by looking at a few places in turn.
#[derive(Debug)]
pub(crate) struct Known<K, V, const N: usize>([OnceLock<(K, V)>; N]);

impl<K: PartialEq + Copy, V, const N: usize> Known<K, V, N> {
    pub(crate) const fn new() -> Self {
        Self([const { OnceLock::new() }; N])
    }

    /// Uses the value of `key`, which `make` makes if it is new. If there is no place for it, it is made each time.
    pub(crate) fn with<R>(&self, key: K, make: impl Fn() -> V, use_it: impl FnOnce(&V) -> R) -> R {
        for place in &self.0 {
            let (own, value) = place.get_or_init(|| (key, make()));
            if *own == key {
                return use_it(value);
            }
        }
        use_it(&make())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn each_key_keeps_its_own_value_and_more_than_there_is_room_for_are_made_anew() {
        let known = Known::<_, AtomicU32, 2>::new();
        let count = |key| known.with(key, AtomicU32::default, |value| value.fetch_add(1, Ordering::Relaxed));
        assert_eq!([count("a"), count("b"), count("a"), count("b"), count("a")], [0, 0, 1, 1, 2]);
        assert_eq!([count("c"), count("c"), count("a")], [0, 0, 3]);
    }
}
