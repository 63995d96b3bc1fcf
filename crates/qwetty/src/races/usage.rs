//! What is counted is stored once, and at no time more than was counted.

use std::sync::Arc;
use std::time::Duration;

use qwetty_keys::Generation;
use qwetty_storage::{HourlyCounts, Outcome};
use shuttle::future::block_on;
use shuttle::thread;

use super::{NOON, World, check};
use crate::sync::{AtomicU64, Ordering};

/// Around a full hour, which is where counters put counts aside.
const COUNTED: [&[(Outcome, i64)]; 2] = [
    &[(Outcome::Admitted, 0), (Outcome::Admitted, 1), (Outcome::Revoked, 0)],
    &[(Outcome::Revoked, 1), (Outcome::Admitted, 0), (Outcome::Admitted, 0)],
];

fn total<'a>(hours: impl IntoIterator<Item = &'a HourlyCounts>) -> u64 {
    hours.into_iter().map(|hour| hour.counts.admitted() + hour.counts.denied()).sum()
}

/// Two count, one flushes, one reads. `is_in_doubt` if the answer to a batch is lost.
fn counted(is_in_doubt: bool) {
    let world = World::new();
    let id = world.root.id;
    let key = Arc::clone(&block_on(world.verifier.find(world.root.value.expose())).unwrap().unwrap());
    // How many counts have begun, and how many have ended.
    let begun = Arc::new(AtomicU64::new(0));
    let ended = Arc::new(AtomicU64::new(0));
    let mut threads: Vec<_> = COUNTED
        .into_iter()
        .map(|counts| {
            let (world, key) = (Arc::clone(&world), Arc::clone(&key));
            let (begun, ended) = (Arc::clone(&begun), Arc::clone(&ended));
            thread::spawn(move || {
                for (outcome, hours) in counts {
                    let at = NOON.saturating_add(Duration::from_secs(3600 * *hours as u64));
                    begun.fetch_add(1, Ordering::SeqCst);
                    world.core.flusher.count(&key, *outcome, Generation::Current, at);
                    ended.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    if is_in_doubt {
        world.gates.after_usage.fail();
    }
    let flushing = Arc::clone(&world);
    threads.push(thread::spawn(move || {
        for _ in 0..2 {
            assert!(flushing.flush().is_ok() || is_in_doubt);
        }
    }));
    let reading = Arc::clone(&world);
    threads.push(thread::spawn(move || {
        for _ in 0..2 {
            let least = ended.load(Ordering::SeqCst);
            let view = block_on(reading.core.flusher.view());
            let (admitted, denied) = reading.stored(id);
            let seen = admitted + denied + total(&view.pending(id, Some(key.state())).hours);
            drop(view);
            let most = begun.load(Ordering::SeqCst);
            assert!(seen <= most, "{seen} of {most}");
            assert!(seen >= least || is_in_doubt, "{seen} of {least}");
        }
    }));
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert!(world.flush().is_ok() || world.flush().is_ok(), "no more than one answer was lost");
    assert_eq!(world.stored(id), (4, 2));
}

#[test]
fn stored_and_pending_are_what_was_counted_at_every_moment() {
    check(|| counted(false));
}

#[test]
fn a_batch_in_doubt_is_stored_once() {
    check(|| counted(true));
}
