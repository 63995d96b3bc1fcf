//! What is taken away is gone from the moment the call returns, also for a look-up that was under way.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use qwetty::{KeyPatch, VerifyRequest};
use qwetty_authz::Ask;
use qwetty_keys::{EventId, Overlap, Transition};
use qwetty_storage::{Action, AuditEvent, KeyRecord, KeyStore, Written};

use support::{ANYTHING, Settings, TestKey, World, code, draft, owner, permission_set, settle};

const SENDING: Ask<'static> = Ask { address: None, permissions: &["messages:send"], channel: None };

/// Ways to take something away from a key.
#[derive(Debug, Clone, Copy)]
enum Loss {
    Revoked,
    Deleted,
    Regenerated,
    Narrowed,
}

impl Loss {
    const ALL: [Self; 4] = [Self::Revoked, Self::Deleted, Self::Regenerated, Self::Narrowed];

    async fn inflict(self, world: &World, key: &TestKey) {
        let (manager, owner) = (&world.manager, owner());
        match self {
            Self::Revoked => drop(manager.revoke(&owner, key.id, None).await.unwrap()),
            Self::Deleted => manager.delete(&owner, key.id).await.unwrap(),
            Self::Regenerated => drop(manager.regenerate(&owner, key.id, Overlap::NONE).await.unwrap()),
            Self::Narrowed => {
                let permissions = Some(permission_set(&["chats:read"]));
                world.update(key, KeyPatch { permissions, ..KeyPatch::default() }).await;
            }
        }
    }

    /// What a call that sends a message is told afterwards.
    const fn code(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::Deleted | Self::Regenerated => "not_found",
            Self::Narrowed => "insufficient_permissions",
        }
    }
}

async fn told_of_changes() -> World {
    World::with(Settings { tells_of_changes: true, ..Settings::default() }).await
}

async fn sender(world: &World) -> TestKey {
    world.key(draft(&["chats:read", "messages:send"])).await
}

#[tokio::test]
async fn a_loss_holds_for_a_key_in_memory() {
    for loss in Loss::ALL {
        let world = World::new().await;
        let key = sender(&world).await;
        assert_eq!(world.code_for(&key.value, SENDING).await, "valid");
        loss.inflict(&world, &key).await;
        assert_eq!(world.code_for(&key.value, SENDING).await, loss.code(), "{loss:?}");
    }
}

#[tokio::test]
async fn a_look_up_that_read_the_old_record_cannot_bring_it_back() {
    for loss in Loss::ALL {
        for asked_meanwhile in [false, true] {
            let world = World::new().await;
            let key = sender(&world).await;
            let mut held = world.gates.found.hold();
            let look_up = tokio::spawn({
                let (verifier, value) = (world.verifier.clone(), key.value.clone());
                async move { verifier.verify(&value, &request(SENDING)).await.unwrap() }
            });
            held.reached().await;
            loss.inflict(&world, &key).await;
            if asked_meanwhile {
                assert_eq!(world.code_for(&key.value, SENDING).await, loss.code(), "{loss:?}");
            }
            held.release();
            // It raced with the loss and could have gone either way; as it is, it looks again.
            assert_eq!(code(&look_up.await.unwrap()), loss.code(), "{loss:?}");
            assert_eq!(world.code_for(&key.value, SENDING).await, loss.code(), "{loss:?}");
        }
    }
}

#[tokio::test]
async fn a_look_up_from_before_a_key_existed_leaves_nothing_behind() {
    let seeded = || World::with(Settings { seed: Some(7), ..Settings::default() });
    let value_to_come = sender(&seeded().await).await.value;

    let world = seeded().await;
    let mut held = world.gates.found.hold();
    let look_up = tokio::spawn({
        let (verifier, value) = (world.verifier.clone(), value_to_come.clone());
        async move { verifier.verify(&value, &request(ANYTHING)).await.unwrap() }
    });
    held.reached().await;
    assert_eq!(sender(&world).await.value, value_to_come);
    held.release();
    assert_eq!(code(&look_up.await.unwrap()), "valid", "it looked again");
    assert_eq!(world.code(&value_to_come).await, "valid");
}

