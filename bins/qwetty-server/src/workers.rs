//! The tasks of this program that a shutdown waits for.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use crate::in_hand::in_hand_at_each_step;

/// How long tasks that were told to end are waited for; they end at their next step.
const LAST_STEP: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Working,
    /// Take nothing new, finish what is in flight.
    Draining,
    /// Stop where you are.
    Ended,
}

/// The owner's end: tells the tasks when to finish, and knows when they have.
#[derive(Debug)]
pub(crate) struct Workers {
    phase: watch::Sender<Phase>,
    /// Closes when the last [`Worker`] is gone.
    alive: mpsc::Receiver<Infallible>,
    first: Worker,
}

/// A task's end. Whoever holds one is waited for.
#[derive(Clone, Debug)]
pub(crate) struct Worker(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    phase: watch::Receiver<Phase>,
    _alive: mpsc::Sender<Infallible>,
}

impl Workers {
    pub(crate) fn new() -> Self {
        let (phase, phase_receiver) = watch::channel(Phase::Working);
        let (alive_sender, alive) = mpsc::channel(1);
        let first = Worker(Arc::new(Shared { phase: phase_receiver, _alive: alive_sender }));
        Self { phase, alive, first }
    }

    pub(crate) fn worker(&self) -> Worker {
        self.first.clone()
    }

    /// Lets every task finish what it is doing, for at most `grace`, then ends those that remain. Answers
    /// whether all of them finished by themselves.
    pub(crate) async fn drain(self, grace: Duration) -> bool {
        let Self { phase, mut alive, first } = self;
        drop(first);
        phase.send_replace(Phase::Draining);
        let finished = timeout(grace, alive.recv()).await.is_ok();
        phase.send_replace(Phase::Ended);
        if !finished {
            // Dropping what they held is the tasks' own work.
            let _ = timeout(LAST_STEP, alive.recv()).await;
        }
        finished
    }
}

impl Worker {
    /// One that is waited for like this one, for what clones it often: its clones are counted apart from those of all others.
    pub(crate) fn apart(&self) -> Self {
        let Shared { phase, _alive } = &*self.0;
        Self(Arc::new(Shared { phase: phase.clone(), _alive: _alive.clone() }))
    }

    /// Waits until nothing new shall be begun.
    pub(crate) async fn draining(&self) {
        self.reached(Phase::Draining).await;
    }

    /// Waits until what is under way is to stop where it is.
    pub(crate) async fn ended(&self) {
        self.reached(Phase::Ended).await;
    }

    /// Runs a task that is waited for, and that ends by itself when the grace period is [over](Self::ended).
    pub(crate) fn spawn_ending(&self, task: impl Future<Output = ()> + Send + 'static) {
        let worker = self.clone();
        tokio::spawn(async move {
            task.await;
            drop(worker);
        });
    }

    /// Runs a task that is waited for, and dropped when the grace period is over.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let worker = self.clone();
        tokio::spawn(async move {
            tokio::select! {
                biased;
                () = worker.ended() => {}
                () = task => {}
            }
        });
    }

    async fn reached(&self, phase: Phase) {
        // An error says that the owner is gone, which ends every phase.
        let _ = self.0.phase.clone().wait_for(|current| *current >= phase).await;
    }
}

/// HTTP/2 runs each of its streams as a task.
impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Worker {
    fn execute(&self, task: F) {
        self.spawn(in_hand_at_each_step(task));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use tokio::time::{Instant, sleep};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn drain_waits_for_what_is_in_flight() {
        let workers = Workers::new();
        let done = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&done);
        workers.worker().spawn(async move {
            sleep(Duration::from_secs(9)).await;
            flag.store(true, Ordering::SeqCst);
        });
        assert!(workers.drain(Duration::from_secs(10)).await);
        assert!(done.load(Ordering::SeqCst));
    }

    #[tokio::test(start_paused = true)]
    async fn drain_ends_what_outlasts_the_grace() {
        let workers = Workers::new();
        workers.worker().spawn(std::future::pending());
        let start = Instant::now();
        assert!(!workers.drain(Duration::from_secs(10)).await);
        assert!(start.elapsed() < Duration::from_secs(11), "the task must have been dropped at once");
    }

    #[tokio::test(start_paused = true)]
    async fn a_panicking_task_is_not_waited_for() {
        let workers = Workers::new();
        workers.worker().spawn(async { panic!("on purpose") });
        assert!(workers.drain(Duration::from_secs(10)).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_may_begin_another_while_draining() {
        let workers = Workers::new();
        let worker = workers.worker();
        let again = worker.clone();
        worker.spawn(async move {
            again.draining().await;
            again.clone().spawn(sleep(Duration::from_secs(5)));
        });
        drop(worker);
        let start = Instant::now();
        assert!(workers.drain(Duration::from_secs(10)).await);
        assert!(start.elapsed() >= Duration::from_secs(5));
    }
}
