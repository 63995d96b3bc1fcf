//! What was answered as done holds for every decision that starts later.

use std::sync::Arc;

use qwetty_keys::Overlap;
use shuttle::future::block_on;
use shuttle::thread::{self, JoinHandle};

use super::{World, check, owner};
use crate::sync::{AtomicBool, AtomicU64, Ordering};

/// Decisions, of which none that starts after the answer admits.
fn deciders(world: &Arc<World>, answered: &Arc<AtomicBool>) -> Vec<JoinHandle<()>> {
    let decide = |(world, answered): (Arc<World>, Arc<AtomicBool>)| {
        for _ in 0..2 {
            let late = answered.load(Ordering::SeqCst);
            assert!(!(world.admits_root() && late), "admitted after the answer");
        }
    };
    (0..2)
        .map(|_| (Arc::clone(world), Arc::clone(answered)))
        .map(|shared| thread::spawn(move || decide(shared)))
        .collect()
}

/// Deciders beside those who take the root key away, each in its own way; the first who is answered counts.
fn taken_away(is_in_memory: bool, ways: Vec<fn(&World)>) {
    let world = World::new();
    if is_in_memory {
        assert!(world.admits_root());
    }
    let answered = Arc::new(AtomicBool::new(false));
    let mut threads = deciders(&world, &answered);
    threads.extend(ways.into_iter().map(|take_away| {
        let (world, answered) = (Arc::clone(&world), Arc::clone(&answered));
        thread::spawn(move || {
            take_away(&world);
            answered.store(true, Ordering::SeqCst);
        })
    }));
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert!(!world.admits_root());
}

fn revoke(world: &World) {
    block_on(world.manager.revoke(&owner(), world.root.id, None)).unwrap();
}

fn delete(world: &World) {
    block_on(world.manager.delete(&owner(), world.root.id)).unwrap();
}

fn regenerate(world: &World) {
    block_on(world.manager.regenerate(&owner(), world.root.id, Overlap::NONE)).unwrap();
}

fn revoke_elsewhere(world: &World) {
    block_on(world.other().revoke(&owner(), world.root.id, None)).unwrap();
}

#[test]
fn a_revocation_holds_from_its_answer_on() {
    check(|| taken_away(true, vec![revoke]));
}

#[test]
fn so_does_that_of_a_key_which_is_being_looked_up() {
    check(|| taken_away(false, vec![revoke]));
}

/// One of them may find nothing left to do, and is answered the sooner.
#[test]
fn so_does_each_of_two() {
    check(|| taken_away(true, vec![revoke, revoke]));
}

#[test]
fn so_does_a_deletion() {
    check(|| taken_away(true, vec![delete]));
}

#[test]
fn so_does_a_new_value() {
    check(|| taken_away(true, vec![regenerate]));
}

#[test]
fn what_others_change_holds_once_it_is_forgotten() {
    check(|| {
        taken_away(
            true,
            vec![|world| {
                revoke_elsewhere(world);
                world.core.cache.forget(&[world.digest(world.root.value.expose())]);
            }],
        );
    });
}

#[test]
fn so_it_does_once_everything_is_forgotten() {
    check(|| {
        taken_away(
            true,
            vec![|world| {
                revoke_elsewhere(world);
                world.core.cache.forget_all();
            }],
        );
    });
}

/// Back and forth: a decision that no change goes beside is by the last one.
#[test]
fn decisions_go_by_the_last_change() {
    check(|| {
        let world = World::new();
        // Odd while a change is under way.
        let changes = Arc::new(AtomicU64::new(0));
        let decider = || {
            let (world, changes) = (Arc::clone(&world), Arc::clone(&changes));
            thread::spawn(move || {
                for _ in 0..3 {
                    let before = changes.load(Ordering::SeqCst);
                    let admitted = world.admits_root();
                    if before % 2 == 0 && changes.load(Ordering::SeqCst) == before {
                        assert_eq!(admitted, before % 4 == 0, "after {before} steps");
                    }
                }
            })
        };
        let deciders = [decider(), decider()];
        for round in 0..2 {
            changes.fetch_add(1, Ordering::SeqCst);
            let (manager, id) = (&world.manager, world.root.id);
            if round == 0 {
                block_on(manager.revoke(&owner(), id, None)).unwrap();
            } else {
                block_on(manager.reactivate(&owner(), id)).unwrap();
            }
            changes.fetch_add(1, Ordering::SeqCst);
        }
        deciders.into_iter().for_each(|decider| decider.join().unwrap());
        assert!(world.admits_root());
    });
}
