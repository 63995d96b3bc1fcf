use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use qwetty_keys::Timestamp;
use qwetty_ratelimit::Moment;

/// One reading of a clock: the wall for expiry and for what people read, the monotonic for quota windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Wall-clock time; it may be set back.
    pub wall: Timestamp,
    /// Monotonic time; it never goes back.
    pub moment: Moment,
}

/// Where every `now` comes from.
pub trait Clock: Send + Sync + 'static {
    /// Reads the clock.
    fn now(&self) -> Now;
}

/// So that whoever set the clock up can go on setting it.
impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> Now {
        (**self).now()
    }
}

/// The machine's clocks: `SystemTime` for the wall, `Instant` for quota windows.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    origin: Instant,
}

impl SystemClock {
    /// A clock whose monotonic readings count from now.
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is handed")]
    pub fn new() -> Self {
        Self { origin: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is handed")]
    fn now(&self) -> Now {
        let elapsed = Instant::now().saturating_duration_since(self.origin);
        Now { wall: wall(SystemTime::now()), moment: Moment::from_nanos(nanos(elapsed)) }
    }
}

/// A clock that a test sets.
#[derive(Debug)]
pub struct ManualClock {
    wall_micros: AtomicI64,
    moment_nanos: AtomicU64,
}

impl ManualClock {
    /// A clock that stands at this wall-clock time.
    pub fn at(wall: Timestamp) -> Self {
        Self { wall_micros: AtomicI64::new(wall.unix_micros()), moment_nanos: AtomicU64::new(0) }
    }

    /// Lets time pass, on both clocks.
    pub fn advance(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        self.wall_micros.fetch_add(micros, Ordering::SeqCst);
        self.moment_nanos.fetch_add(nanos(by), Ordering::SeqCst);
    }

    /// Sets the wall clock, forward or back; the monotonic clock does not notice.
    pub fn set_wall(&self, wall: Timestamp) {
        self.wall_micros.store(wall.unix_micros(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Now {
        Now {
            wall: Timestamp::from_unix_micros(self.wall_micros.load(Ordering::SeqCst)),
            moment: Moment::from_nanos(self.moment_nanos.load(Ordering::SeqCst)),
        }
    }
}

fn wall(time: SystemTime) -> Timestamp {
    let micros = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros),
    };
    Timestamp::from_unix_micros(micros)
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
