//! Usage is exact after a proper stop, never more than the truth, and never lost to a store that fails.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use qwetty::{Charge, Engine, ManageError};
use qwetty_authz::Ask;
use qwetty_keys::{Overlap, Timestamp};
use qwetty_storage::{Hour, KeyStore, MemoryStore, Outcome, UsageStore};

use support::{ANYTHING, DAY, HOUR, NOON, TestKey, World, allowed, draft, owner, settle};

const SENDING: Ask<'static> = Ask { address: None, permissions: &["messages:send"], channel: None };
const MINUTE: Duration = Duration::from_secs(60);

async fn reader(world: &World) -> TestKey {
    world.key(draft(&["chats:read"])).await
}

/// What the store holds, unlike what the engine answers: `(requestCount, deniedCount)`.
async fn stored(world: &World, key: &TestKey) -> (u64, u64) {
    let usage = world.store.get(key.id).await.unwrap().unwrap().usage;
    (usage.request_count, usage.denied_count)
}

/// What the store holds by hour from noon: `(hour, admitted, denied)`.
async fn hours(world: &World, key: &TestKey) -> Vec<(i64, u64, u64)> {
    let noon = Hour::of(NOON);
    let hours = world.store.usage(key.id, noon.plus(-100), noon.plus(100)).await.unwrap();
    hours
        .iter()
        .map(|hour| (hour.hour.number() - noon.number(), hour.counts.admitted(), hour.counts.denied()))
        .collect()
}

#[tokio::test]
async fn nothing_is_written_on_the_decision_path_and_everything_at_a_flush() {
    let world = World::new().await;
    let key = reader(&world).await;
    for _ in 0..5 {
        world.code(&key.value).await;
    }
    world.code_for(&key.value, SENDING).await;
    assert_eq!(stored(&world, &key).await, (0, 0));
    assert_eq!(world.counts(&key).await, (5, 1));
    world.engine.flush().await.unwrap();
    assert_eq!(stored(&world, &key).await, (5, 1));
    assert_eq!(world.counts(&key).await, (5, 1));
}

#[tokio::test]
async fn counts_and_windows_are_exact_after_a_restart() {
    let mut world = World::with_quotas("10/3600", "10/3600").await;
    let key = reader(&world).await;
    world.spend(&key.value, 4).await;
    world.clock.advance(30 * MINUTE);
    world.spend(&key.value, 5).await;
    world.code_for(&key.value, SENDING).await;
    world.restart().await;
    let view = world.view(&key).await;
    assert_eq!((view.usage.request_count, view.usage.denied_count), (2, 1));
    assert_eq!(view.usage.last_used_at, Some(NOON.saturating_add(30 * MINUTE)));

    world.clock.advance(30 * MINUTE - Duration::from_micros(1));
    assert_eq!(world.spend(&key.value, 1).await.level.remaining, 0);
    world.clock.advance(Duration::from_micros(1));
    assert_eq!(world.spend(&key.value, 1).await.level.remaining, 3, "the four from noon are an hour old");
    world.restart().await;
    assert_eq!(world.counts(&key).await, (4, 1));
}

#[tokio::test]
async fn a_standing_is_told_without_being_charged_before_and_after_a_restart() {
    let mut world = World::with_quotas("10/3600", "10/3600").await;
    let key = reader(&world).await;
    assert_eq!(world.manager.standing(&owner(), key.id).await.unwrap().level.remaining, 10);
    let spent = world.spend(&key.value, 4).await;
    for _ in 0..2 {
        assert_eq!(world.manager.standing(&owner(), key.id).await.unwrap(), spent);
    }
    world.restart().await;
    assert_eq!(world.manager.standing(&owner(), key.id).await.unwrap(), spent);
    assert_eq!(world.counts(&key).await, (1, 0));
    let reader = world.caller(&key).await;
    let refused = world.manager.standing(&reader, world.root.id).await.unwrap_err();
    assert!(matches!(refused, ManageError::InsufficientPermissions { .. }), "{refused}");
}

#[tokio::test]
async fn a_crash_forgets_only_what_was_not_flushed() {
    let mut world = World::with_quotas("10/3600", "10/3600").await;
    let key = reader(&world).await;
    world.spend(&key.value, 4).await;
    world.engine.flush().await.unwrap();
    world.spend(&key.value, 2).await;
    world.crash().await;
    assert_eq!(world.counts(&key).await, (1, 0));
    assert_eq!(world.spend(&key.value, 1).await.level.remaining, 5);
}

