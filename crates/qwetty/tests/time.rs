//! Clocks that are wrong: set back, set forward, and back again, in one run and from one run to the next.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use qwetty::{Charge, Clock, HourRange, KeyPatch, ManageError, NewKey};
use qwetty_keys::{Overlap, Status, Timestamp};
use qwetty_storage::{Action, AuditStore, Hour, UsageStore};

use self::support::*;

const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// A key that was used, and renamed, once a day for so many days.
async fn used_daily(world: &World, days: u32) -> TestKey {
    let key = world.key(draft(&["chats:read"])).await;
    for day in 0..days {
        let name = Some(format!("Day {day}").parse().unwrap());
        world.update(&key, KeyPatch { name, ..KeyPatch::default() }).await;
        world.spend(&key.value, 1).await;
        world.clock.advance(DAY);
    }
    world.engine.flush().await.unwrap();
    key
}

/// How many days of usage, and of events, are left.
async fn left(world: &World, key: &TestKey) -> (usize, usize) {
    let all = (Hour::from_number(i64::MIN), Hour::from_number(i64::MAX));
    let hours = world.store.usage(key.id, all.0, all.1).await.unwrap().len();
    (hours, world.events(Action::KeyUpdated).await.len())
}

/// Lets time pass, on both clocks and for what waits.
async fn pass(world: &World, hours: u32) {
    for _ in 0..hours {
        world.clock.advance(HOUR);
        tokio::time::advance(HOUR).await;
        settle().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_too_old_is_forgotten_and_nothing_else() {
    let mut world = World::new().await;
    let key = used_daily(&world, 100).await;
    world.restart().await;
    assert_eq!(left(&world, &key).await, (100, 100), "a start forgets nothing");
    pass(&world, 24).await;
    let (usage, events) = left(&world, &key).await;
    assert!((97..100).contains(&usage) && events == 100, "{usage} {events}");
    pass(&world, 24 * 30).await;
    assert_eq!(left(&world, &key).await.0, 100 - 41, "it has caught up");
}

#[tokio::test(start_paused = true)]
async fn a_start_with_a_clock_ten_years_ahead_takes_next_to_nothing() {
    let mut world = World::new().await;
    let key = used_daily(&world, 80).await;
    let truth = world.clock.now().wall;
    world.clock.set_wall(truth.saturating_add(10 * YEAR));
    // It goes on from one start to the next, and what is written meanwhile bears the wrong time.
    for _ in 0..3 {
        world.crash().await;
        world.update(&key, KeyPatch { name: Some("Wrong".parse().unwrap()), ..KeyPatch::default() }).await;
        pass(&world, 8).await;
    }
    let (usage, events) = left(&world, &key).await;
    assert!(usage >= 77 && events >= 77, "two hours for each hour at most: {usage} {events}");
    world.clock.set_wall(truth.saturating_add(DAY));
    world.crash().await;
    pass(&world, 48).await;
    let (usage_then, _) = left(&world, &key).await;
    assert!(usage_then >= usage - 1, "{usage_then}");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_leaps_during_a_run_forgets_nothing() {
    let mut world = World::new().await;
    let key = used_daily(&world, 80).await;
    world.restart().await;
    let truth = world.clock.now().wall;
    for leap in [
        truth.saturating_add(10 * YEAR),
        truth.saturating_sub(DAY * 3),
        Timestamp::from_unix_micros(i64::MAX),
    ] {
        world.clock.set_wall(leap);
        pass(&world, 24).await;
        assert_eq!(left(&world, &key).await, (80, 80));
    }
    world.clock.set_wall(truth.saturating_add(3 * DAY));
    pass(&world, 24).await;
    assert_eq!(left(&world, &key).await, (80, 80));
}

#[tokio::test]
async fn nothing_is_resurrected_whatever_the_clock_does() {
    let world = World::new().await;
    let expiring = |at| NewKey { expires_at: Some(at), ..draft(&["chats:read"]) };
    let expired = world.key(expiring(NOON.saturating_add(HOUR))).await;
    let lasting = world.key(expiring(NOON.saturating_add(10 * YEAR))).await;
    let revoked = world.key(draft(&["chats:read"])).await;
    world.revoke(&revoked).await;
    world.clock.advance(HOUR);
    assert_eq!(world.code(&expired.value).await, "expired");
    for leap in
        [NOON.saturating_sub(DAY), NOON.saturating_add(10 * YEAR), NOON, NOON.saturating_sub(10 * YEAR)]
    {
        world.clock.set_wall(leap);
        assert_eq!(world.code(&expired.value).await, "expired", "{leap}");
        assert_eq!(world.code(&revoked.value).await, "revoked", "{leap}");
    }
    // Refused once, ten years ahead, it stays refused within this run.
    assert_eq!(world.code(&lasting.value).await, "valid", "nobody asked for it then");
    world.clock.set_wall(NOON.saturating_add(10 * YEAR));
    assert_eq!(world.code(&lasting.value).await, "expired");
    world.clock.set_wall(NOON);
    assert_eq!(world.code(&lasting.value).await, "expired");
}

/// A way to be told that a key is over.
type Telling = for<'a> fn(&'a World, &'a TestKey) -> Pin<Box<dyn Future<Output = ()> + 'a>>;

#[tokio::test]
async fn what_any_answer_told_to_be_over_stays_over_and_nothing_else() {
    let tellings: [Telling; 6] = [
        |world, key| Box::pin(async { assert_eq!(world.view(key).await.status, Status::Expired) }),
        |world, key| {
            Box::pin(async {
                let listed = world.list(Some(Status::Expired)).await;
                assert!(listed.iter().any(|listed| listed.record.id == key.id));
            })
        },
        |world, key| {
            Box::pin(async {
                let patch = KeyPatch { name: Some("Renamed".parse().unwrap()), ..KeyPatch::default() };
                assert_eq!(world.update(key, patch).await.status, Status::Expired);
            })
        },
        |world, key| {
            Box::pin(async {
                let refused = world.manager.regenerate(&owner(), key.id, Overlap::NONE).await;
                assert!(matches!(refused, Err(ManageError::KeyExpired)));
            })
        },
        |world, key| {
            Box::pin(async {
                let refused = world.manager.reactivate(&owner(), key.id).await;
                assert!(matches!(refused, Err(ManageError::KeyExpired)));
            })
        },
        |world, key| Box::pin(async { assert_eq!(world.code(&key.value).await, "expired") }),
    ];
    for is_in_memory in [false, true] {
        for (number, tell) in tellings.iter().enumerate() {
            let world = World::new().await;
            let expiring =
                || NewKey { expires_at: Some(NOON.saturating_add(HOUR)), ..draft(&["chats:read"]) };
            let (told, untold) = (world.key(expiring()).await, world.key(expiring()).await);
            if is_in_memory {
                assert_eq!(world.code(&told.value).await, "valid");
            }
            world.clock.set_wall(NOON.saturating_add(10 * YEAR));
            if number == 1 {
                // A list tells of all that it shows.
                world.manager.delete(&owner(), untold.id).await.unwrap();
            }
            tell(&world, &told).await;
            world.clock.set_wall(NOON);
            assert_eq!(world.view(&told).await.status, Status::Expired, "{number}");
            assert_eq!(world.code(&told.value).await, "expired", "{number}");
            for status in [Status::Active, Status::ExpiringSoon, Status::Expired] {
                let listed = world.list(Some(status)).await;
                assert!(listed.iter().all(|key| key.status == status), "{number} {status}");
                let is_listed = listed.iter().any(|key| key.record.id == told.id);
                assert_eq!(is_listed, status == Status::Expired, "{number} {status}");
            }
            if number != 1 {
                assert_eq!(world.code(&untold.value).await, "valid", "{number}: nobody asked for it then");
            }
            // The clock is right again: no key is lost to a wrong one.
            let later = Some(Some(NOON.saturating_add(2 * HOUR)));
            world.update(&told, KeyPatch { expires_at: later, ..KeyPatch::default() }).await;
            assert_eq!(world.code(&told.value).await, "valid", "{number}: it has a later expiry");
        }
    }
}

#[tokio::test]
async fn an_older_value_that_was_told_to_be_over_stays_over() {
    for is_shown in [false, true] {
        let world = World::new().await;
        let key = world.key(draft(&["chats:read"])).await;
        let renewed = world.manager.regenerate(&owner(), key.id, Overlap::from_seconds(3600).unwrap()).await;
        let renewed: TestKey = renewed.unwrap().into();
        assert_eq!(world.code(&key.value).await, "valid");
        world.clock.set_wall(NOON.saturating_add(HOUR));
        if is_shown {
            assert_eq!(world.view(&key).await.previous_value_expires_at(), None);
        } else {
            assert_eq!(world.code(&key.value).await, "not_found");
        }
        world.clock.set_wall(NOON);
        assert_eq!(world.code(&key.value).await, "not_found");
        assert_eq!(world.view(&key).await.previous_value_expires_at(), None);
        assert_eq!(world.code(&renewed.value).await, "valid");
    }
}

#[tokio::test]
async fn a_clock_that_was_far_ahead_takes_no_key_that_nobody_asked_for() {
    let world = World::with(Settings { cache_capacity: 1, ..Settings::default() }).await;
    let mut keys = Vec::new();
    for _ in 0..300 {
        keys.push(
            world.key(NewKey { expires_at: Some(NOON.saturating_add(HOUR)), ..draft(&["chats:read"]) }).await,
        );
    }
    let (told, untold) = keys.split_at(200);
    world.clock.set_wall(NOON.saturating_add(10 * YEAR));
    for key in told {
        assert_eq!(world.code(&key.value).await, "expired");
    }
    world.clock.set_wall(NOON);
    for key in untold {
        assert_eq!(world.code(&key.value).await, "valid");
    }
    for key in told {
        assert_eq!(world.code(&key.value).await, "expired");
    }
}

#[tokio::test]
async fn an_expiry_holds_to_the_microsecond_in_memory() {
    let world = World::new().await;
    let end = NOON.saturating_add(HOUR);
    let key = world.key(NewKey { expires_at: Some(end), ..draft(&["chats:read"]) }).await;
    assert_eq!(world.code(&key.value).await, "valid");
    for (before, code) in [(1_000_000, "valid"), (1, "valid"), (0, "expired")] {
        world.clock.set_wall(end.saturating_sub(Duration::from_micros(before)));
        assert_eq!(world.code(&key.value).await, code, "{before} µs before");
    }
}

#[tokio::test]
async fn a_quota_goes_by_the_time_that_passes_however_the_wall_clock_leaps() {
    let world = World::with_quotas("3/60", "3/60").await;
    let key = world.key(draft(&["chats:read"])).await;
    for _ in 0..3 {
        assert_eq!(world.code(&key.value).await, "valid");
    }
    for leap in [NOON.saturating_sub(DAY), NOON.saturating_add(10 * YEAR), NOON] {
        world.clock.set_wall(leap);
        assert_eq!(world.code(&key.value).await, "rate_limited", "{leap}");
        let verdict = world.verify(&key.value, ANYTHING, Charge::Units(1)).await.unwrap();
        let standing = denied(verdict).1.unwrap();
        assert_eq!(standing.at, leap, "what is told goes by the wall clock");
    }
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(world.code(&key.value).await, "valid", "it does not freeze");
}

/// A window is saved with the wall clock's time, the only one that two runs have in common.
#[tokio::test]
async fn a_saved_window_neither_freezes_nor_panics_whatever_time_it_bears() {
    for leap in [
        NOON.saturating_sub(DAY),
        NOON.saturating_sub(10 * YEAR),
        NOON,
        NOON.saturating_add(10 * YEAR),
        Timestamp::from_unix_micros(i64::MIN),
        Timestamp::from_unix_micros(i64::MAX),
    ] {
        let mut world = World::with_quotas("3/60", "3/60").await;
        let key = world.key(draft(&["chats:read"])).await;
        world.spend(&key.value, 3).await;
        world.engine.flush().await.unwrap();
        world.clock.set_wall(leap);
        world.crash().await;
        let expected = if leap > NOON { "valid" } else { "rate_limited" };
        assert_eq!(world.code(&key.value).await, expected, "{leap}: set back, as if it had just been saved");
        world.clock.set_wall(leap.saturating_add(Duration::from_secs(60)));
        world.clock.advance(Duration::from_secs(60));
        assert_eq!(world.code(&key.value).await, "valid", "{leap}: a window later there is room");
    }
}

#[tokio::test]
async fn ids_stay_apart_and_lists_have_an_order_with_a_clock_that_stands_still_or_goes_back() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for step in 0..200_u64 {
        world.clock.set_wall(NOON.saturating_sub(Duration::from_secs(step / 50)));
        ids.push(world.key(draft(&["chats:read"])).await.id);
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 200);
    let events = world.events(Action::KeyCreated).await;
    assert!(events.is_sorted_by_key(|event| std::cmp::Reverse((event.at, event.id))), "newest first");
    assert_eq!(events.len(), 201);
}

#[tokio::test]
async fn times_that_no_calendar_has_do_not_panic() {
    for micros in [i64::MIN, -1, 0, 253_402_300_800_000_000, i64::MAX] {
        let wall = Timestamp::from_unix_micros(micros);
        let mut world = World::new().await;
        world.clock.set_wall(wall);
        let key = world.key(draft(&["chats:read"])).await;
        assert_eq!(world.code(&key.value).await, "valid");
        let overlap = Overlap::from_seconds(60).unwrap();
        let renewed = world.manager.regenerate(&owner(), key.id, overlap).await;
        let renewed: TestKey = renewed.unwrap().into();
        assert_eq!(world.code(&renewed.value).await, "valid");
        world.revoke(&key).await;
        assert_eq!(world.code(&renewed.value).await, "revoked");
        let _ = HourRange::new(None, None, wall);
        world.engine.flush().await.unwrap();
        world.crash().await;
        assert_eq!(world.code(&renewed.value).await, "revoked");
        assert_eq!(world.counts(&key).await, (2, 2));
        assert!(world.store.oldest_event().await.unwrap().is_some());
    }
}