#[tokio::test]
async fn a_revocation_that_nobody_waits_for_any_more_holds_once_it_is_stored() {
    let world = World::new().await;
    let key = sender(&world).await;
    assert_eq!(world.code(&key.value).await, "valid");
    let mut held = world.gates.before_write.hold();
    {
        let owner = owner();
        let mut revoke = std::pin::pin!(world.manager.revoke(&owner, key.id, None));
        tokio::select! {
            biased;
            _ = &mut revoke => panic!("the store is held"),
            () = held.reached() => {}
        }
    }
    held.release();
    settle().await;
    assert!(world.view(&key).await.record.lifecycle.revocation().is_some());
    assert_eq!(world.code(&key.value).await, "revoked");
}

#[tokio::test]
async fn after_an_error_decisions_go_by_the_store() {
    for loss in Loss::ALL {
        for committed in [false, true] {
            let world = World::new().await;
            let key = sender(&world).await;
            assert_eq!(world.code_for(&key.value, SENDING).await, "valid");
            let gates = &world.gates;
            if committed {
                gates.after_write.fail()
            } else {
                gates.before_write.fail()
            }
            let (manager, id, owner) = (&world.manager, key.id, owner());
            let failed = match loss {
                Loss::Revoked => manager.revoke(&owner, id, None).await.is_err(),
                Loss::Deleted => manager.delete(&owner, id).await.is_err(),
                Loss::Regenerated => manager.regenerate(&owner, id, Overlap::NONE).await.is_err(),
                Loss::Narrowed => {
                    let permissions = Some(permission_set(&["chats:read"]));
                    manager.update(&owner, id, KeyPatch { permissions, ..KeyPatch::default() }).await.is_err()
                }
            };
            assert!(failed);
            let expected = if committed { loss.code() } else { "valid" };
            assert_eq!(world.code_for(&key.value, SENDING).await, expected, "{loss:?}");
        }
    }
}

/// Whoever comes second is answered at once, by what the store says, while the first one still waits for the answer.
#[tokio::test]
async fn a_second_loss_that_changes_nothing_holds_when_it_is_answered_too() {
    for loss in [Loss::Revoked, Loss::Narrowed] {
        let world = World::new().await;
        let key = sender(&world).await;
        assert_eq!(world.code_for(&key.value, SENDING).await, "valid");
        let mut held = world.gates.after_write.hold();
        let (first, second) = (loss.inflict(&world, &key), async {
            held.reached().await;
            loss.inflict(&world, &key).await;
            assert_eq!(world.code_for(&key.value, SENDING).await, loss.code(), "{loss:?}");
            held.release();
        });
        tokio::join!(first, second);
        assert_eq!(world.code_for(&key.value, SENDING).await, loss.code(), "{loss:?}");
    }
}

/// What was read while a change was under way may be from before it, and is nothing to remember.
#[tokio::test]
async fn a_decision_while_a_change_is_under_way_is_by_the_store_and_is_not_kept() {
    let world = World::new().await;
    let key = sender(&world).await;
    let mut held = world.gates.before_write.hold();
    let (first, second) = (world.revoke(&key), async {
        held.reached().await;
        for finds in 1..=3 {
            assert_eq!(world.code(&key.value).await, "valid");
            assert_eq!(world.gates.finds(), finds);
        }
        held.release();
    });
    tokio::join!(first, second);
    assert_eq!(world.code(&key.value).await, "revoked");
    assert_eq!(world.counts(&key).await, (3, 1), "they were counted all the same");
}

