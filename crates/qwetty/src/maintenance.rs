use std::sync::Arc;
use std::time::Duration;

use qwetty_keys::Timestamp;
use qwetty_storage::{ChangeFeed, Hour, StoreError};
use tokio::task::AbortHandle;
use tokio::time::{Instant, MissedTickBehavior};

use crate::clock::Now;
use crate::engine::Core;

/// Hourly counts are kept this long.
const USAGE_RETENTION: Duration = Duration::from_secs(90 * 24 * 3600);
/// How often what is too old is forgotten.
const FORGET_INTERVAL: Duration = Duration::from_secs(3600);
/// How many hours of what is too old are forgotten in an hour: more than one, to catch up after a time out of service.
const CATCH_UP: u32 = 2;
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

    /// No background work: a model does by hand what of it concerns it.
    #[cfg(all(test, shuttle))]
    pub(crate) const fn none() -> Self {
        Self { tasks: Vec::new() }
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

/// What is too old goes by the wall clock, which may be wrong. So nothing is forgotten while it has leapt since the start; and
/// since it may have been wrong at the start, too, a run begins with the oldest that there is and goes on from there, an
/// hour or two for each hour that has passed.
async fn forget(core: Arc<Core>, audit_retention: Duration) {
    let mut purge: Option<Purge> = None;
    let mut ticks = tokio::time::interval(FORGET_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let forgotten = match &mut purge {
            Some(purge) => purge.go_on(&core, audit_retention).await,
            None => Purge::begin(&core).await.map(|begun| purge = Some(begun)),
        };
        if let Err(error) = forgotten {
            tracing::error!(%error, "old usage and audit events could not be forgotten");
        }
    }
}

/// How far forgetting has come.
struct Purge {
    start: Now,
    last: Now,
    /// Nothing from here on is forgotten yet; `None` where there was nothing at the start.
    usage: Option<Timestamp>,
    events: Option<Timestamp>,
}

impl Purge {
    async fn begin(core: &Core) -> Result<Self, StoreError> {
        let start = core.now();
        let usage = core.store.oldest_usage().await?.map(Hour::start);
        Ok(Self { start, last: start, usage, events: core.store.oldest_event().await? })
    }

    async fn go_on(&mut self, core: &Core, audit_retention: Duration) -> Result<(), StoreError> {
        let now = core.now();
        let passed = elapsed(self.last, now);
        self.last = now;
        if !is_believable(self.start, now) {
            tracing::warn!(
                "the wall clock has leapt by more than a day; nothing old is forgotten until it is back"
            );
            return Ok(());
        }
        let further = |from: &mut Option<Timestamp>, retention| {
            let too_old = now.wall.saturating_sub(retention);
            let reached = from.map_or(too_old, |from| from.saturating_add(passed * CATCH_UP).min(too_old));
            // Where it begins stays where it is while nothing is too old.
            *from = Some(from.map_or(reached, |from| from.max(reached)));
            reached
        };
        let usage = core.store.forget_usage(Hour::of(further(&mut self.usage, USAGE_RETENTION))).await;
        let events = core.store.forget_events(further(&mut self.events, audit_retention)).await;
        usage.and(events).map(drop)
    }
}

fn is_believable(start: Now, now: Now) -> bool {
    let expected = start.wall.saturating_add(elapsed(start, now));
    let stray =
        now.wall.saturating_duration_since(expected).max(expected.saturating_duration_since(now.wall));
    stray <= BELIEVABLE_STRAY
}

/// By the clock that nobody sets.
fn elapsed(earlier: Now, later: Now) -> Duration {
    Duration::from_nanos(later.moment.as_nanos().saturating_sub(earlier.moment.as_nanos()))
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
