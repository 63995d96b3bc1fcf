//! Values that nobody has cost the store little, and never hide a key that comes to be.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use qwetty::{Charge, VerifyRequest};
use qwetty_keys::{Digester, KeyPrefix, KeyValue, Overlap, Pepper};
use rand::SeedableRng;
use rand::rngs::ChaCha12Rng;

use support::{ANYTHING, Settings, TestKey, World, code, draft, owner, settle};

const REQUEST: VerifyRequest<'static> =
    VerifyRequest { organization: None, ask: ANYTHING, charge: Charge::Units(1) };

fn unknown(seed: u64) -> String {
    KeyValue::generate(KeyPrefix::QWETTY, &mut ChaCha12Rng::seed_from_u64(seed)).unwrap().expose().to_owned()
}

/// Two worlds in which the same happens give out the same values.
async fn seeded() -> (World, TestKey) {
    let world = World::with(Settings { seed: Some(7), ..Settings::default() }).await;
    let key = world.key(draft(&["chats:read"])).await;
    (world, key)
}

async fn regenerated(world: &World, key: &TestKey) -> String {
    world.manager.regenerate(&owner(), key.id, Overlap::NONE).await.unwrap().value.expose().to_owned()
}

#[tokio::test]
async fn the_store_is_asked_once_for_a_value_that_it_does_not_know() {
    let world = World::new().await;
    let value = unknown(1);
    for _ in 0..10 {
        assert_eq!(world.code(&value).await, "not_found");
    }
    assert_eq!(world.gates.finds(), 1);
    let decided = world.verifier.verify_in_memory(&value, &REQUEST).expect("without the store");
    assert_eq!(code(&decided.unwrap()), "not_found");
    assert!(world.verifier.verify_in_memory(&unknown(2), &REQUEST).is_none());
}

#[tokio::test]
async fn under_retired_peppers_too() {
    let pepper = |byte| Pepper::from_bytes([byte; 32]);
    let digester = Digester::new(Some(&pepper(1))).with_retired(Some(&pepper(2))).with_retired(None);
    let world = World::with(Settings { digester, ..Settings::default() }).await;
    for _ in 0..10 {
        assert_eq!(world.code(&unknown(1)).await, "not_found");
    }
    assert_eq!(world.gates.finds(), 3);
}

#[tokio::test]
async fn a_value_that_was_asked_for_before_it_was_issued_works_once_it_is() {
    let (world, key) = seeded().await;
    let second = regenerated(&world, &key).await;

    let world = World::with(Settings { seed: Some(7), ..Settings::default() }).await;
    for _ in 0..3 {
        assert_eq!(world.code(&key.value).await, "not_found");
        assert_eq!(world.code(&second).await, "not_found");
    }
    let made = world.key(draft(&["chats:read"])).await;
    assert_eq!(made.value, key.value);
    assert_eq!(world.code(&key.value).await, "valid");
    assert_eq!(world.code(&second).await, "not_found");
    assert_eq!(regenerated(&world, &made).await, second);
    assert_eq!(world.code(&second).await, "valid");
    assert_eq!(world.code(&key.value).await, "not_found");
}

#[tokio::test]
async fn a_look_up_that_read_before_a_value_was_issued_does_not_hide_it() {
    let (world, key) = seeded().await;
    let second = regenerated(&world, &key).await;

    let (world, key) = seeded().await;
    let mut held = world.gates.found.hold();
    let look_up = tokio::spawn({
        let (verifier, second) = (world.verifier.clone(), second.clone());
        async move { verifier.verify(&second, &REQUEST).await.unwrap() }
    });
    held.reached().await;
    assert_eq!(regenerated(&world, &key).await, second);
    assert_eq!(world.code(&second).await, "valid", "the late one is still held");
    held.release();
    assert_eq!(code(&look_up.await.unwrap()), "valid");
    assert_eq!(world.code(&second).await, "valid");
}

#[tokio::test]
async fn an_unknown_value_that_another_engine_issues_works_there_and_here() {
    let settings = Settings { seed: Some(7), tells_of_changes: true, ..Settings::default() };
    let value = World::with(settings.clone()).await.key(draft(&["chats:read"])).await.value;
    let world = World::with(settings).await;
    let other = world.beside().await;
    assert_eq!(other.code(&value).await, "not_found");
    assert_eq!(world.key(draft(&["chats:read"])).await.value, value);
    settle().await;
    assert_eq!(other.code(&value).await, "valid");
}

#[tokio::test]
async fn a_crowd_of_strangers_leaves_room_and_a_crowd_with_one_value_has_it_read_once() {
    let world = World::new().await;
    let key = world.key(draft(&["chats:read"])).await;
    world.gates.wander(1);
    let ask = |value: String| {
        let verifier = world.verifier.clone();
        tokio::spawn(async move { code(&verifier.verify(&value, &REQUEST).await.unwrap()) })
    };
    let crowd: Vec<_> = (0..500).map(|seed| ask(unknown(seed))).collect();
    let with_key: Vec<_> = (0..500).map(|_| ask(key.value.clone())).collect();
    let with_one_that_nobody_has: Vec<_> = (0..500).map(|_| ask(unknown(1_000))).collect();
    for stranger in crowd {
        assert_eq!(stranger.await.unwrap(), "not_found");
    }
    for one in with_key {
        assert_eq!(one.await.unwrap(), "valid");
    }
    for one in with_one_that_nobody_has {
        assert_eq!(one.await.unwrap(), "not_found");
    }
    assert_eq!(world.gates.finds(), 500 + 1 + 1);
}

#[tokio::test]
async fn a_crowd_waits_once_for_a_store_that_fails_and_who_comes_later_asks_again() {
    let world = World::new().await;
    let key = world.key(draft(&["chats:read"])).await;
    world.gates.wander(1);
    world.gates.found.fail();
    let crowd: Vec<_> = (0..50)
        .map(|_| {
            let (verifier, value) = (world.verifier.clone(), key.value.clone());
            tokio::spawn(async move { verifier.verify(&value, &REQUEST).await.is_err() })
        })
        .collect();
    for one in crowd {
        assert!(one.await.unwrap());
    }
    assert_eq!(world.gates.finds(), 1);
    assert_eq!(world.code(&key.value).await, "valid");
}

#[tokio::test]
async fn who_gives_up_waiting_keeps_nobody_from_being_answered() {
    let world = World::new().await;
    let key = world.key(draft(&["chats:read"])).await;
    let mut held = world.gates.found.hold();
    let ask = || {
        let (verifier, value) = (world.verifier.clone(), key.value.clone());
        tokio::spawn(async move { code(&verifier.verify(&value, &REQUEST).await.unwrap()) })
    };
    let first = ask();
    held.reached().await;
    let (second, third) = (ask(), ask());
    settle().await;
    second.abort();
    first.abort();
    assert_eq!(third.await.unwrap(), "valid");
    assert_eq!(world.gates.finds(), 2);
}
