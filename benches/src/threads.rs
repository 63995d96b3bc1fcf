use std::hint::spin_loop;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How often it is tried to have all threads run at the same time, on a machine that others use too.
const ATTEMPTS: usize = 100;

/// How long `threads` threads take until each has done `work` this many times, all at the same time: where others use
/// the machine and the threads ran one after the other, they run again.
///
/// Divided by `iterations` it is what one `work` takes as the thread that does it sees it. Make them last a tenth of a
/// millisecond at least: threads do not begin at the same nanosecond, and begin with cold caches.
pub fn time_on_threads(threads: usize, iterations: u64, work: impl Fn() + Sync) -> Duration {
    let mut longest = Duration::ZERO;
    for _ in 0..ATTEMPTS {
        let runs = side_by_side(threads, iterations, &work);
        longest = runs.iter().map(Run::time).max().unwrap_or_default();
        if together(&runs) > longest.mul_f64(0.9) {
            break;
        }
    }
    longest
}

/// From when to when one thread worked.
struct Run {
    start: Instant,
    end: Instant,
}

impl Run {
    fn time(&self) -> Duration {
        self.end - self.start
    }
}

/// For how long all of them worked.
fn together(runs: &[Run]) -> Duration {
    let last_start = runs.iter().map(|run| run.start).max();
    let first_end = runs.iter().map(|run| run.end).min();
    first_end.zip(last_start).map_or(Duration::ZERO, |(end, start)| end.saturating_duration_since(start))
}

#[expect(clippy::disallowed_methods, reason = "a bench runs in real time")]
fn side_by_side(threads: usize, iterations: u64, work: &(impl Fn() + Sync)) -> Vec<Run> {
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
        Run { start, end: Instant::now() }
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        threads.into_iter().map(|thread| thread.join().expect("the bench's work does not panic")).collect()
    })
}
