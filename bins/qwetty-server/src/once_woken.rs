//! A future that is left alone until it is woken itself.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// A future that is polled only once, and then each time that it has woken up: for a task that mostly wakes up for something else,
/// for which it would be looked at each time.
pub(crate) struct OnceWoken<F> {
    future: Pin<Box<F>>,
    /// As which it was polled last.
    sleeper: Option<Arc<Sleeper>>,
}

/// A task with such a future in it.
struct Sleeper {
    is_woken: AtomicBool,
    task: Waker,
}

impl<F: Future> OnceWoken<F> {
    pub(crate) fn new(future: F) -> Self {
        Self { future: Box::pin(future), sleeper: None }
    }
}

impl<F: Future> Future for OnceWoken<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Self { future, sleeper } = &mut *self;
        let sleeper = match sleeper {
            Some(sleeper) if sleeper.task.will_wake(context.waker()) => sleeper,
            _ => sleeper.insert(Sleeper::awake(context.waker())),
        };
        if !sleeper.is_woken.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        // Before the poll: whatever happens from here on wakes it again.
        sleeper.is_woken.swap(false, Ordering::SeqCst);
        let waker = Waker::from(Arc::clone(sleeper));
        future.as_mut().poll(&mut Context::from_waker(&waker))
    }
}

impl Sleeper {
    fn awake(task: &Waker) -> Arc<Self> {
        Arc::new(Self { is_woken: AtomicBool::new(true), task: task.clone() })
    }
}

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Before the task wakes up and looks.
        self.is_woken.store(true, Ordering::SeqCst);
        self.task.wake_by_ref();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::future::poll_fn;

    use futures_util::FutureExt;

    use super::*;
    use crate::wake_counter::WakeCounter;

    #[test]
    fn it_is_polled_once_and_then_when_it_was_woken() {
        let (polls, inner) = (Cell::new(0), RefCell::new(None));
        let mut future = OnceWoken::new(poll_fn(|context| {
            polls.set(polls.get() + 1);
            inner.replace(Some(context.waker().clone()));
            if polls.get() < 4 { Poll::Pending } else { Poll::Ready("done") }
        }));
        let wake = || inner.borrow().as_ref().unwrap().wake_by_ref();
        let (first, second) = (WakeCounter::new(), WakeCounter::new());
        let (one, other) = (Waker::from(Arc::clone(&first)), Waker::from(Arc::clone(&second)));

        for _ in 0..3 {
            assert!(future.poll_unpin(&mut Context::from_waker(&one)).is_pending());
        }
        assert_eq!((polls.get(), first.woken()), (1, 0), "it was not woken since the first time");
        wake();
        assert_eq!(first.woken(), 1, "whoever has it is told");
        for _ in 0..3 {
            assert!(future.poll_unpin(&mut Context::from_waker(&one)).is_pending());
        }
        assert_eq!(polls.get(), 2);
        // Another task has it now, and is to be woken from now on.
        for _ in 0..3 {
            assert!(future.poll_unpin(&mut Context::from_waker(&other)).is_pending());
        }
        assert_eq!(polls.get(), 3);
        wake();
        assert_eq!((first.woken(), second.woken()), (1, 1));
        assert_eq!(future.poll_unpin(&mut Context::from_waker(&other)), Poll::Ready("done"));
    }

    #[test]
    fn what_wakes_it_while_it_is_polled_is_not_lost() {
        let polls = Cell::new(0);
        let mut future = OnceWoken::new(poll_fn(|context| {
            polls.set(polls.get() + 1);
            context.waker().wake_by_ref();
            if polls.get() < 2 { Poll::Pending } else { Poll::Ready(()) }
        }));
        let task = WakeCounter::new();
        let waker = Waker::from(Arc::clone(&task));
        assert!(future.poll_unpin(&mut Context::from_waker(&waker)).is_pending());
        assert_eq!(task.woken(), 1);
        assert!(future.poll_unpin(&mut Context::from_waker(&waker)).is_ready());
    }
}
