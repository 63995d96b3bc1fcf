//! What one connection is doing, and how long it may go on doing that.
//!
//! Two promises bound every connection: the client completes a request within [`Patience::request`] of
//! connecting or of its last answer, and it takes bytes of what it is sent at least every
//! [`Patience::reading`]. While a complete request is in the service's hands the client owes nothing.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use smallvec::SmallVec;
use tokio::time::{Instant, sleep_until};

/// How long a client may keep a connection waiting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// For a complete request, from connecting or from the last answer.
    pub(crate) request: Duration,
    /// For the next bytes of an answer to be taken.
    pub(crate) reading: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { request: Duration::from_secs(30), reading: Duration::from_secs(30) }
    }
}

/// The promise that a client broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overdue {
    /// No complete request arrived.
    Request,
    /// The client does not read what it is sent.
    Reading,
}

/// The state of one connection, told by its socket, its request bodies and its answers.
#[derive(Debug)]
pub(crate) struct Activity {
    patience: Patience,
    connected: Instant,
    /// When the client connected or had its last answer: so many nanoseconds after it connected.
    owes_request_since: AtomicU64,
    /// Whether the last answer was given before its request was complete.
    cut_short: AtomicBool,
    /// Whether the socket takes no more bytes, which few writes change.
    is_blocked: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// One at a time on HTTP/1, one for each stream on HTTP/2, by their numbers.
    exchanges: SmallVec<[(u64, Stage); 1]>,
    next_exchange: u64,
    /// Since when the socket takes no more bytes.
    blocked_since: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The service has the head, but not yet the whole body.
    Receiving,
    /// The complete request is in the service's hands.
    Serving,
    /// The answer is on its way; some of it last moved at this time.
    Answering(Instant),
}

impl Activity {
    pub(crate) fn new(patience: Patience) -> Arc<Self> {
        Arc::new(Self {
            patience,
            connected: Instant::now(),
            owes_request_since: AtomicU64::new(0),
            cut_short: AtomicBool::new(false),
            is_blocked: AtomicBool::new(false),
            state: Mutex::new(State { exchanges: SmallVec::new(), next_exchange: 0, blocked_since: None }),
        })
    }

    /// An exchange that is over before anything else happens on the connection: a request that was complete `at` this time was
    /// answered then, by a head alone.
    pub(crate) fn answered_at_once(&self, at: Instant) {
        self.cut_short.store(false, Ordering::Relaxed);
        self.owe_request_since(at);
    }

