//! Usage: counts in batches, by the hour and in total, and saved windows.

use std::time::Duration;

use qwetty_storage::{Hour, Outcome, Store, UsageBatch, UsageTotals};

use crate::fixtures::{Fixtures, counts, usage_row};
use crate::given;

const HOUR: Hour = Hour::from_number(480_000);

/// Batch after batch, every outcome by itself.
pub async fn a_batch_adds_up_totals_and_hours(store: &dyn Store) {
    let mut make = Fixtures::default();
    let record = given::key(store, &mut make).await;
    let other = given::key(store, &mut make).await;
    let all: Vec<_> = Outcome::ALL.into_iter().zip(1..).collect();
    let mut row = usage_row(record.id);
    row.hours = vec![counts(HOUR, &all), counts(HOUR.plus(1), &[(Outcome::Admitted, 10)])];
    row.last_used_at = Some(make.instant());
    let mut another = usage_row(other.id);
    another.hours = vec![counts(HOUR, &[(Outcome::Revoked, 5)])];
    let first = make.batch(vec![row.clone(), another]);
    store.record_usage(&first).await.unwrap();

    let mut second = row.clone();
    second.hours = vec![counts(HOUR.plus(1), &[(Outcome::Admitted, 1), (Outcome::Expired, 2)])];
    second.previous_value_last_used_at = Some(make.instant());
    store.record_usage(&UsageBatch { sequence: 2, rows: vec![second.clone()], ..first }).await.unwrap();

    let expected = UsageTotals {
        request_count: 1 + 10 + 1,
        denied_count: 2 + 3 + 4 + 5 + 6 + 7 + 2,
        last_used_at: row.last_used_at,
        previous_value_last_used_at: second.previous_value_last_used_at,
    };
    assert_eq!(given::totals(store, record.id).await, expected);
    assert_eq!(
        store.usage(record.id, HOUR, HOUR.plus(2)).await.unwrap(),
        [counts(HOUR, &all), counts(HOUR.plus(1), &[(Outcome::Admitted, 11), (Outcome::Expired, 2)])]
    );
    assert_eq!(
        given::totals(store, other.id).await,
        UsageTotals { denied_count: 5, ..UsageTotals::default() }
    );
}

/// The same sequence number, or an earlier one, of the same writer.
pub async fn a_batch_that_comes_again_changes_nothing(store: &dyn Store) {
    let mut make = Fixtures::default();
    let record = given::key(store, &mut make).await;
    let mut row = usage_row(record.id);
    row.hours = vec![counts(HOUR, &[(Outcome::Admitted, 1)])];
    let window = make.window();
    row.window = Some(window.clone());
    let first = make.batch(vec![row.clone()]);
    let second = UsageBatch { sequence: 2, ..first.clone() };
    for batch in [&first, &first, &second, &first, &second] {
        store.record_usage(batch).await.unwrap();
    }
    // Not even when it says something else.
    row.last_used_at = Some(make.instant());
    row.window = Some(make.window());
    store.record_usage(&UsageBatch { rows: vec![row], ..second }).await.unwrap();

    let expected = UsageTotals { request_count: 2, ..UsageTotals::default() };
    assert_eq!(given::totals(store, record.id).await, expected);
    let hours = store.usage(record.id, HOUR, HOUR.plus(1)).await.unwrap();
    assert_eq!(hours, [counts(HOUR, &[(Outcome::Admitted, 2)])]);
    let found = store.find(&record.lifecycle.current().digest).await.unwrap().unwrap();
    assert_eq!(found.window, Some(window));
}

/// Each has sequence numbers of its own.
pub async fn writers_do_not_stand_in_each_others_way(store: &dyn Store) {
    let mut make = Fixtures::default();
    let record = given::key(store, &mut make).await;
    let mut row = usage_row(record.id);
    row.hours = vec![counts(HOUR, &[(Outcome::Admitted, 1)])];
    for writer in [0, 1, u128::MAX] {
        for sequence in [1, 2, 3] {
            let batch = make.batch(vec![row.clone()]);
            store.record_usage(&UsageBatch { writer, sequence, ..batch }).await.unwrap();
        }
    }
    assert_eq!(given::totals(store, record.id).await.request_count, 9);
}

/// An older instant changes nothing, for the current and the previous value alike.
pub async fn last_use_never_goes_back(store: &dyn Store) {
    let mut make = Fixtures::default();
    let record = given::key(store, &mut make).await;
    let (early, late) = (make.instant(), make.instant());
    for (told, expected) in [(early, early), (late, late), (early, late)] {
        let mut row = usage_row(record.id);
        row.last_used_at = Some(told);
        row.previous_value_last_used_at = Some(told.saturating_add(Duration::from_micros(1)));
        store.record_usage(&make.batch(vec![row])).await.unwrap();
        let usage = given::totals(store, record.id).await;
        assert_eq!(usage.last_used_at, Some(expected));
        assert_eq!(
            usage.previous_value_last_used_at,
            Some(expected.saturating_add(Duration::from_micros(1)))
        );
    }
}

