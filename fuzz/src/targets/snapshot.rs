//! A stored window of the limiter: the first byte of the input says how long ago it was written and what quota it goes on
//! under, the rest is what the database has.

use std::time::Duration;

use qwetty_ratelimit::{LimiterCell, Moment, Outcome, Quota, WindowSnapshot};

pub(crate) const WORDS: &[&str] =
    &["\u{1}", "\0\0\0\0", "\u{1}\0\0\0", "\u{7f}", "\u{3c}\0\0\0", "\0\0\0\0\0\0\0\0"];

pub(crate) fn run(data: &[u8]) {
    let Some((choice, bytes)) = data.split_first() else { return };
    let Ok(snapshot) = WindowSnapshot::from_bytes(bytes) else { return };
    // What is read is written again as it was.
    let again = WindowSnapshot::from_bytes(&snapshot.to_bytes());
    assert_eq!(again.as_ref(), Ok(&snapshot));
    let quota = Quota::new(number(bytes, 1), number(bytes, 5)).unwrap();
    let other = Quota::new(
        (quota.limit() / (1 + u32::from(choice & 7))).clamp(1, Quota::MAX_LIMIT),
        (quota.window_seconds() / (1 + u32::from(choice >> 3 & 7))).clamp(1, Quota::MAX_WINDOW_SECONDS),
    )
    .unwrap();
    let elapsed = quota.window() * u32::from(choice >> 6) / 3;
    for quota in [quota, other] {
        go_on(quota, &snapshot, elapsed);
    }
}

/// A restored cell never admits more than its limit, forgets all in a window, and survives being stored again.
fn go_on(quota: Quota, snapshot: &WindowSnapshot, elapsed: Duration) {
    let now = Moment::from_nanos(1_000_000_000_000_000_000);
    let cell = LimiterCell::restore(quota, snapshot, elapsed, now);
    let level = cell.peek(quota, now);
    assert!(level.limit == quota.limit() && level.remaining <= quota.limit());

    if let Some(stored) = cell.snapshot(now) {
        let stored = WindowSnapshot::from_bytes(&stored.to_bytes()).unwrap();
        let restored = LimiterCell::restore(quota, &stored, Duration::ZERO, now).peek(quota, now);
        assert_eq!(restored.remaining, level.remaining, "a restart changes nothing");
    } else {
        assert_eq!(level.remaining, quota.limit());
    }

    let mut left = level.remaining;
    while left > 0 {
        let cost = (left / 2).max(1);
        let Outcome::Admitted(after) = cell.take(quota, cost, now) else { panic!("{left} were left") };
        left -= cost;
        assert_eq!(after.remaining, left);
    }
    assert!(matches!(cell.take(quota, 1, now), Outcome::Refused(_)), "more than the limit");

    // A window later, and what a clock that ran ahead had gained, nothing of it is left. What is ahead is a window at most.
    let later = now.saturating_add(quota.window() * 3 + snapshot_window(snapshot) * 3);
    assert_eq!(cell.peek(quota, later).remaining, quota.limit(), "a limit that never ends");
}

fn snapshot_window(snapshot: &WindowSnapshot) -> Duration {
    Duration::from_secs(number(&snapshot.to_bytes(), 5).into())
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}
