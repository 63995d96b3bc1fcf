//! A key that loses its place in memory, and its state, is limited and counted as if it kept them.

use std::sync::Arc;
use std::time::Duration;

use qwetty_keys::Timestamp;
use shuttle::future::block_on;
use shuttle::thread;

use super::{World, check};
use crate::Verdict;
use crate::cache::CachedKey;

const LIMIT: usize = 2;

/// Two keys with room for one, each asked by three threads while idle states are dropped. What was admitted of each
/// key, by when, and how many were asked for.
fn cramped(passes: Option<Duration>) {
    let world = World::with(1, "2/60");
    let second = block_on(world.manager.issue_root()).unwrap();
    let keys = [
        (world.root.id, world.root.value.expose().to_owned()),
        (second.id, second.value.expose().to_owned()),
    ];
    let asks: [&[usize]; 3] = [&[0, 1], &[1, 0], &[0, 1]];
    let asking: Vec<_> = asks
        .into_iter()
        .map(|asks| {
            let (world, keys) = (Arc::clone(&world), keys.clone());
            thread::spawn(move || -> Vec<(usize, Option<Timestamp>)> {
                let ask = |key: &usize| match world.ask(&keys[*key].1) {
                    Verdict::Allow(allowed) => (*key, Some(allowed.standing().unwrap().at)),
                    Verdict::Deny(_) => (*key, None),
                };
                asks.iter().map(ask).collect()
            })
        })
        .collect();
    if let Some(passes) = passes {
        world.clock.advance(passes);
    }
    world.core.cache.drop_idle_states(world.core.now().moment);
    world.flush().unwrap();
    world.core.cache.drop_idle_states(world.core.now().moment);
    let answers: Vec<_> = asking.into_iter().flat_map(|asking| asking.join().unwrap()).collect();
    world.flush().unwrap();
    for (key, (id, _)) in keys.iter().enumerate() {
        let of_key = || answers.iter().filter(|(asked, _)| *asked == key).map(|(_, at)| *at);
        let mut admitted: Vec<_> = of_key().flatten().collect();
        admitted.sort_unstable();
        assert!(admitted.chunk_by(|a, b| a == b).all(|at_once| at_once.len() <= LIMIT), "{admitted:?}");
        assert!(admitted.len() >= LIMIT, "{admitted:?}");
        let denied = of_key().count() - admitted.len();
        assert_eq!(world.stored(*id), (admitted.len() as u64, denied as u64));
    }
}

#[test]
fn the_quota_and_the_counts_are_exact_in_too_little_room() {
    check(|| cramped(None));
}

#[test]
fn and_when_windows_end_meanwhile() {
    check(|| cramped(Some(Duration::from_secs(61))));
}

#[test]
fn no_key_has_two_states_at_work() {
    check(|| {
        let world = World::with(1, "2/60");
        let second = block_on(world.manager.issue_root()).unwrap();
        let find = |value: &str| {
            let (world, value) = (Arc::clone(&world), value.to_owned());
            thread::spawn(move || -> Arc<CachedKey> {
                let find = || block_on(world.verifier.find(&value)).unwrap().unwrap();
                drop(find());
                find()
            })
        };
        let (first, second) = (world.root.value.expose(), second.value.expose());
        let finding = [find(first), find(second), find(first)];
        world.core.cache.drop_idle_states(world.core.now().moment);
        // Held from when they were found until here.
        let [a, _, b] = finding.map(|finding| finding.join().unwrap());
        assert!(Arc::ptr_eq(a.state(), b.state()));
    });
}
