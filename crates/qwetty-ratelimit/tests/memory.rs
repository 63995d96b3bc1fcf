//! What a key with a live window takes of memory.
#![cfg(not(loom))]
#![allow(missing_docs, clippy::unwrap_used)]

use qwetty_ratelimit::{KeyedLimiter, LimiterCell, Moment, Quota};

#[test]
fn a_full_window_takes_as_much_memory_as_an_almost_empty_one() {
    let bytes = |limit, takes| {
        let (quota, cell) = (Quota::new(limit, 3_600).unwrap(), LimiterCell::new());
        let heap = allocation_counter::measure(|| {
            for take in 0..takes {
                let _ = cell.take(quota, 1, Moment::from_nanos(take));
            }
        });
        size_of::<LimiterCell>() as i64 + heap.bytes_current
    };
    bytes(1, 1); // what a thread allocates once, for all cells
    for (limit, takes) in [(1, 1), (55, 55), (1_000, 1), (1_000, 1_000), (5_000, 5_000), (10_000_000, 10_000)]
    {
        assert_eq!(bytes(limit, takes), 256, "for {takes} of {limit}");
    }
}

#[test]
fn a_change_of_quota_takes_as_much_again_and_the_next_no_more() {
    let quota = |limit| Quota::new(limit, 3_600).unwrap();
    let now = Moment::from_nanos(0);
    let _ = (LimiterCell::new().take(quota(1), 1, now), quota(2)); // what a thread allocates once, for all cells
    let cell = LimiterCell::new();
    let heap = allocation_counter::measure(|| {
        for limit in [100, 200, 300] {
            let _ = cell.take(quota(limit), 1, now);
        }
    });
    assert_eq!(size_of::<LimiterCell>() as i64 + heap.bytes_current, 256 + 272); // with the counts of a shared allocation
}

#[test]
fn a_key_of_a_keyed_limiter_takes_three_hundred_and_some_bytes_until_it_is_evicted() {
    const KEYS: i64 = 20_000;
    let quota = Quota::new(1_000, 3_600).unwrap();
    let limiter = KeyedLimiter::new();
    let heap = allocation_counter::measure(|| {
        for key in 0..KEYS {
            let _ = limiter.take(&key, quota, 1, Moment::from_nanos(0));
        }
    });
    let bytes = heap.bytes_current / KEYS;
    assert!((256..=330).contains(&bytes), "{bytes} bytes a key");
    assert_eq!(limiter.evict_idle(Moment::from_nanos(3_600_000_000_000)) as i64, KEYS);
    assert!(limiter.is_empty());
}
