//! A key that loses its place in memory, and its state, is limited and counted as if it kept them.

use std::sync::Arc;
use std::time::Duration;

use qwetty_keys::{KeyDigest, Timestamp};
use qwetty_ratelimit::Moment;
use qwetty_storage::{FoundKey, KeyStore};
use shuttle::future::block_on;
use shuttle::thread;

use super::{NOON, World, check, prepare};
use crate::cache::{CachedKey, KeyCache};
use crate::sync::{AtomicBool, Ordering};
use crate::{Now, Verdict};

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

/// Two keys, as the store knows them.
fn two_keys() -> Arc<[(KeyDigest, FoundKey); 2]> {
    let world = World::new();
    let second = block_on(world.manager.issue_root()).unwrap();
    let found = [&world.root.value, &second.value].map(|value| {
        let digest = world.digest(value.expose());
        (digest, block_on(world.store.find(&digest)).unwrap().unwrap())
    });
    Arc::new(found)
}

#[test]
fn no_key_has_two_states_at_work() {
    let keys = prepare(two_keys);
    check(move || {
        let now = Now { wall: NOON, moment: Moment::from_nanos(0) };
        let cache = Arc::new(KeyCache::with_capacity(1));
        let hold = |key: usize| {
            let (cache, keys) = (Arc::clone(&cache), Arc::clone(&keys));
            thread::spawn(move || -> Arc<CachedKey> {
                let (digest, found) = &keys[key];
                let keep = || {
                    let ticket = cache.ticket(digest);
                    cache.keep(ticket, digest, found.clone(), "2/60".parse().unwrap(), now).unwrap()
                };
                drop(keep());
                keep()
            })
        };
        let holding = [hold(0), hold(1), hold(0)];
        cache.drop_idle_states(now.moment);
        // Held from when they were kept until here.
        let [a, _, b] = holding.map(|holding| holding.join().unwrap());
        assert!(std::ptr::eq(a.state(), b.state()));
    });
}

/// A key is told to be over while it comes into memory, goes from it, and comes back.
#[test]
fn an_end_that_was_told_holds_wherever_the_key_is() {
    let keys = prepare(two_keys);
    check(move || {
        let now = Now { wall: NOON, moment: Moment::from_nanos(0) };
        let later = NOON.saturating_add(Duration::from_secs(3600));
        let id = keys[0].1.record.id;
        let cache = Arc::new(KeyCache::with_capacity(1));
        let hold = |cache: &KeyCache, key: usize| {
            let (digest, found) = &keys[key];
            let ticket = cache.ticket(digest);
            cache.keep(ticket, digest, found.clone(), "2/60".parse().unwrap(), now).unwrap()
        };
        let told = Arc::new(AtomicBool::new(false));
        let telling = {
            let (cache, told) = (Arc::clone(&cache), Arc::clone(&told));
            thread::spawn(move || {
                cache.tell_end(id, later);
                told.store(true, Ordering::SeqCst);
            })
        };
        let evicting = {
            let (cache, keys) = (Arc::clone(&cache), Arc::clone(&keys));
            thread::spawn(move || {
                for (digest, found) in keys.iter() {
                    let ticket = cache.ticket(digest);
                    drop(cache.keep(ticket, digest, found.clone(), "2/60".parse().unwrap(), now));
                }
                cache.drop_idle_states(now.moment);
            })
        };
        for key in [0, 1, 0] {
            let is_told = told.load(Ordering::SeqCst);
            let listed = cache.judged_later(NOON).1.get(&id).copied();
            assert!(!is_told || listed == Some(later), "{listed:?}");
            assert!(!is_told || cache.judged_at(id, NOON) == later);
            let held = hold(&cache, key);
            assert!(!is_told || key != 0 || held.state().judged_at(NOON) == later);
        }
        telling.join().unwrap();
        evicting.join().unwrap();
        assert_eq!(hold(&cache, 0).state().judged_at(NOON), later);
    });
}
