//! What behaviours begin with and look at.

use qwetty_keys::{KeyId, OrganizationId};
use qwetty_storage::{
    Action, AuditEvent, EventQuery, Insertion, KeyRecord, Organization, Page, Store, UsageTotals,
};

use crate::fixtures::Fixtures;

/// A page that holds everything.
pub(crate) const ALL: Page = Page { offset: 0, limit: 10_000 };

/// A stored organization.
pub(crate) async fn organization(store: &dyn Store, make: &mut Fixtures) -> Organization {
    let organization = make.organization();
    let event = make.event(Action::OrganizationCreated, organization.id);
    store.insert_organization(&organization, &event).await.unwrap();
    organization
}

/// A stored plain key of a new organization.
pub(crate) async fn key(store: &dyn Store, make: &mut Fixtures) -> KeyRecord {
    let organization = organization(store, make).await;
    key_of(store, make, organization.id).await
}

/// A stored plain key of this organization.
pub(crate) async fn key_of(
    store: &dyn Store,
    make: &mut Fixtures,
    organization: OrganizationId,
) -> KeyRecord {
    let record = make.key(organization);
    insert(store, make, &record).await;
    record
}

/// Stores a key that can be stored.
pub(crate) async fn insert(store: &dyn Store, make: &mut Fixtures, record: &KeyRecord) {
    let event = make.key_event(Action::KeyCreated, record);
    assert_eq!(store.insert(record, &event).await.unwrap(), Insertion::Done);
}

/// The whole log of an organization, newest first.
pub(crate) async fn log(store: &dyn Store, organization: OrganizationId) -> Vec<AuditEvent> {
    let query = EventQuery { organization, key: None, action: None, page: ALL };
    let listing = store.events(&query).await.unwrap();
    assert_eq!(listing.total, listing.items.len() as u64);
    listing.items
}

/// The usage of a key that is there.
pub(crate) async fn totals(store: &dyn Store, key: KeyId) -> UsageTotals {
    store.get(key).await.unwrap().expect("the key is there").usage
}

/// The record found by the digest of each of its values, and by id, is this one.
pub(crate) async fn assert_stored(store: &dyn Store, record: &KeyRecord) {
    let stored = store.get(record.id).await.unwrap().expect("the key is there");
    assert_eq!(&stored.record, record);
    for digest in record.lifecycle.digests() {
        let found = store.find(digest).await.unwrap().expect("the key is found by its digest");
        assert_eq!(&found.record, record);
    }
}
