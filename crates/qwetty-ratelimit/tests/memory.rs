//! What a key with a live window takes of memory.
#![cfg(not(loom))]
#![allow(missing_docs, clippy::unwrap_used)]

use qwetty_ratelimit::{LimiterCell, Moment, Quota};

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
    for (limit, takes) in [(1, 1), (50, 50), (1_000, 1), (1_000, 1_000), (5_000, 5_000), (10_000_000, 10_000)]
    {
        // 256 bytes of state; the rest is the quota and what follows from it, so that no take works it out again.
        assert!(bytes(limit, takes) <= 344, "{} bytes for {takes} of {limit}", bytes(limit, takes));
    }
}
