//! The rule that keeps the memory fresh, by itself: tickets and what is kept with them, beside a change.

use std::sync::Arc;

use qwetty_keys::KeyDigest;
use qwetty_storage::{FoundKey, KeyStore};
use shuttle::future::block_on;
use shuttle::thread;

use super::{NOON, World, check, owner, prepare};
use crate::Now;
use crate::cache::KeyCache;
use crate::sync::{AtomicBool, Ordering};

/// A key before a change and after it.
#[derive(Clone)]
struct Key {
    digest: KeyDigest,
    active: FoundKey,
    revoked: FoundKey,
}

impl Key {
    fn new() -> Self {
        let world = World::new();
        let digest = world.digest(world.root.value.expose());
        let find = || block_on(world.store.find(&digest)).unwrap().unwrap();
        let active = find();
        block_on(world.manager.revoke(&owner(), world.root.id, None)).unwrap();
        Self { digest, active, revoked: find() }
    }
}

/// Whose change it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    /// The process's own.
    Own,
    /// Of others, who tell of it.
    HeardOf,
    /// Of others, who may have told of it or not.
    Missed,
}

impl Change {
    fn make(self, cache: &KeyCache, digests: &[KeyDigest], commit: impl FnOnce()) {
        match self {
            Self::Own => {
                cache.begin_change(digests);
                commit();
                cache.end_change(digests);
            }
            Self::HeardOf => {
                commit();
                cache.forget(digests);
            }
            Self::Missed => {
                commit();
                cache.forget_all();
            }
        }
    }
}

fn walk(change: Change, exists: bool) {
    let key = prepare(|| Arc::new(Key::new()));
    check(move || fresh(&key, change, exists));
}

/// Two look up, one decides by the memory, one changes. `exists` if the key is there before the change.
fn fresh(key: &Arc<Key>, change: Change, exists: bool) {
    let now = Now { wall: NOON, moment: qwetty_ratelimit::Moment::from_nanos(0) };
    let cache = Arc::new(KeyCache::with_capacity(1000));
    // Of the store, what it knows of the key; of the change, whether it was answered.
    let (changed, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let digest = key.digest;
    let is_old = move |cache: &KeyCache| {
        if exists {
            cache.get(&digest).is_some_and(|kept| kept.unusable(NOON).is_none())
        } else {
            cache.get(&digest).is_none() && cache.is_absent(&digest)
        }
    };
    let look_up = || {
        let (key, cache, changed) = (Arc::clone(key), Arc::clone(&cache), Arc::clone(&changed));
        thread::spawn(move || {
            loop {
                let ticket = cache.ticket(&digest);
                let found = match (changed.load(Ordering::SeqCst), exists) {
                    (true, true) => key.revoked.clone(),
                    (true, false) | (false, true) => key.active.clone(),
                    (false, false) => match cache.keep_absent(ticket, &digest) {
                        Ok(()) => return,
                        Err(_) => continue,
                    },
                };
                if cache.keep(ticket, &digest, found, "9/60".parse().unwrap(), now).is_ok() {
                    return;
                }
            }
        })
    };
    let looking = [look_up(), look_up()];
    let decider = {
        let cache = Arc::clone(&cache);
        // Of one's own change anyone may be told as soon as it is in the store: a second revocation, say.
        let told = Arc::clone(if change == Change::Own { &changed } else { &answered });
        thread::spawn(move || {
            let is_late = told.load(Ordering::SeqCst);
            assert!(!(is_old(&cache) && is_late));
        })
    };
    change.make(&cache, &[digest], || changed.store(true, Ordering::SeqCst));
    answered.store(true, Ordering::SeqCst);
    assert!(!is_old(&cache), "what is kept is from before the change");
    looking.into_iter().for_each(|looking| looking.join().unwrap());
    decider.join().unwrap();
    assert!(!is_old(&cache), "what was kept since is from before the change");
}

#[test]
fn nothing_from_before_a_change_is_kept() {
    walk(Change::Own, true);
}

#[test]
fn nothing_from_before_a_change_that_was_heard_of_is_kept() {
    walk(Change::HeardOf, true);
}

#[test]
fn nothing_from_before_a_change_that_may_have_been_missed_is_kept() {
    walk(Change::Missed, true);
}

#[test]
fn no_absence_from_before_a_change_is_kept() {
    walk(Change::Own, false);
}

#[test]
fn no_absence_from_before_a_change_that_was_heard_of_is_kept() {
    walk(Change::HeardOf, false);
}

#[test]
fn no_absence_from_before_a_change_that_may_have_been_missed_is_kept() {
    walk(Change::Missed, false);
}