#[tokio::test]
async fn a_flush_that_fails_loses_nothing_and_counts_nothing_twice() {
    for applied in [false, true] {
        let mut world = World::new().await;
        let (key, other) = (reader(&world).await, reader(&world).await);
        world.code(&key.value).await;
        for round in 2..5 {
            if applied {
                world.gates.after_usage.fail()
            } else {
                world.gates.before_usage.fail()
            }
            assert!(world.engine.flush().await.is_err());
            world.code(&key.value).await;
            world.code(&other.value).await;
            let counted = world.counts(&key).await.0;
            // Of the batch whose outcome is unknown, what is stored counts and no more.
            assert_eq!(counted, if applied { round } else { round - 1 });
        }
        world.engine.flush().await.unwrap();
        assert_eq!((stored(&world, &key).await, stored(&world, &other).await), ((4, 0), (3, 0)), "{applied}");
        world.restart().await;
        assert_eq!((world.counts(&key).await, world.counts(&other).await), ((4, 0), (3, 0)), "{applied}");
    }
}

#[tokio::test]
async fn a_flush_that_is_dropped_midway_loses_nothing_and_counts_nothing_twice() {
    for applied in [false, true] {
        let world = World::new().await;
        let key = reader(&world).await;
        world.code(&key.value).await;
        let gate = if applied { &world.gates.after_usage } else { &world.gates.before_usage };
        let mut held = gate.hold();
        tokio::select! {
            biased;
            _ = world.engine.flush() => panic!("the store is held"),
            () = held.reached() => {}
        }
        world.code(&key.value).await;
        world.engine.flush().await.unwrap();
        assert_eq!(stored(&world, &key).await, (2, 0), "{applied}");
        assert_eq!(world.counts(&key).await, (2, 0), "{applied}");
    }
}

#[tokio::test]
async fn a_view_taken_while_a_flush_is_under_way_adds_up() {
    for applied in [false, true] {
        let world = World::new().await;
        let key = reader(&world).await;
        world.code(&key.value).await;
        let gate = if applied { &world.gates.after_usage } else { &world.gates.before_usage };
        let mut held = gate.hold();
        let engine = world.engine.clone();
        let flush = tokio::spawn(async move { engine.flush().await });
        held.reached().await;
        // Counted in no batch, in the middle of one.
        world.code(&key.value).await;
        let (manager, id) = (world.manager.clone(), key.id);
        let view = tokio::spawn(async move { manager.get(&owner(), id).await.unwrap() });
        settle().await;
        held.release();
        assert_eq!(view.await.unwrap().usage.request_count, 2, "{applied}");
        flush.await.unwrap().unwrap();
        assert_eq!(world.counts(&key).await, (2, 0));
        assert_eq!(stored(&world, &key).await, (1, 0));
    }
}

#[tokio::test]
async fn the_background_flushes_by_itself_however_short_the_interval() {
    for interval in [Duration::ZERO, Duration::from_secs(1)] {
        tokio::time::pause();
        let world = World::new().await;
        let key = reader(&world).await;
        let store: Arc<MemoryStore> = Arc::clone(&world.store);
        let engine = Engine::builder(store).flush_interval(interval).start().unwrap();
        let request = qwetty::VerifyRequest { organization: None, ask: ANYTHING, charge: Charge::Units(1) };
        settle().await;
        allowed(engine.verifier().verify(&key.value, &request).await.unwrap());
        tokio::time::advance(Duration::from_millis(1001)).await;
        settle().await;
        assert_eq!(stored(&world, &key).await, (1, 0), "{interval:?}");
        tokio::time::resume();
    }
}

#[tokio::test]
async fn a_call_counts_to_the_hour_in_which_it_was_decided() {
    let world = World::new().await;
    let key = reader(&world).await;
    world.clock.advance(HOUR - Duration::from_micros(1));
    world.code(&key.value).await;
    world.clock.advance(Duration::from_micros(1));
    world.code(&key.value).await;
    world.code_for(&key.value, SENDING).await;
    world.engine.flush().await.unwrap();
    assert_eq!(hours(&world, &key).await, [(0, 1, 0), (1, 1, 1)]);
}

#[tokio::test]
async fn hours_are_right_also_if_a_flush_comes_hours_late() {
    let world = World::new().await;
    let key = reader(&world).await;
    for _ in 0..5 {
        world.code(&key.value).await;
        world.clock.advance(HOUR);
    }
    assert_eq!(world.counts(&key).await, (5, 0));
    world.engine.flush().await.unwrap();
    assert_eq!(hours(&world, &key).await, [(0, 1, 0), (1, 1, 0), (2, 1, 0), (3, 1, 0), (4, 1, 0)]);
}

