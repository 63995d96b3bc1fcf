//! Lists of keys: sorted, filtered, searched, in pages.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::time::Duration;

use qwetty_keys::{KeyId, Lifecycle, LifecycleParts, OrganizationId, Revocation, State, Status, Timestamp};
use qwetty_storage::{
    Hour, KeyQuery, KeyRecord, KeySort, Listing, Order, Outcome, Page, Search, Store, StoredKey,
};

use crate::fixtures::{Fixtures, counts, text, usage_row};
use crate::given::{self, ALL};

/// Every sort, against sorting here.
pub async fn every_sort_runs_both_ways_with_nulls_last_and_ties_by_id(store: &dyn Store) {
    let mut make = Fixtures::default();
    let organization = given::organization(store, &mut make).await.id;
    many_keys(store, &mut make, organization).await;
    let keys = page(store, &query(organization)).await;
    assert_eq!(keys.len(), MANY);
    for sort in KeySort::ALL {
        for order in [Order::Ascending, Order::Descending] {
            let listed = page(store, &KeyQuery { sort, order, ..query(organization) }).await;
            assert_eq!(ids(&listed), ids(&sorted(keys.clone(), sort, order)), "by {sort}, {order:?}");
        }
    }
}

/// `b` comes after `A` and before `C`, and `ä` after `z`.
pub async fn a_sort_by_name_folds_case(store: &dyn Store) {
    let mut make = Fixtures::default();
    let organization = given::organization(store, &mut make).await.id;
    for name in ["ä", "b", "z", "C", "A", "Ä"] {
        let record = KeyRecord { name: text(name), ..make.key(organization) };
        given::insert(store, &mut make, &record).await;
    }
    let by_name = KeyQuery { sort: KeySort::Name, order: Order::Ascending, ..query(organization) };
    let names: Vec<_> =
        page(store, &by_name).await.iter().map(|key| key.record.name.as_str().to_owned()).collect();
    assert_eq!(names, ["A", "b", "C", "z", "ä", "Ä"]);
}

/// Nothing twice, nothing left out, also across the border to the nulls.
pub async fn pages_of_every_size_make_up_the_whole_list(store: &dyn Store) {
    let mut make = Fixtures::default();
    let organization = given::organization(store, &mut make).await.id;
    many_keys(store, &mut make, organization).await;
    for sort in KeySort::ALL {
        let whole = KeyQuery { sort, ..query(organization) };
        let expected = ids(&page(store, &whole).await);
        for limit in [1, 7, 10, 100] {
            let mut collected = Vec::new();
            for offset in (0..MANY as u64).step_by(limit as usize) {
                let part = Page { offset, limit };
                let listing = store.list(&KeyQuery { page: part, ..whole.clone() }).await.unwrap();
                assert_eq!(listing.total, MANY as u64);
                collected.extend(ids(&listing.items));
            }
            assert_eq!(collected, expected, "by {sort}, {limit} at a time");
        }
    }
}

/// However far past the end.
pub async fn a_page_past_the_end_is_empty_and_knows_the_total(store: &dyn Store) {
    let mut make = Fixtures::default();
    let organization = given::organization(store, &mut make).await.id;
    for _ in 0..3 {
        given::key_of(store, &mut make, organization).await;
    }
    for sort in KeySort::ALL {
        for offset in [3, 4, 1 << 40, u64::MAX] {
            let beyond = KeyQuery { sort, page: Page { offset, limit: 10 }, ..query(organization) };
            assert_eq!(store.list(&beyond).await.unwrap(), Listing { items: Vec::new(), total: 3 });
        }
    }
}

/// The borders of expired, expiring soon and active; a revoked key is that before all else.
pub async fn a_status_is_told_to_the_microsecond(store: &dyn Store) {
    const MICROSECOND: Duration = Duration::from_micros(1);
    const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);
    let mut make = Fixtures::default();
    let organization = given::organization(store, &mut make).await.id;
    let now = make.instant();
    let soon = now.saturating_add(WEEK);
    let mut expected: Vec<(Status, KeyId)> = Vec::new();
    for (expires_at, status) in [
        (Some(now.saturating_sub(WEEK)), Status::Expired),
        (Some(now.saturating_sub(MICROSECOND)), Status::Expired),
        (Some(now), Status::Expired),
        (Some(now.saturating_add(MICROSECOND)), Status::ExpiringSoon),
        (Some(soon.saturating_sub(MICROSECOND)), Status::ExpiringSoon),
        (Some(soon), Status::ExpiringSoon),
        (Some(soon.saturating_add(MICROSECOND)), Status::Active),
        (Some(text("9999-12-31T23:59:59.999999Z")), Status::Active),
        (None, Status::Active),
    ] {
        for revoked in [false, true] {
            let record = key_in_state(&mut make, organization, expires_at, revoked);
            given::insert(store, &mut make, &record).await;
            expected.push((if revoked { Status::Revoked } else { status }, record.id));
        }
    }
    for status in [Status::Active, Status::ExpiringSoon, Status::Expired, Status::Revoked] {
        let filtered = KeyQuery { status: Some(status), now, order: Order::Ascending, ..query(organization) };
        let of_status: Vec<KeyId> =
            expected.iter().filter(|(of, _)| *of == status).map(|(_, id)| *id).collect();
        assert_eq!(ids(&page(store, &filtered).await), of_status, "{status}");
    }
}

