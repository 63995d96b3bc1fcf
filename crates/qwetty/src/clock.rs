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
///
/// It reads the wall clock once in a millisecond, and between those times goes by the monotonic one: to read one clock takes
/// half as long as to read two. So it notices that the wall clock was set up to a millisecond late.
#[derive(Debug)]
pub struct SystemClock {
    origin: Instant,
    wall: WallClock,
}

impl SystemClock {
    /// A clock whose monotonic readings count from now.
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is handed")]
    pub fn new() -> Self {
        Self { origin: Instant::now(), wall: WallClock::unread() }
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
        let elapsed = nanos(Instant::now().saturating_duration_since(self.origin));
        Now { wall: self.wall.at(elapsed, SystemTime::now), moment: Moment::from_nanos(elapsed) }
    }
}

/// How far the wall clock is ahead of the monotonic one. The two run equally fast, but for when the wall clock is set.
#[derive(Debug)]
struct WallClock {
    ahead_micros: AtomicI64,
    /// The monotonic time, in nanoseconds, from which on it is to be read again.
    read_again: AtomicU64,
}

impl WallClock {
    const READ_EVERY_NANOS: u64 = 1_000_000;

    const fn unread() -> Self {
        Self { ahead_micros: AtomicI64::new(0), read_again: AtomicU64::new(0) }
    }

    fn at(&self, elapsed_nanos: u64, read: impl Fn() -> SystemTime) -> Timestamp {
        let elapsed_micros = i64::try_from(elapsed_nanos / 1000).unwrap_or(i64::MAX);
        // Whoever finds it fresh finds the difference that goes with it, or a later one.
        if elapsed_nanos < self.read_again.load(Ordering::Acquire) {
            let ahead = self.ahead_micros.load(Ordering::Relaxed);
            return Timestamp::from_unix_micros(elapsed_micros.saturating_add(ahead));
        }
        let wall = wall(read());
        let ahead = wall.unix_micros().saturating_sub(elapsed_micros);
        self.ahead_micros.store(ahead, Ordering::Relaxed);
        self.read_again.store(elapsed_nanos.saturating_add(Self::READ_EVERY_NANOS), Ordering::Release);
        wall
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wall_clock_goes_on_between_its_readings_and_is_found_set_after_a_millisecond() {
        let clock = WallClock::unread();
        let at = |elapsed_micros: u64, wall_micros: u64| {
            let wall = UNIX_EPOCH + Duration::from_micros(wall_micros);
            clock.at(elapsed_micros * 1000, || wall).unix_micros()
        };
        assert_eq!(at(5, 1_000_005), 1_000_005);
        assert_eq!(at(900, 0), 1_000_900, "not read again yet");
        assert_eq!(at(1005, 7_000), 7_000, "set back");
        assert_eq!(at(1010, 0), 7_005);
        assert_eq!(at(900, 0), 6_895, "a thread that was late");
        assert_eq!(at(50_000, 9_000_000), 9_000_000, "set forward");
    }
}