#[tokio::test]
async fn hours_are_right_also_if_a_flush_read_the_clock_before_the_hour_and_drains_after_it() {
    let world = World::new().await;
    let key = reader(&world).await;
    world.clock.advance(HOUR - Duration::from_micros(1));
    world.code(&key.value).await;
    let mut held = world.gates.before_usage.hold();
    let flush = |engine: Engine| tokio::spawn(async move { engine.flush().await.unwrap() });
    let first = flush(world.engine.clone());
    held.reached().await;
    let second = flush(world.engine.clone());
    settle().await;
    world.clock.advance(Duration::from_micros(1));
    world.code(&key.value).await;
    held.release();
    first.await.unwrap();
    second.await.unwrap();
    assert_eq!(hours(&world, &key).await, [(0, 1, 0), (1, 1, 0)]);
}

#[tokio::test]
async fn hours_are_right_also_if_the_clock_was_set_back_before_a_flush() {
    let world = World::new().await;
    let key = reader(&world).await;
    world.clock.advance(DAY);
    world.code(&key.value).await;
    world.clock.set_wall(NOON);
    world.code(&key.value).await;
    world.engine.flush().await.unwrap();
    assert_eq!(hours(&world, &key).await, [(0, 1, 0), (24, 1, 0)]);
}

#[tokio::test]
async fn denials_are_kept_apart_by_their_code() {
    let world = World::with_quotas("1/3600", "1/3600").await;
    let key = reader(&world).await;
    for _ in 0..3 {
        world.code(&key.value).await;
    }
    world.code_for(&key.value, SENDING).await;
    world.revoke(&key).await;
    world.code(&key.value).await;
    world.engine.flush().await.unwrap();
    let noon = Hour::of(NOON);
    let [hour] = world.store.usage(key.id, noon, noon.plus(1)).await.unwrap()[..] else { panic!() };
    let expected = [
        (Outcome::Admitted, 1),
        (Outcome::Revoked, 1),
        (Outcome::InsufficientPermissions, 1),
        (Outcome::RateLimited, 2),
    ];
    assert_eq!(hour.counts.iter().collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn one_sees_who_still_uses_an_older_value() {
    let mut world = World::new().await;
    let key = reader(&world).await;
    world.code(&key.value).await;
    let last_use = async |world: &World| world.view(&key).await.previous_value_last_used_at();
    assert_eq!(last_use(&world).await, None);
    world.clock.advance(MINUTE);
    let overlap = Overlap::from_seconds(3600).unwrap();
    let second = world.manager.regenerate(&owner(), key.id, overlap).await.unwrap();
    assert_eq!(last_use(&world).await, None, "it was used as the current value");
    world.code(second.value.expose()).await;
    assert_eq!(last_use(&world).await, None);
    world.clock.advance(MINUTE);
    world.code(&key.value).await;
    world.clock.advance(MINUTE);
    world.code(second.value.expose()).await;
    let used: Timestamp = NOON.saturating_add(2 * MINUTE);
    assert_eq!(last_use(&world).await, Some(used));
    world.restart().await;
    assert_eq!(last_use(&world).await, Some(used));
    world.clock.advance(MINUTE);
    world.manager.regenerate(&owner(), key.id, overlap).await.unwrap();
    assert_eq!(last_use(&world).await, None, "that one is gone");
    world.code(second.value.expose()).await;
    assert!(last_use(&world).await.is_some());
    world.clock.advance(HOUR);
    assert_eq!(last_use(&world).await, None, "there is no older value any more");
}

#[tokio::test]
async fn usage_goes_with_its_key() {
    let world = World::new().await;
    let (key, other) = (reader(&world).await, reader(&world).await);
    world.code(&key.value).await;
    world.code(&other.value).await;
    world.manager.delete(&owner(), key.id).await.unwrap();
    world.engine.flush().await.unwrap();
    assert_eq!(hours(&world, &key).await, []);
    assert_eq!(stored(&world, &other).await, (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_call_is_lost_between_flushes() {
    let world = World::with_quotas("10000000/60", "10000000/60").await;
    let key = Arc::new(reader(&world).await);
    let callers: Vec<_> = (0..3)
        .map(|_| {
            let (verifier, key) = (world.verifier.clone(), Arc::clone(&key));
            tokio::spawn(async move {
                let request =
                    qwetty::VerifyRequest { organization: None, ask: ANYTHING, charge: Charge::Units(1) };
                for _ in 0..2000 {
                    allowed(verifier.verify(&key.value, &request).await.unwrap());
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let mut seen = 0;
    while callers.iter().any(|caller| !caller.is_finished()) {
        world.engine.flush().await.unwrap();
        let now = world.counts(&key).await.0;
        assert!(seen <= now && now <= 6000);
        seen = now;
        tokio::task::yield_now().await;
    }
    for caller in callers {
        caller.await.unwrap();
    }
    assert_eq!(world.counts(&key).await, (6000, 0));
    world.engine.shutdown().await.unwrap();
    assert_eq!(stored(&world, &key).await, (6000, 0));
}
