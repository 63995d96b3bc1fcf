use std::hint::spin_loop;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long `threads` threads take until each has done `work` this many times, all starting together.
///
/// Divided by `iterations` it is what one `work` takes as the thread that does it sees it.
#[expect(clippy::disallowed_methods, reason = "a bench runs in real time")]
pub fn time_on_threads(threads: usize, iterations: u64, work: impl Fn() + Sync) -> Duration {
    let at_the_line = AtomicUsize::new(0);
    let run = || {
        // A thread that slept until all are there would be late by more than a short run takes.
        at_the_line.fetch_add(1, Ordering::SeqCst);
        while at_the_line.load(Ordering::SeqCst) < threads {
            spin_loop();
        }
        let start = Instant::now();
        for _ in 0..iterations {
            work();
        }
        start.elapsed()
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        let times = threads.into_iter().map(|thread| thread.join().expect("the bench's work does not panic"));
        times.max().unwrap_or_default()
    })
}
