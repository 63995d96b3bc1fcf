//! Who asks for the same at the same time stands in one line.

use std::sync::Arc;

use qwetty_authz::Ask;
use shuttle::future;
use shuttle::thread;

use super::{World, check, prepare, step};
use crate::{Charge, Verdict, VerifyRequest};

async fn admits_root(world: Arc<World>) -> Option<bool> {
    let ask = Ask { address: None, permissions: &[], channel: None };
    let request = VerifyRequest { organization: None, ask, charge: Charge::Nothing };
    let verdict = world.verifier.verify(world.root.value.expose(), &request).await.ok()?;
    Some(matches!(verdict, Verdict::Allow(_)))
}

#[test]
fn the_store_is_read_once_and_everyone_is_answered() {
    check(|| {
        let world = World::new();
        let ask = || {
            let world = Arc::clone(&world);
            thread::spawn(move || assert!(world.admits_root()))
        };
        let asking = [ask(), ask(), ask()];
        asking.into_iter().for_each(|asking| asking.join().unwrap());
        assert_eq!((world.gates.finds(), world.core.look_ups.lines()), (1, 0));
    });
}

#[test]
fn that_it_knows_none_is_read_once_too() {
    // That of a key which the model never makes.
    let value = prepare(|| {
        let made = future::block_on(World::new().manager.issue_root()).unwrap();
        made.value.expose().to_owned()
    });
    check(move || {
        let world = World::new();
        let ask = || {
            let (world, value) = (Arc::clone(&world), value.clone());
            thread::spawn(move || assert!(!world.admits(&value)))
        };
        let asking = [ask(), ask(), ask()];
        asking.into_iter().for_each(|asking| asking.join().unwrap());
        assert_eq!((world.gates.finds(), world.core.look_ups.lines()), (1, 0));
    });
}

/// Shuttle fails a model in which somebody waits for ever.
#[test]
fn who_gives_up_leaves_nobody_waiting() {
    check(|| {
        let world = World::new();
        let asking: Vec<_> = (0..3).map(|_| future::spawn(admits_root(Arc::clone(&world)))).collect();
        let gives_up = asking[0].abort_handle();
        let impatient = thread::spawn(move || {
            step();
            gives_up.abort();
        });
        for (place, asking) in asking.into_iter().enumerate() {
            let answer = future::block_on(asking);
            assert!(place == 0 || answer.unwrap() == Some(true));
        }
        impatient.join().unwrap();
        assert!(world.gates.finds() <= 2);
        assert_eq!(world.core.look_ups.lines(), 0);
    });
}

#[test]
fn a_failure_is_everyones_in_the_line_and_nobodys_after_it() {
    check(|| {
        let world = World::new();
        world.gates.found.fail();
        let ask = || {
            let world = Arc::clone(&world);
            thread::spawn(move || {
                let ask = || future::block_on(admits_root(Arc::clone(&world)));
                let answer = ask();
                assert!(answer.is_some() || ask() == Some(true), "failed again, after the answer");
                answer
            })
        };
        let asking = [ask(), ask(), ask()];
        let answers = asking.map(|asking| asking.join().unwrap());
        assert!(answers.contains(&None) && !answers.contains(&Some(false)));
        assert_eq!((world.gates.finds(), world.core.look_ups.lines()), (2, 0), "of each line, one reads");
    });
}
