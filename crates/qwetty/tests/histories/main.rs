//! What parallel callers are told has an order: each answer is the one that its call would have had alone, at some moment
//! between its call and its answer. Histories of one key are recorded and searched for such an order.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod client;
mod history;
mod model;
#[path = "../support/mod.rs"]
mod support;

use std::sync::Arc;

use client::Client;
use history::{Order, Recorder};
use model::Model;
use qwetty_keys::Overlap;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use support::{Settings, World, draft, owner};

const CLIENTS: u64 = 5;
const CALLS_EACH: usize = 6;

/// One thread, whose tasks change places at each call of the store as the seed says: a failure can be repeated.
#[test]
fn histories_have_an_order_however_the_calls_of_the_store_interleave() {
    for seed in 0..400 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(record_and_check(seed, true));
    }
}

/// As the threads of the machine fall.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn histories_have_an_order_on_threads() {
    for seed in 0..400 {
        record_and_check(seed, false).await;
    }
}

async fn record_and_check(seed: u64, wandering: bool) {
    let world = World::with(Settings { cache_capacity: 1 + seed as usize % 3, ..Settings::default() }).await;
    let key = world.key(draft(&["chats:read", "messages:send"])).await;
    if wandering {
        world.gates.wander(seed);
    }
    let recorder = Arc::new(Recorder::new(key.value.clone()));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let client = Client {
                verifier: world.verifier.clone(),
                manager: world.manager.clone(),
                key: key.id,
                recorder: Arc::clone(&recorder),
                rng: ChaCha8Rng::seed_from_u64(seed * CLIENTS + number),
            };
            tokio::spawn(client.make_calls(CALLS_EACH))
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    let history = recorder.history();
    assert_eq!(history.len(), CLIENTS as usize * CALLS_EACH);
    let order = history::order(&history, Model::new());
    assert_ne!(order, Order::None, "seed {seed}: no order explains {history:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_parallel_regenerations_leave_one_value_alive() {
    let world = Arc::new(World::new().await);
    let key = world.key(draft(&["messages:send"])).await;
    let calls: Vec<_> = (0..100)
        .map(|_| {
            let (manager, id) = (world.manager.clone(), key.id);
            tokio::spawn(async move { manager.regenerate(&owner(), id, Overlap::NONE).await.unwrap() })
        })
        .collect();
    let mut values = vec![key.value];
    for call in calls {
        values.push(call.await.unwrap().value.expose().to_owned());
    }
    let mut alive = 0;
    for value in &values {
        match world.code(value).await {
            "valid" => alive += 1,
            code => assert_eq!(code, "not_found"),
        }
    }
    assert_eq!((values.len(), alive), (101, 1));
}
