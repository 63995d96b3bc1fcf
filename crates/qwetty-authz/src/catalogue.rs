//! Every permission that there is, in the order in which people see them.

use std::collections::BTreeMap;

use crate::administration;
use crate::{Permission, PermissionError, PermissionGrant};

/// The permissions that keys of one service can hold: the service's own, then the six of [`administration`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue {
    entries: Vec<CatalogueEntry>,
    positions: BTreeMap<Permission, usize>,
}

impl Catalogue {
    const MOST_SERVICE_PERMISSIONS: usize = 128;

    /// The catalogue of the Qwetty API.
    pub fn qwetty() -> Self {
        const SERVICE: [(&str, &str); 5] = [
            ("chats:read", "Read chats and messages"),
            ("messages:send", "Send messages"),
            ("contacts:manage", "Manage contacts"),
            ("templates:read", "Access templates"),
            ("templates:send", "Send template messages"),
        ];
        Self::assemble(SERVICE.map(|(name, label)| CatalogueEntry::of(Permission::known(name), label)))
    }

    /// A service's own catalogue, from pairs of permission name and label.
    ///
    /// # Errors
    ///
    /// A name that is malformed, comes twice or belongs to [`administration`], or more than 128 pairs.
    pub fn new<P, L>(service: impl IntoIterator<Item = (P, L)>) -> Result<Self, CatalogueError>
    where
        P: AsRef<str>,
        L: Into<String>,
    {
        let mut entries: Vec<CatalogueEntry> = Vec::new();
        for (name, label) in service {
            let name = name.as_ref();
            let permission: Permission =
                name.parse().map_err(|reason| CatalogueError::Malformed { name: name.to_owned(), reason })?;
            if administration::LABELLED.iter().any(|(reserved, _)| *reserved == name) {
                return Err(CatalogueError::Reserved { permission });
            }
            if entries.iter().any(|entry| entry.permission == permission) {
                return Err(CatalogueError::Duplicate { permission });
            }
            if entries.len() == Self::MOST_SERVICE_PERMISSIONS {
                return Err(CatalogueError::TooMany);
            }
            entries.push(CatalogueEntry::of(permission, label));
        }
        Ok(Self::assemble(entries))
    }

    /// The permission of exactly this name, if it is in the catalogue.
    pub fn get(&self, name: &str) -> Option<&Permission> {
        self.positions.get_key_value(name).map(|(permission, _)| permission)
    }

    /// Whether a permission of exactly this name is in the catalogue.
    pub fn contains(&self, name: &str) -> bool {
        self.positions.contains_key(name)
    }

    /// Every entry, in catalogue order.
    pub fn entries(&self) -> impl Iterator<Item = &CatalogueEntry> {
        self.entries.iter()
    }

    /// What a grant holds, in catalogue order. Permissions that have left the catalogue since they were
    /// granted come last, by name.
    pub fn in_order(&self, grant: &PermissionGrant) -> Vec<Permission> {
        match grant {
            PermissionGrant::All => self.entries.iter().map(|entry| entry.permission.clone()).collect(),
            PermissionGrant::Only(set) => {
                let mut held: Vec<Permission> = set.iter().cloned().collect();
                // The sort is stable, and a set iterates by name.
                held.sort_by_key(|permission| self.positions.get(permission).copied().unwrap_or(usize::MAX));
                held
            }
        }
    }

    fn assemble(service: impl IntoIterator<Item = CatalogueEntry>) -> Self {
        let administration = administration::LABELLED.map(|(name, label)| CatalogueEntry {
            administration: true,
            ..CatalogueEntry::of(Permission::known(name), label)
        });
        let entries: Vec<CatalogueEntry> = service.into_iter().chain(administration).collect();
        let positions =
            entries.iter().enumerate().map(|(index, entry)| (entry.permission.clone(), index)).collect();
        Self { entries, positions }
    }
}

/// One permission of a [`Catalogue`] and its label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogueEntry {
    permission: Permission,
    label: String,
    administration: bool,
}

impl CatalogueEntry {
    fn of(permission: Permission, label: impl Into<String>) -> Self {
        Self { permission, label: label.into(), administration: false }
    }

    /// The permission.
    pub fn permission(&self) -> &Permission {
        &self.permission
    }

    /// What people read beside it.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Whether it administers the keys themselves, and so is in every catalogue.
    pub fn is_administration(&self) -> bool {
        self.administration
    }
}

