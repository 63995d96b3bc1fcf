//! A value that is reported as leaked takes its key out of use, whoever reports it.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::time::Duration;

use qwetty::{ManageError, Origin};
use qwetty_keys::{Digester, Overlap};
use qwetty_storage::Action;

use support::{DAY, Settings, TestKey, World, draft, owner};

async fn report(world: &World, value: &str) -> Result<bool, ManageError> {
    let origin = Origin { address: "198.51.100.7".parse().ok(), request_id: Some("req_1".to_owned()) };
    world.manager.revoke_leaked(origin, value, "reported as leaked".parse().ok()).await
}

#[tokio::test]
async fn a_reported_value_is_refused_from_the_moment_of_the_answer_and_audited() {
    let world = World::new().await;
    let key = world.key(draft(&["chats:read"])).await;
    assert_eq!(world.code(&key.value).await, "valid");
    assert!(report(&world, &key.value).await.unwrap());
    assert_eq!(world.code(&key.value).await, "revoked");
    assert_eq!(world.counts(&key).await, (1, 1), "a report is no usage");

    let events = world.events(Action::KeyRevoked).await;
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].key, events[0].actor.is_none()), (Some(key.id), true));
    assert_eq!(events[0].address, "198.51.100.7".parse().ok());
    assert_eq!(events[0].request_id.as_deref(), Some("req_1"));
    assert_eq!(events[0].changes["revocationReason"].to, "reported as leaked");

    // A second report finds nothing left to do, and writes nothing.
    assert!(report(&world, &key.value).await.unwrap());
    assert_eq!(world.events(Action::KeyRevoked).await.len(), 1);
}

#[tokio::test]
async fn a_value_that_is_nobodys_changes_nothing() {
    let world = World::new().await;
    let other = World::new().await.root.value;
    let deleted = world.key(draft(&["chats:read"])).await;
    world.manager.delete(&owner(), deleted.id).await.unwrap();
    for value in ["", "qwt_", "x", &other, &deleted.value] {
        assert!(!report(&world, value).await.unwrap());
    }
    assert!(world.events(Action::KeyRevoked).await.is_empty());
}

#[tokio::test]
async fn an_operators_key_and_the_root_key_are_revoked_as_well() {
    let world = World::new().await;
    assert!(report(&world, &world.root.value).await.unwrap());
    assert_eq!(world.code(&world.root.value).await, "revoked");
    let again: TestKey = {
        let root = world.manager.issue_root().await.unwrap();
        TestKey { id: root.id, value: root.value.expose().to_owned() }
    };
    assert_eq!(world.code(&again.value).await, "valid");
}

#[tokio::test]
async fn an_older_value_counts_as_long_as_it_is_alive() {
    let mut world = World::new().await;
    let overlap = || Overlap::from_seconds(3600).unwrap();
    let (alive, over) = (world.key(draft(&["chats:read"])).await, world.key(draft(&["chats:read"])).await);
    let next = world.manager.regenerate(&owner(), alive.id, overlap()).await.unwrap();
    let kept = world.manager.regenerate(&owner(), over.id, overlap()).await.unwrap();
    assert!(report(&world, &alive.value).await.unwrap());
    assert_eq!(world.code(next.value.expose()).await, "revoked", "it is the same key");

    world.clock.advance(Duration::from_secs(3601));
    for _ in 0..2 {
        // The store still leads from it to the key.
        report(&world, &over.value).await.unwrap();
        assert_eq!(world.code(kept.value.expose()).await, "valid");
        world.restart().await;
    }
}

#[tokio::test]
async fn an_expired_key_is_revoked_so_that_no_later_expiry_brings_its_value_back() {
    let world = World::new().await;
    let mut new = draft(&["chats:read"]);
    new.expires_at = Some(support::NOON.saturating_add(DAY));
    let key = world.key(new).await;
    world.clock.advance(2 * DAY);
    assert!(report(&world, &key.value).await.unwrap());
    assert_eq!(world.code(&key.value).await, "revoked");
}

#[tokio::test]
async fn a_value_under_a_retired_pepper_is_found() {
    let mut world = World::new().await;
    let key = world.key(draft(&["chats:read"])).await;
    let pepper = "11".repeat(32).parse().unwrap();
    let digester = Digester::new(Some(&pepper)).with_retired(None);
    world.restart_with(Settings { digester, ..Settings::default() }).await;
    assert!(report(&world, &key.value).await.unwrap());
    assert_eq!(world.code(&key.value).await, "revoked");
}

#[tokio::test]
async fn a_store_that_fails_is_told_and_nothing_is_pretended() {
    let world = World::new().await;
    let key = world.key(draft(&["chats:read"])).await;
    world.gates.found.fail();
    assert!(matches!(report(&world, &key.value).await, Err(ManageError::Unavailable(_))));
    world.gates.before_write.fail();
    assert!(matches!(report(&world, &key.value).await, Err(ManageError::Unavailable(_))));
    assert_eq!(world.code(&key.value).await, "valid");
    assert!(world.events(Action::KeyRevoked).await.is_empty());
}

#[tokio::test]
async fn a_value_that_is_replaced_while_it_is_reported_does_not_take_the_new_one_with_it() {
    let world = World::new().await;
    let key = world.key(draft(&["chats:read"])).await;
    let mut held = world.gates.found.hold();
    let (manager, value) = (world.manager.clone(), key.value.clone());
    let reporting = tokio::spawn(async move {
        manager.revoke_leaked(Origin::default(), &value, "reported as leaked".parse().ok()).await
    });
    held.reached().await;
    let next = world.manager.regenerate(&owner(), key.id, Overlap::NONE).await.unwrap();
    held.release();
    reporting.await.unwrap().unwrap();
    assert_eq!(world.code(next.value.expose()).await, "valid");
    assert_eq!(world.code(&key.value).await, "not_found");
}