/// A filter and a sort do not disturb each other.
pub async fn a_status_filter_goes_with_every_sort(store: &dyn Store) {
    let mut make = Fixtures::default();
    let organization = given::organization(store, &mut make).await.id;
    many_keys(store, &mut make, organization).await;
    let keys = page(store, &query(organization)).await;
    let now = query(organization).now;
    for status in [Status::Active, Status::ExpiringSoon, Status::Expired, Status::Revoked] {
        let of_status: Vec<StoredKey> =
            keys.iter().filter(|key| key.record.lifecycle.status(now) == status).cloned().collect();
        assert!(!of_status.is_empty(), "the fixtures have keys of every status");
        for sort in KeySort::ALL {
            for order in [Order::Ascending, Order::Descending] {
                let filtered = KeyQuery { sort, order, status: Some(status), ..query(organization) };
                let expected = ids(&sorted(of_status.clone(), sort, order));
                assert_eq!(ids(&page(store, &filtered).await), expected, "{status} by {sort}, {order:?}");
            }
        }
    }
}

/// Keys that have an instant of their own, among them one of another organization and one that does not exist, are found under the status
/// of that instant and no other, with every sort.
pub async fn a_status_filter_goes_by_the_later_instant_of_a_key_that_has_one(store: &dyn Store) {
    const DAY: Duration = Duration::from_secs(24 * 3600);
    let mut make = Fixtures::default();
    let organization = given::organization(store, &mut make).await.id;
    let elsewhere = given::organization(store, &mut make).await.id;
    let now = query(organization).now;
    let mut judged_later = BTreeMap::from([(KeyId::from_u128(7), now.saturating_add(DAY))]);
    for days in [None, Some(3), Some(20)] {
        let expires_at = days.map(|days| now.saturating_add(DAY * days));
        for later in [None, Some(1), Some(15), Some(20), Some(30)] {
            for (organization, revoked) in [(organization, false), (organization, true), (elsewhere, false)] {
                let record = key_in_state(&mut make, organization, expires_at, revoked);
                given::insert(store, &mut make, &record).await;
                judged_later.extend(later.map(|later| (record.id, now.saturating_add(DAY * later))));
            }
        }
    }
    let keys = page(store, &query(organization)).await;
    for status in [Status::Active, Status::ExpiringSoon, Status::Expired, Status::Revoked] {
        for sort in KeySort::ALL {
            let asked = KeyQuery {
                sort,
                status: Some(status),
                judged_later: judged_later.clone(),
                ..query(organization)
            };
            let of_status =
                |key: &StoredKey| key.record.lifecycle.status(asked.judged_at(key.record.id)) == status;
            let expected = keys.iter().filter(|key| of_status(key)).cloned().collect();
            assert_eq!(
                ids(&page(store, &asked).await),
                ids(&sorted(expected, sort, asked.order)),
                "{status}"
            );
        }
    }
}

/// And nowhere else.
pub async fn a_search_looks_in_name_description_and_start(store: &dyn Store) {
    let mut make = Fixtures::default();
    let organization = given::organization(store, &mut make).await.id;
    let by_name = KeyRecord { name: text("the needle here"), ..make.key(organization) };
    let by_description =
        KeyRecord { description: Some(text("two\nneedles\nhere")), ..make.key(organization) };
    let neither = KeyRecord { description: Some(text("nee dle")), ..make.key(organization) };
    for record in [&by_name, &by_description, &neither] {
        given::insert(store, &mut make, record).await;
    }
    assert_eq!(search(store, organization, "needle").await, [by_name.id, by_description.id]);
    assert_eq!(search(store, organization, "NEEDLE").await, [by_name.id, by_description.id]);
    let start = neither.lifecycle.current().start;
    assert!(search(store, organization, start.as_str()).await.contains(&neither.id));
    assert_eq!(search(store, organization, "qwt_").await, [by_name.id, by_description.id, neither.id]);
    for elsewhere in ["chats:read", "standard", "key_"] {
        assert_eq!(search(store, organization, elsewhere).await, []);
    }
}

