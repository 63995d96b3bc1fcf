//! What the worker threads are in the middle of, and on which processors, so that one with nothing to do gives way to one that was
//! stopped.
//!
//! Where more threads want to run than there are processors, the system gives each a turn, of 4 ms say, and stops it wherever it is.
//! A worker that is stopped in the middle of a request keeps it waiting, while another on the same processor serves what arrives
//! meanwhile: milliseconds, for what takes microseconds. So a worker that has served all that there is looks whether one was stopped
//! on its own processor, and lets that one go on first. It gives up its turn for nothing else: whatever other programs want to run
//! there, they get no more of the processor than the system gives them.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crossbeam_utils::CachePadded;

/// So many processors have a count of their own. Those beyond share them, and give way sometimes for nothing.
const COUNTS: usize = 256;

/// What threads are in the middle of, counted where they began it.
#[derive(Debug)]
struct Processors([CachePadded<AtomicUsize>; COUNTS]);

static PROCESSORS: Processors = Processors::new();

/// Something that the calling thread is in the middle of, until this is dropped.
pub(crate) fn in_hand() -> InHand<'static> {
    PROCESSORS.in_hand()
}

/// A task that is in hand during each of its steps.
pub(crate) async fn in_hand_at_each_step(task: impl Future<Output = ()>) {
    PROCESSORS.in_hand_at_each_step(task).await;
}

/// To be called by a worker thread that has nothing in hand and is about to wait: lets one that was stopped on this processor go on.
pub(crate) fn give_way() {
    if PROCESSORS.is_one_stopped_here() {
        thread::yield_now();
    }
}

/// Counts where it was begun, wherever the thread has been moved to when it ends.
#[derive(Debug)]
#[must_use]
pub(crate) struct InHand<'a>(Option<&'a AtomicUsize>);

impl Processors {
    const fn new() -> Self {
        Self([const { CachePadded::new(AtomicUsize::new(0)) }; COUNTS])
    }

    fn in_hand(&self) -> InHand<'_> {
        InHand::counted(self.here())
    }

    async fn in_hand_at_each_step(&self, task: impl Future<Output = ()>) {
        let mut task = pin!(task);
        poll_fn(|context| {
            let _in_hand = self.in_hand();
            task.as_mut().poll(context)
        })
        .await;
    }

    /// Whether another thread than this one, which has nothing in hand, began something on this processor and is in the middle of
    /// it. That one does not run then, unless the system has moved it to another processor, which is rare.
    fn is_one_stopped_here(&self) -> bool {
        self.here().is_some_and(|count| count.load(Ordering::Relaxed) != 0)
    }

    /// The count of the processor that this thread runs on, if the system tells.
    fn here(&self) -> Option<&AtomicUsize> {
        self.of(processor()?)
    }

    fn of(&self, processor: usize) -> Option<&AtomicUsize> {
        self.0.get(processor % COUNTS).map(|count| &**count)
    }
}

impl<'a> InHand<'a> {
    fn counted(count: Option<&'a AtomicUsize>) -> Self {
        if let Some(count) = count {
            count.fetch_add(1, Ordering::Relaxed);
        }
        Self(count)
    }
}

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        if let Some(count) = self.0 {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(target_os = "linux")]
fn processor() -> Option<usize> {
    Some(rustix::thread::sched_getcpu())
}

#[cfg(not(target_os = "linux"))]
fn processor() -> Option<usize> {
    None
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    #[test]
    fn what_is_in_hand_counts_on_its_processor_until_it_is_dropped() {
        let processors = Processors::new();
        let count = |processor| processors.of(processor).unwrap().load(Ordering::Relaxed);
        let one = InHand::counted(processors.of(3));
        let other = InHand::counted(processors.of(3));
        assert_eq!([2, 3, 4].map(count), [0, 2, 0]);
        drop(one);
        assert_eq!(count(3), 1);
        drop(other);
        assert_eq!(count(3), 0);
    }

    #[test]
    fn any_number_of_processors_has_counts() {
        let processors = Processors::new();
        let _in_hand = InHand::counted(processors.of(COUNTS + 1));
        let counts = [0, 1, usize::MAX].map(|processor| processors.of(processor).unwrap());
        assert_eq!(counts.map(|count| count.load(Ordering::Relaxed)), [0, 1, 0]);
    }

    #[test]
    fn a_step_that_panics_leaves_nothing_in_hand() {
        let processors = Processors::new();
        let count = processors.of(0).unwrap();
        let step = AssertUnwindSafe(|| {
            let _in_hand = InHand::counted(Some(count));
            assert_eq!(count.load(Ordering::Relaxed), 1);
            panic!("on purpose");
        });
        assert!(catch_unwind(step).is_err());
        assert_eq!(count.load(Ordering::Relaxed), 0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn who_comes_to_a_processor_sees_what_was_stopped_there() {
        use rustix::thread::{CpuSet, sched_setaffinity};

        let processors = Processors::new();
        // Wherever this thread goes, the other one goes to where it was.
        let there = processor().unwrap();
        let is_one_stopped_there = || {
            thread::scope(|scope| {
                let thread = scope.spawn(|| {
                    let mut only = CpuSet::new();
                    only.set(there);
                    sched_setaffinity(None, &only).unwrap();
                    processors.is_one_stopped_here()
                });
                thread.join().unwrap()
            })
        };
        assert!(!is_one_stopped_there());
        let in_hand = InHand::counted(processors.of(there));
        assert!(is_one_stopped_there());
        drop(in_hand);
        assert!(!is_one_stopped_there());
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_task_is_in_hand_at_its_steps_and_not_between() {
        let processors = Processors::new();
        let count = || processors.0.iter().map(|count| count.load(Ordering::Relaxed)).sum::<usize>();
        let mut at_steps = Vec::new();
        let task = async {
            for _ in 0..2 {
                at_steps.push(count());
                tokio::task::yield_now().await;
            }
        };
        let mut between = Vec::new();
        let task = processors.in_hand_at_each_step(task);
        tokio::select! {
            biased;
            () = task => {}
            () = async {
                loop {
                    between.push(count());
                    tokio::task::yield_now().await;
                }
            } => {}
        }
        assert_eq!((at_steps, between), (vec![1, 1], vec![0, 0]));
    }
}
