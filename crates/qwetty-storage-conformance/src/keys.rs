//! Keys: found, inserted, replaced and removed.

use futures_util::future::join_all;
use qwetty_keys::{KeyDigest, Overlap};
use qwetty_storage::{Action, Hour, Insertion, Outcome, Revision, Store, UsageTotals, Written};

use crate::fixtures::{Fixtures, changed, counts, text, usage_row};
use crate::given;

/// Both values of a key in its overlap lead to it.
pub async fn a_key_is_found_by_its_current_and_its_previous_digest(store: &dyn Store) {
    let mut make = Fixtures::default();
    let organization = given::organization(store, &mut make).await;
    let record = make.key_with_previous_value(organization.id);
    assert_eq!(record.lifecycle.digests().count(), 2);
    given::insert(store, &mut make, &record).await;
    given::assert_stored(store, &record).await;
}

/// A value that was replaced, and is no longer stored as the previous one, leads nowhere.
pub async fn a_replaced_key_is_found_by_its_new_digests_and_no_longer_by_those_it_dropped(store: &dyn Store) {
    let mut make = Fixtures::default();
    let first = given::key(store, &mut make).await;
    let overlap = Overlap::from_seconds(60).unwrap();
    let mut dropped: Vec<KeyDigest> = Vec::new();
    let mut current = first;
    for overlap in [overlap, overlap, Overlap::NONE, overlap] {
        let (now, value) = (make.instant(), make.value());
        let next = changed(&current, |record| {
            record.lifecycle = record.lifecycle.clone().regenerate(now, value, overlap).unwrap();
        });
        let event = make.key_event(Action::KeyRegenerated, &next);
        assert_eq!(store.replace(&next, current.revision, &event).await.unwrap(), Written::Done);
        let kept: Vec<KeyDigest> = next.lifecycle.digests().copied().collect();
        dropped.extend(current.lifecycle.digests().filter(|digest| !kept.contains(digest)));
        given::assert_stored(store, &next).await;
        for digest in &dropped {
            assert_eq!(store.find(digest).await.unwrap(), None);
        }
        current = next;
    }
    assert_eq!(dropped.len(), 3);
}

/// Whether an overlap is over is not the store's business.
pub async fn a_previous_value_is_found_after_its_overlap_too(store: &dyn Store) {
    let mut make = Fixtures::default();
    let organization = given::organization(store, &mut make).await;
    let mut record = make.key(organization.id);
    let long_ago = text("1971-01-01T00:00:00Z");
    let value = make.value();
    record.lifecycle =
        record.lifecycle.regenerate(long_ago, value, Overlap::from_seconds(1).unwrap()).unwrap();
    given::insert(store, &mut make, &record).await;
    assert_eq!(record.lifecycle.digests().count(), 2);
    given::assert_stored(store, &record).await;
}

/// Not found is no error.
pub async fn a_key_that_is_not_there_is_none(store: &dyn Store) {
    let mut make = Fixtures::default();
    let _another = given::key(store, &mut make).await;
    assert_eq!(store.find(&make.value().digest).await.unwrap(), None);
    assert_eq!(store.find(&KeyDigest::from_bytes([0; 32])).await.unwrap(), None);
    assert_eq!(store.get(make.key_id()).await.unwrap(), None);
}

/// What is read is what was written, whether by an insertion or by a replacement.
pub async fn every_field_of_every_record_reads_back(store: &dyn Store) {
    let mut make = Fixtures::default();
    let organization = given::organization(store, &mut make).await;
    for record in make.keys_of_every_form(organization.id) {
        given::insert(store, &mut make, &record).await;
        given::assert_stored(store, &record).await;
    }
    let mut current = given::key_of(store, &mut make, organization.id).await;
    for form in make.keys_of_every_form(organization.id) {
        let next = changed(&form, |record| record.id = current.id);
        let event = make.key_event(Action::KeyUpdated, &next);
        assert_eq!(store.replace(&next, current.revision, &event).await.unwrap(), Written::Done);
        given::assert_stored(store, &next).await;
        current = next;
    }
}

/// Neither the key nor its event.
pub async fn a_key_of_an_unknown_organization_is_not_stored(store: &dyn Store) {
    let mut make = Fixtures::default();
    let nowhere = make.organization();
    let record = make.key(nowhere.id);
    let event = make.key_event(Action::KeyCreated, &record);
    assert_eq!(store.insert(&record, &event).await.unwrap(), Insertion::UnknownOrganization);
    assert_eq!(store.get(record.id).await.unwrap(), None);
    assert_eq!(store.find(&record.lifecycle.current().digest).await.unwrap(), None);
    assert_eq!(given::log(store, nowhere.id).await, []);
}

/// A key begins unused.
pub async fn an_inserted_key_has_no_usage_and_no_window(store: &dyn Store) {
    let mut make = Fixtures::default();
    let record = given::key(store, &mut make).await;
    assert_eq!(given::totals(store, record.id).await, UsageTotals::default());
    let found = store.find(&record.lifecycle.current().digest).await.unwrap().unwrap();
    assert_eq!(found.window, None);
}

