//! The rule that keeps the memory fresh, by itself: tickets and what is kept with them, beside a change.

use std::sync::{Arc, OnceLock};

use qwetty_keys::KeyDigest;
use qwetty_storage::{FoundKey, KeyStore};
use shuttle::future::block_on;
use shuttle::thread;

use super::{NOON, World, check, owner};
use crate::Now;
use crate::cache::KeyCache;
use crate::sync::{AtomicBool, Ordering};

/// A key before a change and after it.
struct Key {
    digest: KeyDigest,
    active: FoundKey,
    revoked: FoundKey,
}

impl Key {
    fn get() -> &'static Self {
        static KEY: OnceLock<Key> = OnceLock::new();
        KEY.get_or_init(|| {
            let world = World::new();
            let digest = world.digest(world.root.value.expose());
            let find = || block_on(world.store.find(&digest)).unwrap().unwrap();
            let active = find();
            block_on(world.manager.revoke(&owner(), world.root.id, None)).unwrap();
            Self { digest, active, revoked: find() }
        })
    }
}

type Change = fn(&KeyCache, &[KeyDigest], &dyn Fn());

/// In a process's own store.
const OWN: Change = |cache, digests, commit| {
    cache.begin_change(digests);
    commit();
    cache.end_change(digests);
};

/// By others, who tell of it.
const HEARD_OF: Change = |cache, digests, commit| {
    commit();
    cache.forget(digests);
};

/// By others, who may have told of it or not.
const MISSED: Change = |cache, _, commit| {
    commit();
    cache.forget_all();
};

/// Two look up, one decides by the memory, one changes. `exists` if the key is there before the change.
fn fresh(change: Change, exists: bool) {
    let key = Key::get();
    let now = Now { wall: NOON, moment: qwetty_ratelimit::Moment::from_nanos(0) };
    let cache = Arc::new(KeyCache::with_capacity(1000));
    // Of the store, what it knows of the key; of the change, whether it was answered.
    let (changed, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let is_old = move |cache: &KeyCache| {
        if exists {
            cache.get(&key.digest).is_some_and(|kept| kept.unusable(NOON).is_none())
        } else {
            cache.get(&key.digest).is_none() && cache.is_absent(&key.digest)
        }
    };
    let look_up = || {
        let (cache, changed) = (Arc::clone(&cache), Arc::clone(&changed));
        thread::spawn(move || {
            loop {
                let ticket = cache.ticket(&key.digest);
                let found = match (changed.load(Ordering::SeqCst), exists) {
                    (true, true) => key.revoked.clone(),
                    (true, false) | (false, true) => key.active.clone(),
                    (false, false) => match cache.keep_absent(ticket, &key.digest) {
                        Ok(()) => return,
                        Err(_) => continue,
                    },
                };
                if cache.keep(ticket, &key.digest, found, "9/60".parse().unwrap(), now).is_ok() {
                    return;
                }
            }
        })
    };
    let looking = [look_up(), look_up()];
    let decider = {
        let (cache, answered) = (Arc::clone(&cache), Arc::clone(&answered));
        thread::spawn(move || {
            let is_late = answered.load(Ordering::SeqCst);
            assert!(!(is_old(&cache) && is_late));
        })
    };
    change(&cache, &[key.digest], &|| changed.store(true, Ordering::SeqCst));
    answered.store(true, Ordering::SeqCst);
    assert!(!is_old(&cache), "what is kept is from before the change");
    looking.into_iter().for_each(|looking| looking.join().unwrap());
    decider.join().unwrap();
    assert!(!is_old(&cache), "what was kept since is from before the change");
}

#[test]
fn nothing_from_before_a_change_is_kept() {
    check(|| fresh(OWN, true));
}

#[test]
fn nothing_from_before_a_change_by_others_is_kept() {
    check(|| fresh(HEARD_OF, true));
    check(|| fresh(MISSED, true));
}

#[test]
fn no_absence_from_before_a_change_is_kept() {
    check(|| fresh(OWN, false));
    check(|| fresh(HEARD_OF, false));
    check(|| fresh(MISSED, false));
}