/// No news of the last use is no change of it.
pub async fn a_row_without_last_use_keeps_what_is_stored(store: &dyn Store) {
    let mut make = Fixtures::default();
    let record = given::key(store, &mut make).await;
    let mut row = usage_row(record.id);
    row.last_used_at = Some(make.instant());
    row.previous_value_last_used_at = Some(make.instant());
    row.window = Some(make.window());
    store.record_usage(&make.batch(vec![row.clone()])).await.unwrap();
    store.record_usage(&make.batch(vec![usage_row(record.id)])).await.unwrap();
    let usage = given::totals(store, record.id).await;
    assert_eq!(usage.last_used_at, row.last_used_at);
    assert_eq!(usage.previous_value_last_used_at, row.previous_value_last_used_at);
    let found = store.find(&record.lifecycle.current().digest).await.unwrap().unwrap();
    assert_eq!(found.window, row.window);
}

/// The other rows of the batch are not.
pub async fn rows_of_keys_that_are_gone_are_dropped(store: &dyn Store) {
    let mut make = Fixtures::default();
    let record = given::key(store, &mut make).await;
    let gone = make.key_id();
    let rows = [gone, record.id, make.key_id()].map(|key| {
        let mut row = usage_row(key);
        row.hours = vec![counts(HOUR, &[(Outcome::Admitted, 1)])];
        row.last_used_at = Some(make.instant());
        row.window = Some(make.window());
        row
    });
    store.record_usage(&make.batch(rows.to_vec())).await.unwrap();
    assert_eq!(given::totals(store, record.id).await.request_count, 1);
    assert_eq!(store.get(gone).await.unwrap(), None);
    assert_eq!(store.usage(gone, HOUR, HOUR.plus(1)).await.unwrap(), []);
}

/// Oldest first, from the first hour up to and without the second, hours without counts left out.
pub async fn hours_are_listed_from_and_up_to(store: &dyn Store) {
    let mut make = Fixtures::default();
    let record = given::key(store, &mut make).await;
    let other = given::key(store, &mut make).await;
    let one = |hour: i64| counts(HOUR.plus(hour), &[(Outcome::Admitted, 1)]);
    let mut row = usage_row(record.id);
    row.hours = vec![one(3), one(0), one(5), one(-1), one(-480_001)];
    let mut another = usage_row(other.id);
    another.hours = vec![one(1)];
    store.record_usage(&make.batch(vec![row, another])).await.unwrap();

    let listed = |from: i64, to: i64| store.usage(record.id, HOUR.plus(from), HOUR.plus(to));
    assert_eq!(listed(0, 5).await.unwrap(), [one(0), one(3)]);
    assert_eq!(listed(0, 6).await.unwrap(), [one(0), one(3), one(5)]);
    assert_eq!(listed(-500_000, 0).await.unwrap(), [one(-480_001), one(-1)]);
    assert_eq!(listed(1, 3).await.unwrap(), []);
    assert_eq!(listed(5, 5).await.unwrap(), []);
    assert_eq!(listed(5, 0).await.unwrap(), []);
}

/// Of every key, and what is at the border stays.
pub async fn forgotten_hours_are_gone_and_totals_stay(store: &dyn Store) {
    let mut make = Fixtures::default();
    let mut keys = Vec::new();
    let mut rows = Vec::new();
    assert_eq!(store.oldest_usage().await.unwrap(), None);
    for _ in 0..3 {
        let record = given::key(store, &mut make).await;
        let mut row = usage_row(record.id);
        row.hours = (-2..2).map(|hour| counts(HOUR.plus(hour), &[(Outcome::Admitted, 1)])).collect();
        keys.push(record.id);
        rows.push(row);
    }
    store.record_usage(&make.batch(rows)).await.unwrap();
    assert_eq!(store.oldest_usage().await.unwrap(), Some(HOUR.plus(-2)));
    assert_eq!(store.forget_usage(HOUR).await.unwrap(), 6);
    assert_eq!(store.oldest_usage().await.unwrap(), Some(HOUR));
    assert_eq!(store.forget_usage(HOUR).await.unwrap(), 0);
    for key in keys {
        let hours = store.usage(key, HOUR.plus(-10), HOUR.plus(10)).await.unwrap();
        assert_eq!(hours.iter().map(|counts| counts.hour).collect::<Vec<_>>(), [HOUR, HOUR.plus(1)]);
        assert_eq!(given::totals(store, key).await.request_count, 4);
    }
}

/// By either of its digests, as it was.
pub async fn a_saved_window_comes_back_with_its_key(store: &dyn Store) {
    let mut make = Fixtures::default();
    let organization = given::organization(store, &mut make).await.id;
    let record = make.key_with_previous_value(organization);
    given::insert(store, &mut make, &record).await;
    let other = given::key_of(store, &mut make, organization).await;
    let mut row = usage_row(record.id);
    row.window = Some(make.window());
    store.record_usage(&make.batch(vec![row.clone()])).await.unwrap();
    for digest in record.lifecycle.digests() {
        assert_eq!(store.find(digest).await.unwrap().unwrap().window, row.window);
    }
    let other = store.find(&other.lifecycle.current().digest).await.unwrap().unwrap();
    assert_eq!(other.window, None);
}

/// There is one window to a key.
pub async fn a_later_window_replaces_the_earlier_one(store: &dyn Store) {
    let mut make = Fixtures::default();
    let record = given::key(store, &mut make).await;
    for _ in 0..3 {
        let mut row = usage_row(record.id);
        row.window = Some(make.window());
        store.record_usage(&make.batch(vec![row.clone()])).await.unwrap();
        let found = store.find(&record.lifecycle.current().digest).await.unwrap().unwrap();
        assert_eq!(found.window, row.window);
    }
}
