//! The audit log.

use qwetty_keys::Timestamp;
use qwetty_storage::{Action, AuditEvent, EventQuery, Listing, Page, Store};

use crate::fixtures::Fixtures;
use crate::given::{self, ALL};

/// What is read is what was written.
pub async fn every_field_of_an_event_reads_back(store: &dyn Store) {
    let mut make = Fixtures::default();
    let organization = given::organization(store, &mut make).await.id;
    let mut events = make.events_of_every_form(organization);
    for event in &events {
        store.append_event(event).await.unwrap();
    }
    events.reverse();
    let log = given::log(store, organization).await;
    assert_eq!(log[..events.len()], events);
}

/// Whatever the order in which they were written; in pages.
pub async fn events_come_newest_first_and_ties_by_id(store: &dyn Store) {
    let mut make = Fixtures::default();
    let organization = make.organization().id;
    let twin = make.instant();
    let mut events = Vec::new();
    for number in 0..20 {
        let mut event = make.event(Action::KeyUpdated, organization);
        if number % 4 == 0 {
            event.at = twin;
        }
        store.append_event(&event).await.unwrap();
        events.push(event);
    }
    events.sort_by_key(|event| std::cmp::Reverse((event.at, event.id)));
    assert_eq!(given::log(store, organization).await, events);
    let page = |offset| EventQuery { organization, key: None, action: None, page: Page { offset, limit: 7 } };
    for (offset, part) in [(0, &events[..7]), (14, &events[14..]), (20, &[]), (u64::MAX, &[])] {
        let listing = store.events(&page(offset)).await.unwrap();
        assert_eq!(listing, Listing { items: part.to_vec(), total: 20 });
    }
}

/// By either, by both; the total counts what the filter leaves.
pub async fn events_are_filtered_by_key_and_action(store: &dyn Store) {
    let mut make = Fixtures::default();
    let organization = make.organization().id;
    let (one, two) = (make.key_id(), make.key_id());
    let mut events = Vec::new();
    for key in [None, Some(one), Some(two)] {
        for action in [Action::KeyCreated, Action::KeyUpdated, Action::KeyUpdated] {
            let event = AuditEvent { key, ..make.event(action, organization) };
            store.append_event(&event).await.unwrap();
            events.push(event);
        }
    }
    events.reverse();
    for key in [None, Some(one), Some(two), Some(make.key_id())] {
        for action in [None, Some(Action::KeyCreated), Some(Action::KeyUpdated), Some(Action::KeyDeleted)] {
            let filtered: Vec<AuditEvent> = events
                .iter()
                .filter(|event| key.is_none() || event.key == key)
                .filter(|event| action.is_none_or(|action| event.action == action))
                .cloned()
                .collect();
            let total = filtered.len() as u64;
            let listing = store.events(&EventQuery { organization, key, action, page: ALL }).await.unwrap();
            assert_eq!(listing, Listing { items: filtered, total }, "{key:?} {action:?}");
            let last = Page { offset: total.saturating_sub(1), limit: 5 };
            let listing = store.events(&EventQuery { organization, key, action, page: last }).await.unwrap();
            assert_eq!((listing.items.len() as u64, listing.total), (total.min(1), total));
        }
    }
}

/// Not even for a key that stands in another one's log.
pub async fn a_log_shows_its_own_organization_only(store: &dyn Store) {
    let mut make = Fixtures::default();
    let (ours, theirs) = (make.organization().id, make.organization().id);
    let key = Some(make.key_id());
    let event = AuditEvent { key, ..make.event(Action::KeyCreated, ours) };
    let foreign = AuditEvent { key, ..make.event(Action::KeyCreated, theirs) };
    store.append_event(&event).await.unwrap();
    store.append_event(&foreign).await.unwrap();
    for key in [None, key] {
        let query = EventQuery { organization: ours, key, action: Some(Action::KeyCreated), page: ALL };
        assert_eq!(store.events(&query).await.unwrap().items, std::slice::from_ref(&event));
    }
}

/// A log outlives its organization.
pub async fn an_organization_need_not_exist_to_have_a_log(store: &dyn Store) {
    let mut make = Fixtures::default();
    let nowhere = make.organization().id;
    assert_eq!(given::log(store, nowhere).await, []);
    let event = make.event(Action::KeyGrantRefused, nowhere);
    store.append_event(&event).await.unwrap();
    assert_eq!(given::log(store, nowhere).await, [event]);
}

/// In every log; what is at the border stays.
pub async fn forgotten_events_are_gone_and_counted(store: &dyn Store) {
    let mut make = Fixtures::default();
    let (one, two) = (make.organization().id, make.organization().id);
    let border = make.instant();
    let mut kept = Vec::new();
    assert_eq!(store.oldest_event().await.unwrap(), None);
    for organization in [one, two] {
        for micros in [-1_000_000, -1, 0, 1] {
            let at = Timestamp::from_unix_micros(border.unix_micros() + micros);
            let event = AuditEvent { at, ..make.event(Action::KeyUpdated, organization) };
            store.append_event(&event).await.unwrap();
            if micros >= 0 {
                kept.insert(0, event);
            }
        }
    }
    assert_eq!(
        store.oldest_event().await.unwrap().map(Timestamp::unix_micros),
        Some(border.unix_micros() - 1_000_000)
    );
    assert_eq!(store.forget_events(border).await.unwrap(), 4);
    assert_eq!(store.forget_events(border).await.unwrap(), 0);
    assert_eq!(given::log(store, two).await, kept[..2]);
    assert_eq!(given::log(store, one).await, kept[2..]);
}
