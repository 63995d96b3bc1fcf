//! What a durable store still knows after it was closed and opened again.

use qwetty_keys::{KeyDigest, KeyId, OrganizationId};
use qwetty_storage::{
    Action, AuditEvent, Channel, DirectoryQuery, FoundKey, Hour, HourlyCounts, KeyRecord, Order,
    Organization, Outcome, Setup, Store, StoredKey, UsageBatch, Written,
};

use crate::fixtures::{Fixtures, changed, counts, text, usage_row};
use crate::given::{self, ALL};

const HOUR: Hour = Hour::from_number(480_000);

/// Everything that a store answered before it was closed.
#[derive(Debug)]
pub struct Before {
    organization: OrganizationId,
    keys: Vec<KeyId>,
    digests: Vec<KeyDigest>,
    batch: UsageBatch,
    picture: Picture,
}

#[derive(Debug, PartialEq)]
struct Picture {
    setup: Setup,
    organizations: Vec<Organization>,
    channels: Vec<Channel>,
    keys: Vec<Option<StoredKey>>,
    found: Vec<Option<FoundKey>>,
    hours: Vec<Vec<HourlyCounts>>,
    log: Vec<AuditEvent>,
}

/// Stores, changes and removes something of everything, and writes down what the store then answers.
pub async fn fill(store: &dyn Store) -> Before {
    let mut make = Fixtures::default();
    let organization = make.organization();
    let root = make.key(organization.id);
    let events =
        [make.event(Action::OrganizationCreated, organization.id), make.key_event(Action::KeyCreated, &root)];
    assert_eq!(store.found(&organization, &root, &events).await.unwrap(), Written::Done);
    store.root_announced().await.unwrap();

    let mut records: Vec<KeyRecord> = make.keys_of_every_form(organization.id);
    for record in &records {
        given::insert(store, &mut make, record).await;
    }
    let next = changed(&records[0], |record| record.name = text("Renamed"));
    let event = make.key_event(Action::KeyUpdated, &next);
    assert_eq!(store.replace(&next, records[0].revision, &event).await.unwrap(), Written::Done);
    let event = make.key_event(Action::KeyDeleted, &records[1]);
    assert_eq!(store.remove(records[1].id, records[1].revision, &event).await.unwrap(), Written::Done);

    let channel = make.channel(organization.id, "support");
    let event = make.event(Action::ChannelSaved, organization.id);
    assert_eq!(store.save_channel(&channel, None, &event).await.unwrap(), Written::Done);

    records.push(root);
    let rows = records.iter().map(|record| {
        let mut row = usage_row(record.id);
        row.hours = vec![counts(HOUR, &[(Outcome::Admitted, 2), (Outcome::Revoked, 1)])];
        row.last_used_at = Some(make.instant());
        row.window = Some(make.window());
        row
    });
    let rows = rows.collect();
    let batch = make.batch(rows);
    store.record_usage(&batch).await.unwrap();

    let keys: Vec<KeyId> = records.iter().map(|record| record.id).collect();
    let digests: Vec<KeyDigest> =
        records.iter().flat_map(|record| record.lifecycle.digests()).copied().collect();
    let picture = picture(store, organization.id, &keys, &digests).await;
    assert_eq!(picture.keys.iter().filter(|key| key.is_none()).count(), 1, "one was removed");
    Before { organization: organization.id, keys, digests, batch, picture }
}

/// It answers what it answered before.
pub async fn everything_is_there(store: &dyn Store, before: &Before) {
    assert_eq!(picture(store, before.organization, &before.keys, &before.digests).await, before.picture);
}

/// Which batches were applied is remembered as well.
pub async fn a_batch_sent_again_changes_nothing(store: &dyn Store, before: &Before) {
    store.record_usage(&before.batch).await.unwrap();
    everything_is_there(store, before).await;
    let next = UsageBatch { sequence: before.batch.sequence + 1, ..before.batch.clone() };
    store.record_usage(&next).await.unwrap();
    assert_eq!(given::totals(store, before.keys[0]).await.request_count, 4);
}

async fn picture(
    store: &dyn Store,
    organization: OrganizationId,
    keys: &[KeyId],
    digests: &[KeyDigest],
) -> Picture {
    let everything = DirectoryQuery { search: None, order: Order::Ascending, page: ALL };
    let mut picture = Picture {
        setup: store.setup().await.unwrap(),
        organizations: store.organizations(&everything).await.unwrap().items,
        channels: store.channels(organization, &everything).await.unwrap().items,
        keys: Vec::new(),
        found: Vec::new(),
        hours: Vec::new(),
        log: given::log(store, organization).await,
    };
    for key in keys {
        picture.keys.push(store.get(*key).await.unwrap());
        picture.hours.push(store.usage(*key, HOUR, HOUR.plus(1)).await.unwrap());
    }
    for digest in digests {
        picture.found.push(store.find(digest).await.unwrap());
    }
    picture
}
