//! A stored window of the limiter: the first byte of the input says how long ago it was written and what quota it goes on
//! under, the rest is what the database has.

use std::time::Duration;

use qwetty_ratelimit::{LimiterCell, Moment, Outcome, Quota, WindowSnapshot};

const NOW: Moment = Moment::from_nanos(1_000_000_000_000_000_000);

pub(crate) const WORDS: &[&str] =
    &["\u{1}", "\u{2}", "\u{37}", "\0\0\0\0", "\u{1}\0\0\0", "\u{7f}", "\u{3c}\0\0\0", "\0\0\0\0\0\0\0\0"];

pub(crate) fn run(data: &[u8]) {
    let Some((choice, bytes)) = data.split_first() else { return };
    let Ok(snapshot) = WindowSnapshot::from_bytes(bytes) else { return };
    // What is read is written again as it was.
    let again = WindowSnapshot::from_bytes(&snapshot.to_bytes());
    assert_eq!(again.as_ref(), Ok(&snapshot));
    let Written { quota, counted } = Written::read(bytes);
    let left = LimiterCell::restore(quota, &snapshot, Duration::ZERO, NOW).peek(quota, NOW).remaining;
    assert_eq!(left, quota.limit() - counted, "what was counted counts");
    let other = Quota::new(
        (quota.limit() / (1 + u32::from(choice & 7))).clamp(1, Quota::MAX_LIMIT),
        (quota.window_seconds() / (1 + u32::from(choice >> 3 & 7))).clamp(1, Quota::MAX_WINDOW_SECONDS),
    )
    .unwrap();
    let elapsed = quota.window() * u32::from(choice >> 6) / 3;
    for other in [quota, other] {
        go_on(other, &snapshot, quota, elapsed);
    }
}

/// A restored cell never admits more than its limit, forgets all in a window, and survives being stored again.
fn go_on(quota: Quota, snapshot: &WindowSnapshot, written: Quota, elapsed: Duration) {
    let cell = LimiterCell::restore(quota, snapshot, elapsed, NOW);
    let level = cell.peek(quota, NOW);
    assert!(level.limit == quota.limit() && level.remaining <= quota.limit());

    if let Some(stored) = cell.snapshot(NOW) {
        let stored = WindowSnapshot::from_bytes(&stored.to_bytes()).unwrap();
        let restored = LimiterCell::restore(quota, &stored, Duration::ZERO, NOW).peek(quota, NOW);
        assert_eq!(restored.remaining, level.remaining, "a restart changes nothing");
    } else {
        assert_eq!(level.remaining, quota.limit());
    }

    let mut left = level.remaining;
    while left > 0 {
        let cost = (left / 2).max(1);
        let Outcome::Admitted(after) = cell.take(quota, cost, NOW) else { panic!("{left} were left") };
        left -= cost;
        assert_eq!(after.remaining, left);
    }
    assert!(matches!(cell.take(quota, 1, NOW), Outcome::Refused(_)), "more than the limit");

    // A window later, and what a clock that ran ahead had gained, nothing of it is left. What is ahead is a window at most.
    let later = NOW.saturating_add(quota.window() * 3 + written.window() * 3);
    assert_eq!(cell.peek(quota, later).remaining, quota.limit(), "a limit that never ends");
}

/// What the bytes of a possible snapshot say, read one number after the other.
struct Written {
    quota: Quota,
    counted: u32,
}

impl Written {
    fn read(mut bytes: &[u8]) -> Self {
        let [version] = take(&mut bytes);
        let [limit, window_seconds] = [(); 2].map(|()| number(&mut bytes));
        let _: [u8; 12] = take(&mut bytes); // ahead, phase
        let [group] = take(&mut bytes);
        let [count, _age] = [(); 2].map(|()| number(&mut bytes));
        let [older] = take(&mut bytes);
        let _ages: Vec<u32> = (0..older).map(|_| number(&mut bytes)).collect();

        let size = limit.div_ceil(if version == 1 { 60 } else { 55 });
        let groups = limit.div_ceil(size);
        let size_of = |group| if group == groups - 1 { limit - size * group } else { size };
        let before = |steps| (u32::from(group) + groups - steps) % groups;
        let mut counted = count + (1..=u32::from(older)).map(|steps| size_of(before(steps))).sum::<u32>();
        // Groups of another size are counted unit by unit, and with them, as long as there is room, what is behind them.
        while version == 1 && !bytes.is_empty() {
            let [units, _age] = [(); 2].map(|()| number(&mut bytes));
            counted = limit.min(counted.saturating_add(units));
        }
        Self { quota: Quota::new(limit, window_seconds).unwrap(), counted }
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> [u8; N] {
    let (first, rest) = bytes.split_first_chunk().unwrap();
    *bytes = rest;
    *first
}

fn number(bytes: &mut &[u8]) -> u32 {
    u32::from_le_bytes(take(bytes))
}
