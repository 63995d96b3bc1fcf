use std::hash::Hash;
use std::sync::Arc;

use qwetty_authz::{Access, ChannelScope, IpPolicy, PermissionGrant};

use super::slots::Slots;
use crate::sync::places;

/// How many lists of each kind are remembered.
const SLOTS: usize = places(1024);

/// What many keys have in common: the access of a record, or the lists in it, share memory with an equal one that was seen lately. Most keys of
/// a service have one of a few sets of permissions, and a decision finds what other decisions looked at in the processor's
/// caches.
#[derive(Debug)]
pub(super) struct CommonLists {
    permissions: Slots<PermissionGrant>,
    channels: Slots<ChannelScope>,
    networks: Slots<IpPolicy>,
    accesses: Slots<Arc<Access>>,
}

impl CommonLists {
    pub(super) fn new() -> Self {
        Self {
            permissions: Slots::new(SLOTS),
            channels: Slots::new(SLOTS),
            networks: Slots::new(SLOTS),
            accesses: Slots::new(SLOTS),
        }
    }

    /// The same access, in shared memory where there is such.
    pub(super) fn share(&self, access: Access) -> Arc<Access> {
        let access = Access {
            permissions: shared(&self.permissions, access.permissions),
            channels: shared(&self.channels, access.channels),
            networks: shared(&self.networks, access.networks),
        };
        shared(&self.accesses, Arc::new(access))
    }
}

fn shared<T: Clone + Eq + Hash>(slots: &Slots<T>, list: T) -> T {
    let mut slot = slots.of(&list);
    match &*slot {
        Some(seen) if *seen == list => seen.clone(),
        _ => slot.insert(list).clone(),
    }
}

#[cfg(test)]
mod tests {
    use qwetty_authz::Channels;

    use super::*;

    fn access(number: usize) -> Access {
        let id = format!("channel-{number}").parse().unwrap();
        let only = ChannelScope::Only(Channels::try_from(vec![id]).unwrap());
        Access { permissions: PermissionGrant::All, channels: only, networks: IpPolicy::Any }
    }

    #[test]
    fn equal_access_is_in_memory_once() {
        let lists = CommonLists::new();
        assert!(Arc::ptr_eq(&lists.share(access(1)), &lists.share(access(1))));
    }

    #[test]
    fn access_that_falls_on_the_place_of_another_stays_what_it_is() {
        let lists = CommonLists::new();
        for number in 0..2 * SLOTS {
            assert_eq!(*lists.share(access(number)), access(number));
        }
    }
}
