use std::sync::Arc;
use std::time::Duration;

use qwetty_storage::{ChangeFeed, Hour};
use tokio::task::AbortHandle;
use tokio::time::{Instant, MissedTickBehavior};

use crate::clock::Now;
use crate::engine::Core;

/// Hourly counts are kept this long.
const USAGE_RETENTION_HOURS: i64 = 90 * 24;
/// How often what is too old is forgotten.
const FORGET_INTERVAL: Duration = Duration::from_secs(3600);
/// How often states that are not needed any more are dropped.
const DROP_INTERVAL: Duration = Duration::from_secs(60);
/// Flushing again and again without a pause would keep everything else from the store.
const LEAST_INTERVAL: Duration = Duration::from_millis(1);
/// How far the wall clock may stray from the monotonic one before it is not believed.
const BELIEVABLE_STRAY: Duration = Duration::from_secs(24 * 3600);

/// An engine's background work: it flushes, forgets what is too old, and follows changes that others make. It ends with the
/// last handle to the engine, verifiers and key managers included.
pub(crate) struct Maintenance {
    tasks: Vec<AbortHandle>,
}

impl Maintenance {
    pub(crate) fn start(core: &Arc<Core>, flush_interval: Duration, audit_retention: Duration) -> Self {
        let mut tasks = vec![
            tokio::spawn(flush(Arc::clone(core), flush_interval)).abort_handle(),
            tokio::spawn(forget(Arc::clone(core), audit_retention)).abort_handle(),
            tokio::spawn(drop_idle_states(Arc::clone(core))).abort_handle(),
        ];
        if let Some(feed) = core.store.changes() {
            tasks.push(tokio::spawn(follow(Arc::clone(core), feed)).abort_handle());
        }
        Self { tasks }
    }

    pub(crate) fn stop(&self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Drop for Maintenance {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn flush(core: Arc<Core>, interval: Duration) {
    let interval = interval.max(LEAST_INTERVAL);
    // At the start there is nothing to flush.
    let mut ticks = tokio::time::interval_at(Instant::now() + interval, interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = core.flusher.flush(&*core.store, core.now()).await {
            tracing::error!(%error, "usage could not be flushed; it is kept and will be sent again");
        }
    }
}

async fn drop_idle_states(core: Arc<Core>) {
    let mut ticks = tokio::time::interval_at(Instant::now() + DROP_INTERVAL, DROP_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let core = Arc::clone(&core);
        // There may be millions to look at, and decisions to be made meanwhile.
        let dropped = tokio::task::spawn_blocking(move || core.cache.drop_idle_states(core.now().moment));
        if let Err(error) = dropped.await {
            tracing::error!(%error, "the states of keys that are not used any more could not be dropped");
        }
    }
}

/// What is too old goes by the wall clock, so a wall clock that has leapt since the start is not believed: it would
/// purge what should live.
async fn forget(core: Arc<Core>, audit_retention: Duration) {
    let start = core.now();
    let mut ticks = tokio::time::interval(FORGET_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let now = core.now();
        if !is_believable(start, now) {
            tracing::warn!(
                "the wall clock has leapt by more than a day; nothing old is forgotten until it is back"
            );
            continue;
        }
        let usage = core.store.forget_usage(Hour::of(now.wall).plus(-USAGE_RETENTION_HOURS)).await;
        let events = core.store.forget_events(now.wall.saturating_sub(audit_retention)).await;
        if let Err(error) = usage.and(events) {
            tracing::error!(%error, "old usage and audit events could not be forgotten");
        }
    }
}

fn is_believable(start: Now, now: Now) -> bool {
    let by_moment = Duration::from_nanos(now.moment.as_nanos().saturating_sub(start.moment.as_nanos()));
    let expected = start.wall.saturating_add(by_moment);
    let stray =
        now.wall.saturating_duration_since(expected).max(expected.saturating_duration_since(now.wall));
    stray <= BELIEVABLE_STRAY
}

async fn follow(core: Arc<Core>, mut feed: ChangeFeed) {
    loop {
        match feed.recv().await {
            Ok(change) => core.cache.forget(&change.digests),
            Err(_) => {
                // A new feed first, so that nothing falls between it and what is read from here on.
                let next = core.store.changes();
                core.cache.forget_all();
                match next {
                    Some(next) => feed = next,
                    None => return,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use qwetty_keys::Timestamp;
    use qwetty_ratelimit::Moment;

    use super::*;

    #[test]
    fn a_wall_clock_that_leapt_is_not_believed() {
        let day = 24 * 3600;
        let reading = |wall_s: i64, moment_s: u64| Now {
            wall: Timestamp::from_unix_micros(wall_s * 1_000_000),
            moment: Moment::from_nanos(moment_s * 1_000_000_000),
        };
        let start = reading(1_000_000_000, 5);
        assert!(is_believable(start, reading(1_000_000_000 + 400 * day, 5 + 400 * 86_400)));
        assert!(!is_believable(start, reading(1_000_000_000 + 3650 * day, 5 + 60)));
        assert!(!is_believable(start, reading(1_000_000_000 - 2 * day, 5 + 60)));
    }
}