/// The change and its event, both.
pub async fn a_replacement_is_written_with_its_event(store: &dyn Store) {
    let mut make = Fixtures::default();
    let record = given::key(store, &mut make).await;
    let next = changed(&record, |record| record.name = text("Renamed"));
    let event = make.key_event(Action::KeyUpdated, &next);
    assert_eq!(store.replace(&next, record.revision, &event).await.unwrap(), Written::Done);
    given::assert_stored(store, &next).await;
    assert_eq!(given::log(store, record.organization).await[0], event);
}

/// Neither the record nor an event.
pub async fn a_stale_replacement_changes_nothing(store: &dyn Store) {
    let mut make = Fixtures::default();
    let record = given::key(store, &mut make).await;
    let before = given::log(store, record.organization).await;
    let value = make.value();
    let next = changed(&record, |record| {
        record.name = text("Renamed");
        record.lifecycle = qwetty_keys::Lifecycle::issue(value, None);
    });
    for wrong in [Revision::from_u64(0), record.revision.next(), Revision::from_u64(1 << 40)] {
        let event = make.key_event(Action::KeyUpdated, &next);
        assert_eq!(store.replace(&next, wrong, &event).await.unwrap(), Written::Stale);
    }
    given::assert_stored(store, &record).await;
    assert_eq!(store.find(&value.digest).await.unwrap(), None);
    assert_eq!(given::log(store, record.organization).await, before);
}

/// A replacement never brings a key into being.
pub async fn a_replacement_of_a_key_that_is_gone_is_stale(store: &dyn Store) {
    let mut make = Fixtures::default();
    let organization = given::organization(store, &mut make).await;
    let before = given::log(store, organization.id).await;
    let record = make.key(organization.id);
    let event = make.key_event(Action::KeyUpdated, &record);
    assert_eq!(store.replace(&record, record.revision, &event).await.unwrap(), Written::Stale);
    assert_eq!(store.get(record.id).await.unwrap(), None);
    assert_eq!(given::log(store, organization.id).await, before);
}

/// Compare and swap.
pub async fn of_concurrent_replacements_exactly_one_wins(store: &dyn Store) {
    let mut make = Fixtures::default();
    let record = given::key(store, &mut make).await;
    let contenders: Vec<_> = (0..16)
        .map(|number| {
            let next = changed(&record, |record| record.name = text(&format!("Contender {number}")));
            let event = make.key_event(Action::KeyUpdated, &next);
            (next, event)
        })
        .collect();
    let answers =
        join_all(contenders.iter().map(|(next, event)| store.replace(next, record.revision, event))).await;

    let winners: Vec<_> =
        contenders.iter().zip(answers).filter(|(_, answer)| matches!(answer, Ok(Written::Done))).collect();
    let [((winner, event), _)] = winners[..] else { panic!("{} contenders won", winners.len()) };
    given::assert_stored(store, winner).await;
    let updates: Vec<_> = given::log(store, record.organization)
        .await
        .into_iter()
        .filter(|event| event.action == Action::KeyUpdated)
        .collect();
    assert_eq!(updates, std::slice::from_ref(event));
}

/// Usage and quota history are not the record's.
pub async fn a_replacement_leaves_usage_and_window_alone(store: &dyn Store) {
    let mut make = Fixtures::default();
    let record = given::key(store, &mut make).await;
    let mut row = usage_row(record.id);
    row.hours =
        vec![counts(Hour::from_number(480_000), &[(Outcome::Admitted, 3), (Outcome::RateLimited, 1)])];
    row.last_used_at = Some(make.instant());
    row.previous_value_last_used_at = Some(make.instant());
    row.window = Some(make.window());
    let window = row.window.clone();
    store.record_usage(&make.batch(vec![row])).await.unwrap();
    let usage = given::totals(store, record.id).await;
    assert_eq!(usage.request_count, 3);

    let (now, value) = (make.instant(), make.value());
    let next = changed(&record, |record| {
        record.lifecycle = record.lifecycle.clone().regenerate(now, value, Overlap::NONE).unwrap();
    });
    let event = make.key_event(Action::KeyRegenerated, &next);
    assert_eq!(store.replace(&next, record.revision, &event).await.unwrap(), Written::Done);
    assert_eq!(given::totals(store, record.id).await, usage);
    assert_eq!(store.find(&value.digest).await.unwrap().unwrap().window, window);
}

