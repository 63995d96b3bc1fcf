//! A waker that is not heard while what it would tell is known already.
//!
//! Whoever reads the body of an HTTP/1 request wakes the connection that it came over, so that it reads on. If that was the
//! whole body there is nothing to read, and the connection, which is at that very moment asking for the answer, would be run a
//! second time for each request: through the queue of its thread, for which another may be woken.

use std::cell::RefCell;
use std::sync::Arc;
use std::task::{Wake, Waker};

use smallvec::SmallVec;

thread_local! {
    /// The wakers that were called while this thread does not want to hear of it.
    static WITHHELD: RefCell<Option<Wakers>> = const { RefCell::new(None) };
}

type Wakers = SmallVec<[Waker; 2]>;

/// A waker that can be [withheld].
pub(crate) struct QuietWaker(Waker);

impl QuietWaker {
    /// One that wakes by `waker`.
    pub(crate) fn over(waker: &Waker) -> Waker {
        Waker::from(Arc::new(Self(waker.clone())))
    }
}

impl Wake for QuietWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let is_withheld = WITHHELD.with_borrow_mut(|withheld| match withheld {
            Some(wakers) => {
                wakers.push(self.0.clone());
                true
            }
            None => false,
        });
        if !is_withheld {
            self.0.wake_by_ref();
        }
    }
}

/// Does something that may call wakers of this kind. They wake afterwards, unless `is_known` says of what was done that whoever
/// they would wake has nothing to learn.
pub(crate) fn withheld<T>(act: impl FnOnce() -> T, is_known: impl FnOnce(&T) -> bool) -> T {
    let mut withholding = Withholding::begin();
    let done = act();
    withholding.is_known = is_known(&done);
    done
}

/// Ends when dropped, in a panic, too.
struct Withholding {
    is_known: bool,
}

impl Withholding {
    fn begin() -> Self {
        WITHHELD.set(Some(Wakers::new()));
        Self { is_known: false }
    }
}

impl Drop for Withholding {
    fn drop(&mut self) {
        let wakers = WITHHELD.take();
        if !self.is_known {
            wakers.into_iter().flatten().for_each(Waker::wake);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wake_counter::WakeCounter;

    #[test]
    fn only_what_is_known_is_not_told() {
        let counter = WakeCounter::new();
        let waker = QuietWaker::over(&Waker::from(Arc::clone(&counter)));
        waker.wake_by_ref();
        assert_eq!(counter.woken(), 1);
        assert_eq!(withheld(|| waker.wake_by_ref(), |()| true), ());
        assert_eq!(counter.woken(), 1);
        withheld(|| waker.wake_by_ref(), |()| false);
        assert_eq!(counter.woken(), 2);
        // Another thread's is not this one's to withhold.
        withheld(|| std::thread::scope(|scope| drop(scope.spawn(|| waker.wake_by_ref()).join())), |()| true);
        assert_eq!(counter.woken(), 3);
        waker.wake();
        assert_eq!(counter.woken(), 4);
    }
}