    fn owe_request_since(&self, at: Instant) {
        let nanoseconds = at.duration_since(self.connected).as_nanos();
        self.owes_request_since.store(u64::try_from(nanoseconds).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Begins an exchange: the head of a request has arrived, and `is_complete` says whether that is all of it.
    pub(crate) fn begin(self: &Arc<Self>, is_complete: bool) -> Exchange {
        self.begin_at(if is_complete { Stage::Serving } else { Stage::Receiving })
    }

    /// Begins an exchange whose request was complete, and answered, `at` this time.
    pub(crate) fn begin_answered(self: &Arc<Self>, at: Instant) -> Exchange {
        self.cut_short.store(false, Ordering::Relaxed);
        self.begin_at(Stage::Answering(at))
    }

    fn begin_at(self: &Arc<Self>, stage: Stage) -> Exchange {
        let mut state = self.lock();
        let number = state.next_exchange;
        state.next_exchange += 1;
        state.exchanges.push((number, stage));
        drop(state);
        Exchange { activity: Arc::clone(self), number }
    }

    /// The socket took bytes.
    pub(crate) fn unblocked(&self) {
        // Only the one task that writes to the socket tells of it.
        if self.is_blocked.load(Ordering::Relaxed) {
            self.is_blocked.store(false, Ordering::Relaxed);
            self.lock().blocked_since = None;
        }
    }

    /// The socket takes no more bytes.
    pub(crate) fn blocked(&self) {
        self.is_blocked.store(true, Ordering::Relaxed);
        self.lock().blocked_since.get_or_insert_with(Instant::now);
    }

    /// Whether an answer of the service's is on its way.
    pub(crate) fn is_answering(&self) -> bool {
        self.lock().exchanges.iter().any(|(_, stage)| matches!(stage, Stage::Answering(_)))
    }

    /// What came could not be read as a request, and no more of it will be.
    pub(crate) fn refused_unread(&self) {
        self.cut_short.store(true, Ordering::Relaxed);
    }

    /// Whether the last answer was given before its request was complete, so that more of that request may be
    /// on its way.
    pub(crate) fn cut_short(&self) -> bool {
        self.cut_short.load(Ordering::Relaxed)
    }

    /// Waits until the client has broken a promise.
    pub(crate) async fn overdue(&self) -> Overdue {
        // Every new deadline lies at least this far in the future, so looking again this often misses none,
        // and nobody has to wake this task when the state changes.
        let shortest = self.patience.request.min(self.patience.reading);
        loop {
            let now = Instant::now();
            let look_again = now + shortest;
            let deadline = self.deadline();
            match deadline {
                Some((at, overdue)) if at <= now => return overdue,
                Some((at, _)) => sleep_until(at.min(look_again)).await,
                None => sleep_until(look_again).await,
            }
        }
    }

    /// When the client will have broken a promise, and which.
    fn deadline(&self) -> Option<(Instant, Overdue)> {
        let state = self.lock();
        let stuck_answer = state.exchanges.iter().filter_map(|(_, stage)| match stage {
            Stage::Answering(moved) => Some(*moved),
            Stage::Receiving | Stage::Serving => None,
        });
        let reading = stuck_answer
            .chain(state.blocked_since)
            .min()
            .map(|since| (since + self.patience.reading, Overdue::Reading));
        let owes_request = state.exchanges.iter().all(|(_, stage)| *stage == Stage::Receiving);
        let since = self.connected + Duration::from_nanos(self.owes_request_since.load(Ordering::Relaxed));
        let request = owes_request.then(|| (since + self.patience.request, Overdue::Request));
        reading.into_iter().chain(request).min_by_key(|(at, _)| *at)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock, and the state has no half-done form.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn stage(&mut self, number: u64) -> Option<&mut Stage> {
        self.exchanges.iter_mut().find(|(own, _)| *own == number).map(|(_, stage)| stage)
    }

    fn end(&mut self, number: u64) -> Option<Stage> {
        let index = self.exchanges.iter().position(|(own, _)| *own == number)?;
        Some(self.exchanges.swap_remove(index).1)
    }
}

/// One request and its answer; ends when dropped.
#[derive(Debug)]
pub(crate) struct Exchange {
    activity: Arc<Activity>,
    number: u64,
}

impl Exchange {
    /// A handle by which the body of the request tells that it is complete.
    pub(crate) fn receipt(&self) -> Receipt {
        Receipt { activity: Arc::clone(&self.activity), number: self.number }
    }

    /// The service has answered, at this time. Whether it did so before the request was complete.
    pub(crate) fn answered(&self, at: Instant) -> bool {
        let mut state = self.activity.lock();
        let Some(stage) = state.stage(self.number) else { return false };
        let cut_short = *stage == Stage::Receiving;
        *stage = Stage::Answering(at);
        self.activity.cut_short.store(cut_short, Ordering::Relaxed);
        cut_short
    }

    /// Some of the answer has left.
    pub(crate) fn moved(&self) {
        if let Some(stage) = self.activity.lock().stage(self.number) {
            *stage = Stage::Answering(Instant::now());
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let mut state = self.activity.lock();
        match state.end(self.number) {
            Some(Stage::Serving | Stage::Answering(_)) => self.activity.owe_request_since(Instant::now()),
            // A request that was given up half-way earns no new time.
            Some(Stage::Receiving) | None => {}
        }
    }
}

/// By which the body of a request tells that it is complete.
#[derive(Debug)]
pub(crate) struct Receipt {
    activity: Arc<Activity>,
    number: u64,
}

impl Receipt {
    /// The request is complete.
    pub(crate) fn complete(&self) {
        if let Some(stage @ Stage::Receiving) = self.activity.lock().stage(self.number) {
            *stage = Stage::Serving;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{advance, timeout};

    use super::*;

    const PATIENCE: Patience =
        Patience { request: Duration::from_secs(30), reading: Duration::from_secs(20) };

    async fn overdue_after(activity: &Activity) -> (Overdue, Duration) {
        let start = Instant::now();
        let overdue = activity.overdue().await;
        (overdue, start.elapsed().round())
    }

    trait Round {
        fn round(self) -> Self;
    }

    impl Round for Duration {
        // Tokio's timers tick in milliseconds.
        fn round(self) -> Self {
            Duration::from_secs((self.as_millis() as u64 + 500) / 1000)
        }
    }

    async fn never_overdue(activity: &Activity) {
        assert!(timeout(Duration::from_secs(3600), activity.overdue()).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_client_is_overdue_after_its_request_time() {
        let activity = Activity::new(PATIENCE);
        assert_eq!(overdue_after(&activity).await, (Overdue::Request, Duration::from_secs(30)));
    }

    #[tokio::test(start_paused = true)]
    async fn an_incomplete_request_earns_no_time() {
        let activity = Activity::new(PATIENCE);
        advance(Duration::from_secs(10)).await;
        let given_up = activity.begin(false);
        advance(Duration::from_secs(10)).await;
        drop(given_up);
        let _incomplete = activity.begin(false);
        assert_eq!(overdue_after(&activity).await, (Overdue::Request, Duration::from_secs(10)));
    }

    #[tokio::test(start_paused = true)]
    async fn the_service_may_take_its_time_with_a_complete_request() {
        let activity = Activity::new(PATIENCE);
        let exchange = activity.begin(false);
        exchange.receipt().complete();
        never_overdue(&activity).await;
        drop(exchange);
        assert_eq!(overdue_after(&activity).await, (Overdue::Request, Duration::from_secs(30)));
    }

    #[tokio::test(start_paused = true)]
    async fn each_answer_must_keep_moving_however_busy_the_others_are() {
        let activity = Activity::new(PATIENCE);
        let stuck = activity.begin(false);
        stuck.receipt().complete();
        stuck.answered(Instant::now());
        advance(Duration::from_secs(15)).await;
        stuck.moved();
        advance(Duration::from_secs(15)).await;
        let other = activity.begin(false);
        other.receipt().complete();
        other.answered(Instant::now());
        drop(other);
        assert_eq!(overdue_after(&activity).await, (Overdue::Reading, Duration::from_secs(5)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_blocked_socket_is_overdue_even_while_the_service_works() {
        let activity = Activity::new(PATIENCE);
        let exchange = activity.begin(false);
        exchange.receipt().complete();
        activity.blocked();
        advance(Duration::from_secs(15)).await;
        activity.blocked();
        assert_eq!(overdue_after(&activity).await, (Overdue::Reading, Duration::from_secs(5)));
        activity.unblocked();
        never_overdue(&activity).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_ends_after_the_answer_changes_nothing() {
        let activity = Activity::new(PATIENCE);
        let exchange = activity.begin(false);
        let receipt = exchange.receipt();
        exchange.answered(Instant::now());
        assert!(activity.cut_short());
        drop(exchange);
        receipt.complete();
        assert_eq!(overdue_after(&activity).await, (Overdue::Request, Duration::from_secs(30)));
    }
}