/// What a pattern language would read otherwise.
pub async fn a_search_takes_every_character_literally(store: &dyn Store) {
    let mut make = Fixtures::default();
    let organization = given::organization(store, &mut make).await.id;
    let names = ["100% of_it", "100 of it", "back\\slash", "st*r [a-z] q?", "it's \"quoted\"", "🔑 key"];
    let mut keys = Vec::new();
    for name in names {
        let record = KeyRecord { name: text(name), ..make.key(organization) };
        given::insert(store, &mut make, &record).await;
        keys.push(record.id);
    }
    for (needle, found) in [
        ("%", &keys[..1]),
        ("100% ", &keys[..1]),
        ("of_it", &keys[..1]),
        ("f i", &keys[1..2]),
        ("\\", &keys[2..3]),
        ("*", &keys[3..4]),
        ("[a-z]", &keys[3..4]),
        ("q?", &keys[3..4]),
        ("'", &keys[4..5]),
        ("\"quoted\"", &keys[4..5]),
        ("🔑", &keys[5..]),
        ("1%0", &[]),
        ("100__f", &[]),
    ] {
        assert_eq!(search(store, organization, needle).await, found, "{needle}");
    }
}

/// As Unicode folds it.
pub async fn a_search_folds_case_beyond_ascii(store: &dyn Store) {
    let mut make = Fixtures::default();
    let organization = given::organization(store, &mut make).await.id;
    for (name, needle) in [
        ("Großer Ärger", "GROSSER ÄRGER"),
        ("Straße 1", "STRASSE 1"),
        ("STRASSE 2", "straße 2"),
        ("ΛΌΓΟΣ", "λόγος"),
        ("имя ключа", "ИМЯ КЛЮЧА"),
    ] {
        let record = KeyRecord { name: text(name), ..make.key(organization) };
        given::insert(store, &mut make, &record).await;
        assert_eq!(search(store, organization, needle).await, [record.id], "{needle} in the name {name}");
        let record = KeyRecord { description: Some(text(needle)), ..make.key(organization) };
        given::insert(store, &mut make, &record).await;
        assert!(
            search(store, organization, name).await.contains(&record.id),
            "{name} in the description {needle}"
        );
    }
}

/// The total counts what the search and the filter leave.
pub async fn a_search_goes_with_status_and_pages(store: &dyn Store) {
    let mut make = Fixtures::default();
    let organization = given::organization(store, &mut make).await.id;
    let mut expected = Vec::new();
    for number in 0..12 {
        let mut record = key_in_state(&mut make, organization, None, number % 2 == 0);
        record.name = text(if number % 3 == 0 { "needle" } else { "hay" });
        given::insert(store, &mut make, &record).await;
        if number % 6 == 0 {
            expected.push(record.id);
        }
    }
    let found = KeyQuery {
        search: Search::new("needle"),
        status: Some(Status::Revoked),
        order: Order::Ascending,
        page: Page { offset: 1, limit: 1 },
        ..query(organization)
    };
    for sort in KeySort::ALL {
        let listing = store.list(&KeyQuery { sort, ..found.clone() }).await.unwrap();
        assert_eq!((ids(&listing.items), listing.total), (vec![expected[1]], 2), "by {sort}");
    }
}

/// Whatever is asked.
pub async fn another_organizations_keys_are_never_listed(store: &dyn Store) {
    let mut make = Fixtures::default();
    let ours = given::organization(store, &mut make).await.id;
    let theirs = given::organization(store, &mut make).await.id;
    let mine = key_in_state(&mut make, ours, None, true);
    given::insert(store, &mut make, &mine).await;
    for revoked in [false, true] {
        let record = key_in_state(&mut make, theirs, None, revoked);
        given::insert(store, &mut make, &record).await;
    }
    for sort in KeySort::ALL {
        for status in [None, Some(Status::Revoked)] {
            for search in [None, Search::new("crm")] {
                let asked = KeyQuery { sort, status, search, ..query(ours) };
                assert_eq!(ids(&page(store, &asked).await), [mine.id]);
            }
        }
    }
}

/// An empty list, and no error.
pub async fn an_unknown_organization_has_no_keys(store: &dyn Store) {
    let mut make = Fixtures::default();
    given::key(store, &mut make).await;
    let nowhere = make.organization();
    assert_eq!(page(store, &query(nowhere.id)).await, []);
}