/// Why a service's permissions make no catalogue.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogueError {
    /// A name is not a permission name.
    #[error("permission {name:?} of the catalogue is malformed: {reason}")]
    Malformed {
        /// The name as given.
        name: String,
        /// What is wrong with it.
        reason: PermissionError,
    },
    /// A name comes twice.
    #[error("permission {permission} is in the catalogue twice: remove one of the two")]
    Duplicate {
        /// The permission that comes twice.
        permission: Permission,
    },
    /// A name belongs to [`administration`].
    #[error("permission {permission} administers keys and is in every catalogue: remove it")]
    Reserved {
        /// The permission that is there already.
        permission: Permission,
    },
    /// There are more than 128 names.
    #[error("the catalogue has more than 128 permissions: remove some")]
    TooMany,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PermissionSet;

    fn names(catalogue: &Catalogue) -> Vec<&str> {
        catalogue.entries().map(|entry| entry.permission().as_str()).collect()
    }

    fn only(names: &[&str]) -> PermissionGrant {
        let permissions = names.iter().map(|name| name.parse().unwrap());
        PermissionGrant::Only(PermissionSet::from_permissions(permissions).unwrap())
    }

    #[test]
    fn the_product_catalogue_is_the_documented_one_in_order() {
        let catalogue = Catalogue::qwetty();
        let entries: Vec<_> = catalogue
            .entries()
            .map(|entry| (entry.permission().as_str(), entry.label(), entry.is_administration()))
            .collect();
        assert_eq!(
            entries,
            [
                ("chats:read", "Read chats and messages", false),
                ("messages:send", "Send messages", false),
                ("contacts:manage", "Manage contacts", false),
                ("templates:read", "Access templates", false),
                ("templates:send", "Send template messages", false),
                ("api_keys:read", "Read API keys", true),
                ("api_keys:manage", "Manage API keys", true),
                ("api_keys:verify", "Verify API keys", true),
                ("channels:manage", "Manage channels", true),
                ("audit:read", "Read the audit log", true),
                ("organizations:manage", "Manage organizations", true),
            ]
        );
    }

    #[test]
    fn every_name_that_the_crate_brings_parses() {
        for entry in Catalogue::qwetty().entries() {
            assert_eq!(entry.permission().as_str().parse().as_ref(), Ok(entry.permission()));
        }
    }

    #[test]
    fn a_service_brings_its_own_in_its_own_order() {
        let catalogue =
            Catalogue::new([("orders:write", "Write orders"), ("orders:read", "Read orders")]).unwrap();
        assert_eq!(names(&catalogue)[..3], ["orders:write", "orders:read", "api_keys:read"]);
        assert_eq!(names(&catalogue).len(), 8);
        assert!(!catalogue.contains("chats:read"));
    }

    #[test]
    fn a_service_may_bring_none() {
        let catalogue = Catalogue::new(Vec::<(String, String)>::new()).unwrap();
        assert!(catalogue.entries().all(CatalogueEntry::is_administration));
        assert!(catalogue.contains(administration::AUDIT_READ));
    }

    #[test]
    fn looks_up_exact_names_only() {
        let catalogue = Catalogue::qwetty();
        assert_eq!(catalogue.get("chats:read").map(Permission::as_str), Some("chats:read"));
        for name in ["", "chats", "chats:", "chats:rea", "chats:read ", "CHATS:READ", "chats:*", "*"] {
            assert_eq!(catalogue.get(name), None, "{name:?}");
            assert!(!catalogue.contains(name), "{name:?}");
        }
    }

    #[test]
    fn refuses_what_is_malformed_doubled_or_reserved() {
        let new = |names: &[&str]| Catalogue::new(names.iter().map(|name| (*name, "label"))).map(|_| ());
        assert_eq!(
            new(&["a:b", "A"]),
            Err(CatalogueError::Malformed {
                name: "A".into(),
                reason: PermissionError::Character { found: 'A' }
            })
        );
        assert_eq!(
            new(&["a:b", "c", "a:b"]),
            Err(CatalogueError::Duplicate { permission: "a:b".parse().unwrap() })
        );
        for (name, _) in administration::LABELLED {
            assert_eq!(new(&[name]), Err(CatalogueError::Reserved { permission: name.parse().unwrap() }));
        }
    }

    #[test]
    fn takes_128_and_refuses_one_more() {
        let pairs = |count: usize| (0..count).map(|n| (format!("p{n}"), "label"));
        assert_eq!(Catalogue::new(pairs(128)).unwrap().entries().count(), 128 + 6);
        assert_eq!(Catalogue::new(pairs(129)), Err(CatalogueError::TooMany));
    }

    #[test]
    fn a_grant_is_told_in_catalogue_order_with_departed_names_last() {
        let catalogue = Catalogue::qwetty();
        let held = only(&["zebra:ride", "audit:read", "messages:send", "ant:feed", "chats:read"]);
        let told: Vec<_> = catalogue.in_order(&held).iter().map(ToString::to_string).collect();
        assert_eq!(told, ["chats:read", "messages:send", "audit:read", "ant:feed", "zebra:ride"]);
    }

    #[test]
    fn all_is_told_as_the_whole_catalogue() {
        let catalogue = Catalogue::qwetty();
        let told = catalogue.in_order(&PermissionGrant::All);
        assert_eq!(told.iter().map(Permission::as_str).collect::<Vec<_>>(), names(&catalogue));
    }
}
