//! The first start.

use futures_util::future::join_all;
use qwetty_storage::{Action, AuditEvent, KeyRecord, Organization, Setup, Store, Written};

use crate::fixtures::Fixtures;
use crate::given;

/// Nothing was ever stored in it.
pub async fn a_new_store_is_empty(store: &dyn Store) {
    assert_eq!(store.setup().await.unwrap(), Setup::Empty);
}

/// Organization, root key and their events are there.
pub async fn a_founded_store_has_its_root_key_unannounced(store: &dyn Store) {
    let mut make = Fixtures::default();
    let founding = Founding::new(&mut make);
    assert_eq!(founding.found(store).await, Written::Done);
    assert_eq!(store.setup().await.unwrap(), Setup::RootUnannounced(founding.root.id));
    founding.assert_stored(store).await;
}

/// However often it is announced.
pub async fn an_announced_root_key_completes_the_setup(store: &dyn Store) {
    let mut make = Fixtures::default();
    let founding = Founding::new(&mut make);
    assert_eq!(founding.found(store).await, Written::Done);
    for _ in 0..2 {
        store.root_announced().await.unwrap();
        assert_eq!(store.setup().await.unwrap(), Setup::Complete);
    }
    founding.assert_stored(store).await;
}

/// A second founding changes nothing, before and after the announcement.
pub async fn a_store_is_founded_once(store: &dyn Store) {
    let mut make = Fixtures::default();
    let (first, second) = (Founding::new(&mut make), Founding::new(&mut make));
    assert_eq!(first.found(store).await, Written::Done);
    assert_eq!(second.found(store).await, Written::Stale);
    assert_eq!(store.setup().await.unwrap(), Setup::RootUnannounced(first.root.id));
    store.root_announced().await.unwrap();
    assert_eq!(second.found(store).await, Written::Stale);
    assert_eq!(store.setup().await.unwrap(), Setup::Complete);
    second.assert_absent(store).await;
}

/// One root key, not two.
pub async fn of_concurrent_foundings_exactly_one_wins(store: &dyn Store) {
    let mut make = Fixtures::default();
    let foundings: Vec<_> = (0..8).map(|_| Founding::new(&mut make)).collect();
    let answers = join_all(foundings.iter().map(|founding| founding.found(store))).await;
    assert_eq!(answers.iter().filter(|answer| **answer == Written::Done).count(), 1);
    for (founding, answer) in foundings.iter().zip(answers) {
        match answer {
            Written::Done => founding.assert_stored(store).await,
            Written::Stale => founding.assert_absent(store).await,
        }
    }
}

struct Founding {
    organization: Organization,
    root: KeyRecord,
    events: Vec<AuditEvent>,
}

impl Founding {
    fn new(make: &mut Fixtures) -> Self {
        let organization = make.organization();
        let mut root = make.key(organization.id);
        root.access.permissions = qwetty_authz::PermissionGrant::All;
        let events = vec![
            make.event(Action::OrganizationCreated, organization.id),
            make.key_event(Action::KeyCreated, &root),
        ];
        Self { organization, root, events }
    }

    async fn found(&self, store: &dyn Store) -> Written {
        store.found(&self.organization, &self.root, &self.events).await.unwrap()
    }

    async fn assert_stored(&self, store: &dyn Store) {
        let organization = store.organization(self.organization.id).await.unwrap();
        assert_eq!(organization.as_ref(), Some(&self.organization));
        given::assert_stored(store, &self.root).await;
        let mut log = given::log(store, self.organization.id).await;
        log.sort_by_key(|event| event.at);
        assert_eq!(log, self.events);
    }

    async fn assert_absent(&self, store: &dyn Store) {
        assert_eq!(store.organization(self.organization.id).await.unwrap(), None);
        assert_eq!(store.get(self.root.id).await.unwrap(), None);
        assert_eq!(given::log(store, self.organization.id).await, []);
    }
}