#[tokio::test]
async fn a_decision_that_the_store_cannot_help_with_admits_nothing_and_is_forgotten() {
    let world = World::new().await;
    let key = sender(&world).await;
    world.gates.found.fail();
    assert!(world.verifier.verify(&key.value, &request(ANYTHING)).await.is_err());
    assert_eq!(world.code(&key.value).await, "valid");
}

#[tokio::test]
async fn a_revocation_in_one_engine_reaches_the_others_over_the_same_store() {
    let world = told_of_changes().await;
    let key = sender(&world).await;
    let other = world.beside().await;
    assert_eq!(other.code(&key.value).await, "valid");
    world.revoke(&key).await;
    until_refused(&other, &key).await;
}

#[tokio::test]
async fn a_verifier_follows_other_engines_also_when_its_engine_handle_is_gone() {
    let world = told_of_changes().await;
    let key = sender(&world).await;
    let World { engine, verifier, manager, .. } = world.beside().await;
    drop((engine, manager));
    assert_eq!(code(&verifier.verify(&key.value, &request(ANYTHING)).await.unwrap()), "valid");
    world.revoke(&key).await;
    settle().await;
    assert_eq!(code(&verifier.verify(&key.value, &request(ANYTHING)).await.unwrap()), "revoked");
}

#[tokio::test]
async fn a_revocation_that_a_feed_had_no_room_for_is_seen_all_the_same() {
    let world = told_of_changes().await;
    let key = sender(&world).await;
    assert_eq!(world.code(&key.value).await, "valid");
    // The store is changed behind the engine's back, without a pause in which it could read its feed.
    let other = sender(&world).await;
    let mut record = world.view(&other).await.record;
    for _ in 0..3000 {
        record = replaced(&world, record).await;
    }
    let mut record = world.view(&key).await.record;
    let Transition::Changed(revoked) = record.lifecycle.clone().revoke(support::NOON, None) else { panic!() };
    record.lifecycle = revoked;
    replaced(&world, record).await;
    until_refused(&world, &key).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_decision_that_starts_after_a_revocation_admits() {
    let world = World::with_quotas("10000000/60", "10000000/60").await;
    for _ in 0..100 {
        let key = sender(&world).await;
        let revoked = Arc::new(AtomicBool::new(false));
        let deciders: Vec<_> = (0..3)
            .map(|_| {
                let (verifier, value, revoked) =
                    (world.verifier.clone(), key.value.clone(), Arc::clone(&revoked));
                tokio::spawn(async move {
                    loop {
                        let was_revoked = revoked.load(Ordering::SeqCst);
                        let code = code(&verifier.verify(&value, &request(ANYTHING)).await.unwrap());
                        if was_revoked {
                            return code;
                        }
                        tokio::task::yield_now().await;
                    }
                })
            })
            .collect();
        world.revoke(&key).await;
        revoked.store(true, Ordering::SeqCst);
        for decider in deciders {
            assert_eq!(decider.await.unwrap(), "revoked");
        }
    }
}

const fn request(ask: Ask<'static>) -> VerifyRequest<'static> {
    VerifyRequest { organization: None, ask, charge: qwetty::Charge::Units(1) }
}

async fn until_refused(world: &World, key: &TestKey) {
    for _ in 0..1000 {
        if world.code(&key.value).await == "revoked" {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("the revocation was not noticed");
}

/// Puts a record in the store, past every engine, at its next revision.
async fn replaced(world: &World, record: KeyRecord) -> KeyRecord {
    let expected = record.revision;
    let next = KeyRecord { revision: expected.next(), ..record };
    let event = AuditEvent {
        id: EventId::generate(support::NOON, &mut rand::rngs::SysRng).unwrap(),
        at: support::NOON,
        action: Action::KeyUpdated,
        actor: None,
        organization: next.organization,
        key: Some(next.id),
        channel: None,
        address: None,
        request_id: None,
        changes: Default::default(),
    };
    assert_eq!(world.store.replace(&next, expected, &event).await.unwrap(), Written::Done);
    next
}