/// How many keys [`many_keys`] stores.
const MANY: usize = 60;

/// Keys with values of every sort that are few enough to tie, nulls among them, used and unused, of every status.
async fn many_keys(store: &dyn Store, make: &mut Fixtures, organization: OrganizationId) {
    let now = query(organization).now;
    let mut rows = Vec::new();
    for _ in 0..MANY {
        let days = Duration::from_secs(24 * 3600);
        let expires_at = match make.below(4) {
            0 => None,
            1 => Some(now.saturating_sub(days * make.below(3))),
            2 => Some(now.saturating_add(days * (1 + make.below(3)))),
            _ => Some(now.saturating_add(days * (10 + make.below(3)))),
        };
        let revoked = make.below(4) == 0;
        let mut record = key_in_state(make, organization, expires_at, revoked);
        record.name = text(["alpha", "Alpha", "beta", "ÄRGER", "ärger"][make.below(5) as usize]);
        record.created_at = now.saturating_sub(days * make.below(5));
        given::insert(store, make, &record).await;

        let mut row = usage_row(record.id);
        if make.below(2) == 0 {
            row.hours = vec![counts(Hour::of(now), &[(Outcome::Admitted, make.below(4).into())])];
            row.last_used_at = Some(now.saturating_sub(days * make.below(3)));
        }
        rows.push(row);
    }
    store.record_usage(&make.batch(rows)).await.unwrap();
}

fn key_in_state(
    make: &mut Fixtures,
    organization: OrganizationId,
    expires_at: Option<Timestamp>,
    revoked: bool,
) -> KeyRecord {
    let mut record = make.key(organization);
    let parts = LifecycleParts { expires_at, ..record.lifecycle.into_parts() };
    let state = if revoked {
        State::Revoked(Revocation { at: record.created_at, reason: None })
    } else {
        State::Live
    };
    record.lifecycle = Lifecycle::from_parts(LifecycleParts { state, ..parts });
    record
}

/// All of an organization's keys, at an instant after whatever the fixtures make.
fn query(organization: OrganizationId) -> KeyQuery {
    KeyQuery {
        organization,
        search: None,
        status: None,
        now: text("2026-01-01T00:00:00Z"),
        judged_later: BTreeMap::new(),
        sort: KeySort::CreatedAt,
        order: Order::Descending,
        page: ALL,
    }
}

/// Everything that a query for one page of everything finds.
async fn page(store: &dyn Store, query: &KeyQuery) -> Vec<StoredKey> {
    let listing = store.list(query).await.unwrap();
    assert_eq!(listing.total, listing.items.len() as u64);
    listing.items
}

/// What a search finds, oldest first.
async fn search(store: &dyn Store, organization: OrganizationId, needle: &str) -> Vec<KeyId> {
    let found = KeyQuery { search: Search::new(needle), order: Order::Ascending, ..query(organization) };
    ids(&page(store, &found).await)
}

fn ids(keys: &[StoredKey]) -> Vec<KeyId> {
    keys.iter().map(|key| key.record.id).collect()
}

/// What a list should be, by the words of [`Order`] and [`KeySort`].
fn sorted(mut keys: Vec<StoredKey>, sort: KeySort, order: Order) -> Vec<StoredKey> {
    fn by<T: Ord>(keys: &mut [StoredKey], order: Order, value: impl Fn(&StoredKey) -> Option<T>) {
        keys.sort_by(|a, b| match (value(a), value(b)) {
            (Some(x), Some(y)) => {
                let ascending = (x, a.record.id).cmp(&(y, b.record.id));
                if order == Order::Ascending { ascending } else { ascending.reverse() }
            }
            (None, None) if order == Order::Ascending => a.record.id.cmp(&b.record.id),
            (None, None) => b.record.id.cmp(&a.record.id),
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
        });
    }
    let keys_mut = &mut keys;
    match sort {
        KeySort::CreatedAt => by(keys_mut, order, |key| Some(key.record.created_at)),
        KeySort::Name => by(keys_mut, order, |key| Some(qwetty_storage::fold(key.record.name.as_str()))),
        KeySort::ExpiresAt => by(keys_mut, order, |key| key.record.lifecycle.expires_at()),
        KeySort::LastUsedAt => by(keys_mut, order, |key| key.usage.last_used_at),
        KeySort::RequestCount => by(keys_mut, order, |key| Some(key.usage.request_count)),
    }
    keys
}
