//! A digest that the store did not know hides no key that comes into being.

use std::sync::Arc;

use qwetty_keys::KeyValue;
use shuttle::future::block_on;
use shuttle::thread;

use super::{World, check, prepare};
use crate::sync::{AtomicBool, Ordering};

/// Deciders on a value, and whoever makes the key that it is of, which the store knows once that is done.
fn comes_into_being(make: fn(&World) -> KeyValue) {
    let value = prepare(move || make(&World::new()).expose().to_owned());
    check(move || found_once_made(&value, make));
}

fn found_once_made(value: &str, make: fn(&World) -> KeyValue) {
    let (world, exists) = (World::new(), Arc::new(AtomicBool::new(false)));
    assert!(!world.admits(value), "noted as absent");
    let decider = || {
        let (world, exists) = (Arc::clone(&world), Arc::clone(&exists));
        let value = value.to_owned();
        thread::spawn(move || {
            for _ in 0..2 {
                let is_late = exists.load(Ordering::SeqCst);
                let admitted = world.admits(&value);
                assert!(admitted || !is_late, "hidden");
            }
        })
    };
    let deciders = [decider(), decider()];
    assert_eq!(make(&world).expose(), value, "all worlds make the same values");
    exists.store(true, Ordering::SeqCst);
    deciders.into_iter().for_each(|decider| decider.join().unwrap());
    assert!(world.admits(value));
}

#[test]
fn a_new_key_is_found() {
    comes_into_being(|world| block_on(world.manager.issue_root()).unwrap().value);
}

#[test]
fn a_key_that_others_made_is_found_once_it_is_heard_of() {
    comes_into_being(|world| {
        let made = block_on(world.other().issue_root()).unwrap().value;
        world.core.cache.forget(&[world.digest(made.expose())]);
        made
    });
}
