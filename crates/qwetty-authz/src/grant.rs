//! The permissions that a key holds.

use std::sync::Arc;

use crate::{Catalogue, Permission};

/// The permissions that a key holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PermissionGrant {
    /// Everything in the catalogue, now and later. For root keys alone.
    All,
    /// Exactly these.
    Only(PermissionSet),
}

impl PermissionGrant {
    /// Whether the permission of exactly this name is held.
    ///
    /// A permission that has left the catalogue stays with the keys that were given it by name, and is no
    /// longer part of [`All`](Self::All).
    pub fn allows(&self, catalogue: &Catalogue, name: &str) -> bool {
        match self {
            Self::All => catalogue.contains(name),
            Self::Only(set) => set.contains(name),
        }
    }

    pub(crate) fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::All, _) => true,
            (Self::Only(_), Self::All) => false,
            (Self::Only(mine), Self::Only(theirs)) => theirs.is_subset(mine),
        }
    }
}

/// At least one permission, each once. A clone shares them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PermissionSet {
    /// By name.
    sorted: Arc<[Permission]>,
}

// A set is never empty, so `is_empty` would have nothing to tell.
#[allow(clippy::len_without_is_empty)]
impl PermissionSet {
    /// Of so few it is faster to look at each, which mostly takes no more than its length.
    const HANDFUL: usize = 8;

    /// The set of these permissions, or `None` if there are none. Duplicates collapse.
    pub fn from_permissions(permissions: impl IntoIterator<Item = Permission>) -> Option<Self> {
        let mut sorted: Vec<Permission> = permissions.into_iter().collect();
        sorted.sort_unstable();
        sorted.dedup();
        (!sorted.is_empty()).then(|| Self { sorted: sorted.into() })
    }

    /// Whether the permission of exactly this name is in the set.
    pub fn contains(&self, name: &str) -> bool {
        if self.sorted.len() <= Self::HANDFUL {
            return self.sorted.iter().any(|permission| permission.as_str() == name);
        }
        self.sorted.binary_search_by(|permission| permission.as_str().cmp(name)).is_ok()
    }

    /// Every permission, by name. For the order that people see, ask [`Catalogue::in_order`].
    pub fn iter(&self) -> impl Iterator<Item = &Permission> {
        self.sorted.iter()
    }

    /// How many there are, 1 at least.
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Whether every permission of this set is in the other one too.
    pub fn is_subset(&self, other: &Self) -> bool {
        self.sorted.iter().all(|permission| other.sorted.binary_search(permission).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> PermissionSet {
        PermissionSet::from_permissions(names.iter().map(|name| name.parse().unwrap())).unwrap()
    }

    #[test]
    fn there_is_no_empty_set() {
        assert_eq!(PermissionSet::from_permissions([]), None);
    }

    #[test]
    fn duplicates_collapse_and_order_does_not_matter() {
        let doubled = set(&["b", "a", "b"]);
        assert_eq!(doubled.len(), 2);
        assert_eq!(doubled, set(&["a", "b"]));
        assert_eq!(doubled.iter().map(Permission::as_str).collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn a_long_set_has_what_it_was_given_and_nothing_else() {
        let names: Vec<String> = (0..100).map(|number| format!("orders:{number}")).collect();
        let set = set(&names.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(names.iter().all(|name| set.contains(name)));
        for absent in ["", "orders", "orders:", "orders:100", "orders:1 ", "zebras:1"] {
            assert!(!set.contains(absent), "{absent}");
        }
    }

    #[test]
    fn all_allows_what_the_catalogue_has_and_nothing_else() {
        let catalogue = Catalogue::qwetty();
        assert!(PermissionGrant::All.allows(&catalogue, "chats:read"));
        assert!(PermissionGrant::All.allows(&catalogue, "organizations:manage"));
        assert!(!PermissionGrant::All.allows(&catalogue, "orders:read"));
        assert!(!PermissionGrant::All.allows(&catalogue, "*"));
    }

    #[test]
    fn a_permission_that_left_the_catalogue_stays_with_who_was_given_it_by_name() {
        let grant = PermissionGrant::Only(set(&["orders:read"]));
        assert!(grant.allows(&Catalogue::qwetty(), "orders:read"));
        assert!(!grant.allows(&Catalogue::qwetty(), "chats:read"));
    }

    #[test]
    fn only_all_covers_all() {
        let catalogue = Catalogue::qwetty();
        let everything = catalogue.entries().map(|entry| entry.permission().clone());
        let listed = PermissionGrant::Only(PermissionSet::from_permissions(everything).unwrap());
        assert!(PermissionGrant::All.covers(&PermissionGrant::All));
        assert!(PermissionGrant::All.covers(&listed));
        assert!(!listed.covers(&PermissionGrant::All), "a permission added later would be beyond the list");
    }

    #[test]
    fn a_list_covers_its_subsets() {
        let covers = |mine: &[&str], theirs: &[&str]| {
            PermissionGrant::Only(set(mine)).covers(&PermissionGrant::Only(set(theirs)))
        };
        assert!(covers(&["a", "b"], &["a", "b"]));
        assert!(covers(&["a", "b"], &["b"]));
        assert!(!covers(&["b"], &["a", "b"]));
        assert!(!covers(&["a:b"], &["a"]));
        assert!(!covers(&["a"], &["a:b"]));
    }
}