/// Nothing of it is left, not even for a new key in its place.
pub async fn a_removed_key_is_gone_with_its_usage_and_window(store: &dyn Store) {
    let mut make = Fixtures::default();
    let organization = given::organization(store, &mut make).await;
    let record = make.key_with_previous_value(organization.id);
    given::insert(store, &mut make, &record).await;
    let hour = Hour::from_number(480_000);
    let mut row = usage_row(record.id);
    row.hours = vec![counts(hour, &[(Outcome::Admitted, 3)])];
    row.window = Some(make.window());
    store.record_usage(&make.batch(vec![row])).await.unwrap();

    let event = make.key_event(Action::KeyDeleted, &record);
    assert_eq!(store.remove(record.id, record.revision, &event).await.unwrap(), Written::Done);
    assert_eq!(store.get(record.id).await.unwrap(), None);
    for digest in record.lifecycle.digests() {
        assert_eq!(store.find(digest).await.unwrap(), None);
    }
    assert_eq!(store.usage(record.id, hour, hour.plus(1)).await.unwrap(), []);

    given::insert(store, &mut make, &record).await;
    assert_eq!(given::totals(store, record.id).await, UsageTotals::default());
    assert_eq!(store.usage(record.id, hour, hour.plus(1)).await.unwrap(), []);
    assert_eq!(store.find(&record.lifecycle.current().digest).await.unwrap().unwrap().window, None);
}

/// The log outlives the key, and tells of its end.
pub async fn a_removed_keys_events_stay(store: &dyn Store) {
    let mut make = Fixtures::default();
    let record = given::key(store, &mut make).await;
    let event = make.key_event(Action::KeyDeleted, &record);
    assert_eq!(store.remove(record.id, record.revision, &event).await.unwrap(), Written::Done);
    let actions: Vec<_> =
        given::log(store, record.organization).await.iter().map(|event| event.action).collect();
    assert_eq!(actions, [Action::KeyDeleted, Action::KeyCreated, Action::OrganizationCreated]);
}

/// Neither the removal nor an event; nor for a key that is not there.
pub async fn a_stale_removal_changes_nothing(store: &dyn Store) {
    let mut make = Fixtures::default();
    let record = given::key(store, &mut make).await;
    let before = given::log(store, record.organization).await;
    let event = make.key_event(Action::KeyDeleted, &record);
    assert_eq!(store.remove(record.id, record.revision.next(), &event).await.unwrap(), Written::Stale);
    assert_eq!(store.remove(make.key_id(), record.revision, &event).await.unwrap(), Written::Stale);
    given::assert_stored(store, &record).await;
    assert_eq!(given::log(store, record.organization).await, before);
}

/// Whichever comes first makes the other stale.
pub async fn of_a_concurrent_replacement_and_removal_exactly_one_wins(store: &dyn Store) {
    let mut make = Fixtures::default();
    for _ in 0..8 {
        let record = given::key(store, &mut make).await;
        let next = changed(&record, |record| record.name = text("Renamed"));
        let updated = make.key_event(Action::KeyUpdated, &next);
        let deleted = make.key_event(Action::KeyDeleted, &record);
        let answers = join_all([
            store.replace(&next, record.revision, &updated),
            store.remove(record.id, record.revision, &deleted),
        ])
        .await;
        let done: Vec<bool> = answers.into_iter().map(|answer| answer.unwrap() == Written::Done).collect();
        assert_eq!(done.iter().filter(|done| **done).count(), 1);
        match store.get(record.id).await.unwrap() {
            Some(stored) => assert!(done[0] && stored.record == next),
            None => assert!(done[1]),
        }
    }
}

/// All of them, each with its event.
pub async fn many_keys_inserted_at_once_are_all_there(store: &dyn Store) {
    let mut make = Fixtures::default();
    let organization = given::organization(store, &mut make).await;
    let new: Vec<_> = (0..100)
        .map(|_| {
            let record = make.key(organization.id);
            let event = make.key_event(Action::KeyCreated, &record);
            (record, event)
        })
        .collect();
    for answer in join_all(new.iter().map(|(record, event)| store.insert(record, event))).await {
        assert_eq!(answer.unwrap(), Insertion::Done);
    }
    for (record, _) in &new {
        given::assert_stored(store, record).await;
    }
    assert_eq!(given::log(store, organization.id).await.len(), 101);
}

/// A store that others may change tells of every digest under which a changed key was or is found. One that is its
/// process's alone has no feed.
pub async fn a_feed_of_changes_names_every_digest(store: &dyn Store) {
    let mut make = Fixtures::default();
    let record = given::key(store, &mut make).await;
    let Some(feed) = store.changes() else { return };
    let (now, value) = (make.instant(), make.value());
    let next = changed(&record, |record| {
        record.lifecycle = record.lifecycle.clone().regenerate(now, value, Overlap::NONE).unwrap();
    });
    let event = make.key_event(Action::KeyRegenerated, &next);
    assert_eq!(store.replace(&next, record.revision, &event).await.unwrap(), Written::Done);
    let told = feed.recv().await.unwrap().digests;
    for digest in record.lifecycle.digests().chain(next.lifecycle.digests()) {
        assert!(told.contains(digest));
    }

    let event = make.key_event(Action::KeyDeleted, &next);
    assert_eq!(store.remove(next.id, next.revision, &event).await.unwrap(), Written::Done);
    let told = feed.recv().await.unwrap().digests;
    assert!(told.contains(&value.digest));
}
