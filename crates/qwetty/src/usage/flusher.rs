use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use qwetty_keys::{Generation, KeyId, Timestamp};
use qwetty_storage::{Outcome, SavedWindow, StoreError, UsageBatch, UsageRow, UsageStore};
use tokio::sync::{RwLock, RwLockReadGuard};

use super::Pending;
use crate::cache::{CachedKey, KeyState, LiveState};
use crate::clock::Now;
use crate::sync::Mutex;

/// Keys in one batch: a store applies a batch as a whole, and a revocation must not wait long behind it.
const MOST_ROWS: usize = 500;

/// Brings counts and quota windows to the store, in numbered batches that a store applies once.
pub(crate) struct Flusher {
    /// Keys with something to flush, each once.
    queue: Mutex<Vec<LiveState>>,
    /// Held for writing from before a batch is sent until its outcome is known and counted, so that a reader who holds
    /// it sees each count in the store or in memory, never in both.
    batches: RwLock<Batches>,
}

struct Batches {
    writer: u128,
    sequence: u64,
    /// A batch whose outcome is unknown; it is sent again before any other.
    unanswered: Option<UsageBatch>,
    /// What was drained after that. In order of the keys, which is mostly that in which they were made: what is near to each other in
    /// a store goes there in one batch.
    backlog: BTreeMap<KeyId, UsageRow>,
}

impl Flusher {
    pub(crate) fn new(writer: u128) -> Self {
        let batches = Batches { writer, sequence: 0, unanswered: None, backlog: BTreeMap::new() };
        Self { queue: Mutex::default(), batches: RwLock::new(batches) }
    }

    /// Counts one decision and queues the key.
    pub(crate) fn count(
        &self,
        key: &Arc<CachedKey>,
        outcome: Outcome,
        generation: Generation,
        at: Timestamp,
    ) {
        let state = key.state();
        state.usage().count(outcome, generation, at);
        if state.enqueue() {
            self.queue.lock().unwrap_or_else(PoisonError::into_inner).push(key.hold_state());
        }
    }

    /// Brings everything that was counted before this call to the store. After an error nothing is lost: the next flush
    /// sends it again.
    pub(crate) async fn flush(&self, store: &dyn UsageStore, now: Now) -> Result<(), StoreError> {
        self.batches.write().await.collect(self.take_queue(), now);
        loop {
            // Let go of between batches, so that readers wait for one at most.
            let mut batches = self.batches.write().await;
            let Some(batch) = batches.next(now.wall) else { return Ok(()) };
            store.record_usage(batch).await?;
            batches.unanswered = None;
        }
    }

    /// A view in which stored counts and [`View::pending`] ones add up to the truth, as long as it is held and the store is
    /// read after it was taken.
    pub(crate) async fn view(&self) -> View<'_> {
        View(self.batches.read().await)
    }

    fn take_queue(&self) -> Vec<LiveState> {
        std::mem::take(&mut *self.queue.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// See [`Flusher::view`].
pub(crate) struct View<'a>(RwLockReadGuard<'a, Batches>);

impl View<'_> {
    /// What is counted for a key and not in the store. A batch whose outcome is unknown is left out, so that no count ever
    /// exceeds the truth.
    pub(crate) fn pending(&self, id: KeyId, state: Option<&KeyState>) -> Pending {
        let mut pending = self.0.backlog.get(&id).map(Pending::of).unwrap_or_default();
        if let Some(state) = state {
            pending.merge(state.usage().peek());
        }
        pending
    }
}

impl Batches {
    fn collect(&mut self, queue: Vec<LiveState>, now: Now) {
        for state in queue {
            state.dequeue();
            let drained = state.usage().drain();
            let window = state
                .limiter()
                .snapshot(now.moment)
                .map(|snapshot| SavedWindow { saved_at: now.wall, snapshot });
            let row =
                self.backlog.entry(state.id()).or_insert_with(|| Pending::default().into_row(state.id()));
            let mut pending = Pending::of(row);
            pending.merge(drained);
            *row = UsageRow { window: window.or(row.window.take()), ..pending.into_row(state.id()) };
        }
    }

    fn next(&mut self, now: Timestamp) -> Option<&UsageBatch> {
        if self.unanswered.is_none() && !self.backlog.is_empty() {
            let rows =
                std::iter::from_fn(|| self.backlog.pop_first().map(|(_, row)| row)).take(MOST_ROWS).collect();
            self.sequence = self.sequence.saturating_add(1);
            self.unanswered =
                Some(UsageBatch { writer: self.writer, sequence: self.sequence, at: now, rows });
        }
        self.unanswered.as_ref()
    }
}

impl Pending {
    fn of(row: &UsageRow) -> Self {
        Self {
            hours: row.hours.clone(),
            last_used_at: row.last_used_at,
            previous_value_last_used_at: row.previous_value_last_used_at,
        }
    }

    fn into_row(self, key: KeyId) -> UsageRow {
        UsageRow {
            key,
            hours: self.hours,
            last_used_at: self.last_used_at,
            previous_value_last_used_at: self.previous_value_last_used_at,
            window: None,
        }
    }
}
