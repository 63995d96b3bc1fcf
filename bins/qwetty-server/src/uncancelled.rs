//! A call that runs to its end even if nobody waits for its answer any more.

use std::pin::Pin;
use std::task::{Context, Poll};

use crate::workers::Worker;

/// A future that, dropped before its end, goes on as a task of its own.
///
/// The protocol drops a call whose client hangs up. Half of a change is worse than a change that nobody heard of:
/// a revocation, say, that reached the disk and not the memory.
pub(crate) struct Uncancelled<T: Send + 'static>(Option<Call<T>>);

/// `None` in its place when the call was answered, or has panicked.
struct Call<T> {
    future: Pin<Box<dyn Future<Output = T> + Send>>,
    worker: Worker,
}

impl<T: Send + 'static> Uncancelled<T> {
    pub(crate) fn new(future: impl Future<Output = T> + Send + 'static, worker: Worker) -> Self {
        Self(Some(Call { future: Box::pin(future), worker }))
    }
}

impl<T: Send + 'static> Future for Uncancelled<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        // Taken out for the poll, so that one which panics is not polled again by the task in `drop`.
        let Some(mut call) = self.0.take() else { return Poll::Pending };
        let polled = call.future.as_mut().poll(context);
        if polled.is_pending() {
            self.0 = Some(call);
        }
        polled
    }
}

impl<T: Send + 'static> Drop for Uncancelled<T> {
    fn drop(&mut self) {
        // Without a runtime the program is ending, and there is nowhere to go on.
        if let (Some(Call { future, worker }), Ok(_)) = (self.0.take(), tokio::runtime::Handle::try_current())
        {
            worker.spawn(async move { drop(future.await) });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::sync::{Notify, oneshot};

    use super::*;
    use crate::workers::Workers;

    #[tokio::test(start_paused = true)]
    async fn a_dropped_call_goes_on_and_is_waited_for() {
        let workers = Workers::new();
        let (done, finished) = oneshot::channel();
        let go_on = Arc::new(Notify::new());
        let gate = Arc::clone(&go_on);
        let call = async move {
            gate.notified().await;
            done.send("finished").unwrap();
        };
        let mut call = Box::pin(Uncancelled::new(call, workers.worker()));
        tokio::select! {
            biased;
            () = &mut call => panic!("not yet"),
            () = std::future::ready(()) => {}
        }
        drop(call);
        go_on.notify_one();
        assert!(workers.drain(Duration::from_secs(10)).await);
        assert_eq!(finished.await, Ok("finished"));
    }
}
