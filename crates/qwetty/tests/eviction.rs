//! A key that has no place in memory is judged, limited and counted as if it had one.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use qwetty::{Charge, KeyPatch, Verdict, VerifyRequest};
use qwetty_storage::KeyStore;

use support::{ANYTHING, DAY, HOUR, NOON, Settings, TestKey, World, code, draft, quotas};

const KEYS: usize = 6;
const LIMIT: usize = 3;
const WINDOW: Duration = Duration::from_secs(60);

async fn cramped(capacity: usize, quota: &str) -> World {
    let quotas = quotas(quota, quota);
    World::with(Settings { quotas, cache_capacity: capacity, ..Settings::default() }).await
}

async fn readers(world: &World, number: usize) -> Vec<TestKey> {
    let mut keys = Vec::new();
    for _ in 0..number {
        keys.push(world.key(draft(&["chats:read"])).await);
    }
    keys
}

#[derive(Debug, Clone)]
enum Step {
    Ask(usize),
    Pass(u64),
    Flush,
    Change(usize),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        30 => (0..KEYS).prop_map(Step::Ask),
        6 => (1_u64..40).prop_map(Step::Pass),
        1 => Just(Step::Pass(61)),
        4 => Just(Step::Flush),
        2 => (0..KEYS).prop_map(Step::Change),
        1 => Just(Step::Restart),
    ]
}

/// What was asked of a key.
#[derive(Default)]
struct Model {
    /// Seconds at which it was admitted.
    admitted: VecDeque<u64>,
    counts: (u64, u64),
}

impl Model {
    fn ask(&mut self, now: u64) -> &'static str {
        self.admitted.retain(|at| at + WINDOW.as_secs() > now);
        if self.admitted.len() < LIMIT {
            self.admitted.push_back(now);
            self.counts.0 += 1;
            "valid"
        } else {
            self.counts.1 += 1;
            "rate_limited"
        }
    }
}

async fn walk(capacity: usize, steps: Vec<Step>) {
    let mut world = cramped(capacity, "3/60").await;
    let keys = readers(&world, KEYS).await;
    let mut models: Vec<Model> = (0..KEYS).map(|_| Model::default()).collect();
    let mut now = 0;
    for (place, step) in steps.into_iter().enumerate() {
        match step {
            Step::Ask(key) => {
                assert_eq!(world.code(&keys[key].value).await, models[key].ask(now), "step {place}");
            }
            Step::Pass(seconds) => {
                world.clock.advance(Duration::from_secs(seconds));
                now += seconds;
            }
            Step::Flush => world.engine.flush().await.unwrap(),
            Step::Change(key) => {
                let name = format!("Step {place}").parse().unwrap();
                world.update(&keys[key], KeyPatch { name: Some(name), ..KeyPatch::default() }).await;
            }
            Step::Restart => world.restart().await,
        }
        for (key, model) in keys.iter().zip(&models) {
            assert_eq!(world.counts(key).await, model.counts, "step {place}");
        }
    }
    world.engine.shutdown().await.unwrap();
    for (key, model) in keys.iter().zip(&models) {
        let usage = world.store.get(key.id).await.unwrap().unwrap().usage;
        assert_eq!((usage.request_count, usage.denied_count), model.counts);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_is_evicted_windows_are_strict_and_counts_exact(
        capacity in 1..KEYS,
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(walk(capacity, steps));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn threads_that_evict_each_others_keys_neither_lose_counts_nor_exceed_a_quota() {
    const ROUNDS: usize = 200;
    let world = Arc::new(cramped(2, "50/3600").await);
    let keys = Arc::new(readers(&world, 8).await);
    let askers: Vec<_> = (0..4)
        .map(|asker| {
            let (world, keys) = (Arc::clone(&world), Arc::clone(&keys));
            tokio::spawn(async move {
                let mut counts = vec![(0, 0); keys.len()];
                for round in 0..ROUNDS {
                    let key = (round * (asker + 1)) % keys.len();
                    match world.verify(&keys[key].value, ANYTHING, Charge::Units(1)).await.unwrap() {
                        Verdict::Allow(_) => counts[key].0 += 1,
                        Verdict::Deny(_) => counts[key].1 += 1,
                    }
                    if round % 20 == 0 {
                        world.engine.flush().await.unwrap();
                    }
                    tokio::task::yield_now().await;
                }
                counts
            })
        })
        .collect();
    let mut counted = vec![(0, 0); keys.len()];
    for asker in askers {
        for (sum, counts) in counted.iter_mut().zip(asker.await.unwrap()) {
            *sum = (sum.0 + counts.0, sum.1 + counts.1);
        }
    }
    world.engine.shutdown().await.unwrap();
    for (key, (admitted, denied)) in keys.iter().zip(counted) {
        let usage = world.store.get(key.id).await.unwrap().unwrap().usage;
        assert_eq!((usage.request_count, usage.denied_count), (admitted, denied));
        assert_eq!(admitted, 50.min(admitted + denied), "all that there was room for, and no more");
    }
}

#[tokio::test]
async fn setting_the_clock_back_revives_no_expired_key_that_was_evicted() {
    let world = cramped(1, "10/60").await;
    let expires_at = Some(NOON.saturating_add(HOUR));
    let expiring = world.key(qwetty::NewKey { expires_at, ..draft(&["chats:read"]) }).await;
    let others = readers(&world, 3).await;
    assert_eq!(world.code(&expiring.value).await, "valid");
    world.clock.advance(2 * HOUR);
    assert_eq!(world.code(&expiring.value).await, "expired");
    world.engine.flush().await.unwrap();
    for other in &others {
        assert_eq!(world.code(&other.value).await, "valid");
    }
    world.clock.set_wall(NOON);
    assert_eq!(world.code(&expiring.value).await, "expired");
    assert_eq!(world.view(&expiring).await.status.as_str(), "expired");
}

#[tokio::test]
async fn the_background_drops_what_is_over_and_nothing_else() {
    tokio::time::pause();
    let world = cramped(1, "2/60").await;
    let keys = readers(&world, 4).await;
    for passed in [0, 30, 61] {
        world.clock.advance(Duration::from_secs(passed));
        for key in &keys {
            world.code(&key.value).await;
        }
        world.engine.flush().await.unwrap();
        tokio::time::advance(DAY).await;
        support::settle().await;
    }
    // Two at the beginning of each run of a minute: at 0 s and 30 s, and again at 91 s.
    for key in &keys {
        let request = VerifyRequest { organization: None, ask: ANYTHING, charge: Charge::Units(1) };
        assert_eq!(code(&world.verifier.verify(&key.value, &request).await.unwrap()), "valid");
        assert_eq!(world.code(&key.value).await, "rate_limited");
    }
}
