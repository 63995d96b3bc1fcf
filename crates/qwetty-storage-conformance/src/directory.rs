//! Organizations and their channels.

use qwetty_keys::OrganizationId;
use qwetty_storage::{
    Action, Channel, ChannelKind, DirectoryQuery, Listing, Order, Organization, OrganizationRemoval, Page,
    Revision, Search, Store, Written,
};

use crate::fixtures::{Fixtures, HOSTILE_NAMES, channel_id, text};
use crate::given::{self, ALL};

/// What is read is what was written, by an insertion or a replacement.
pub async fn every_field_of_an_organization_reads_back(store: &dyn Store) {
    let mut make = Fixtures::default();
    for name in HOSTILE_NAMES {
        let mut organization = Organization { name: text(name), ..make.organization() };
        organization.updated_at = make.instant();
        let event = make.event(Action::OrganizationCreated, organization.id);
        store.insert_organization(&organization, &event).await.unwrap();
        assert_eq!(store.organization(organization.id).await.unwrap(), Some(organization));
    }
    assert_eq!(store.organization(make.organization().id).await.unwrap(), None);
}

/// The change and its event, both.
pub async fn an_organization_is_replaced_with_its_event(store: &dyn Store) {
    let mut make = Fixtures::default();
    let organization = given::organization(store, &mut make).await;
    let next = renamed(&mut make, &organization);
    let event = make.event(Action::OrganizationUpdated, organization.id);
    assert_eq!(
        store.replace_organization(&next, organization.revision, &event).await.unwrap(),
        Written::Done
    );
    assert_eq!(store.organization(organization.id).await.unwrap(), Some(next));
    assert_eq!(given::log(store, organization.id).await[0], event);
}

/// Neither the change nor an event; nor for an organization that is not there.
pub async fn a_stale_replacement_of_an_organization_changes_nothing(store: &dyn Store) {
    let mut make = Fixtures::default();
    let organization = given::organization(store, &mut make).await;
    let next = renamed(&mut make, &organization);
    let event = make.event(Action::OrganizationUpdated, organization.id);
    assert_eq!(store.replace_organization(&next, next.revision, &event).await.unwrap(), Written::Stale);
    let nowhere = make.organization();
    assert_eq!(store.replace_organization(&nowhere, nowhere.revision, &event).await.unwrap(), Written::Stale);
    assert_eq!(store.organization(nowhere.id).await.unwrap(), None);
    assert_eq!(store.organization(organization.id).await.unwrap(), Some(organization.clone()));
    assert_eq!(given::log(store, organization.id).await.len(), 1);
}

/// Not as long as there is one key, and then no event either.
pub async fn an_organization_with_keys_is_not_removed(store: &dyn Store) {
    let mut make = Fixtures::default();
    let key = given::key(store, &mut make).await;
    let channel = make.channel(key.organization, "support");
    save(store, &mut make, &channel, None).await;
    let before = given::log(store, key.organization).await;
    let event = make.event(Action::OrganizationDeleted, key.organization);
    let removal = store.remove_organization(key.organization, &event).await.unwrap();
    assert_eq!(removal, OrganizationRemoval::HasKeys);
    assert!(store.organization(key.organization).await.unwrap().is_some());
    assert_eq!(store.channel(key.organization, &channel.id).await.unwrap(), Some(channel));
    assert_eq!(given::log(store, key.organization).await, before);

    let deleted = make.key_event(Action::KeyDeleted, &key);
    assert_eq!(store.remove(key.id, key.revision, &deleted).await.unwrap(), Written::Done);
    let removal = store.remove_organization(key.organization, &event).await.unwrap();
    assert_eq!(removal, OrganizationRemoval::Done);
}

/// Channels go, events stay, and so does everything of its neighbours.
pub async fn a_removed_organization_takes_its_channels_and_leaves_its_log(store: &dyn Store) {
    let mut make = Fixtures::default();
    let organization = given::organization(store, &mut make).await.id;
    let neighbour = given::organization(store, &mut make).await.id;
    let channel = make.channel(organization, "support");
    let theirs = make.channel(neighbour, "support");
    save(store, &mut make, &channel, None).await;
    save(store, &mut make, &theirs, None).await;

    let event = make.event(Action::OrganizationDeleted, organization);
    assert_eq!(store.remove_organization(organization, &event).await.unwrap(), OrganizationRemoval::Done);
    assert_eq!(store.organization(organization).await.unwrap(), None);
    assert_eq!(store.channel(organization, &channel.id).await.unwrap(), None);
    assert_eq!(channels(store, organization, &everything()).await.items, []);
    let actions: Vec<_> = given::log(store, organization).await.iter().map(|event| event.action).collect();
    assert_eq!(actions, [Action::OrganizationDeleted, Action::ChannelSaved, Action::OrganizationCreated]);
    assert_eq!(store.channel(neighbour, &theirs.id).await.unwrap(), Some(theirs));
}

/// And there is no event of it.
pub async fn an_organization_that_is_not_there_is_not_removed(store: &dyn Store) {
    let mut make = Fixtures::default();
    let nowhere = make.organization().id;
    let event = make.event(Action::OrganizationDeleted, nowhere);
    assert_eq!(store.remove_organization(nowhere, &event).await.unwrap(), OrganizationRemoval::NotFound);
    assert_eq!(given::log(store, nowhere).await, []);
}

/// Oldest or newest first, ties by id, in pages.
pub async fn organizations_are_listed_by_age_both_ways(store: &dyn Store) {
    let mut make = Fixtures::default();
    let mut all = Vec::new();
    let twin = make.instant();
    for number in 0..9 {
        let mut organization = make.organization();
        if number % 3 == 0 {
            organization.created_at = twin;
        }
        let event = make.event(Action::OrganizationCreated, organization.id);
        store.insert_organization(&organization, &event).await.unwrap();
        all.push(organization);
    }
    all.sort_by_key(|organization| (organization.created_at, organization.id));
    assert_eq!(store.organizations(&everything()).await.unwrap(), Listing { items: all.clone(), total: 9 });
    let page = DirectoryQuery { page: Page { offset: 6, limit: 2 }, ..everything() };
    assert_eq!(store.organizations(&page).await.unwrap(), Listing { items: all[6..8].to_vec(), total: 9 });
    let beyond = DirectoryQuery { page: Page { offset: 9, limit: 2 }, ..everything() };
    assert_eq!(store.organizations(&beyond).await.unwrap(), Listing { items: Vec::new(), total: 9 });
    all.reverse();
    let newest_first = DirectoryQuery { order: Order::Descending, ..everything() };
    assert_eq!(store.organizations(&newest_first).await.unwrap().items, all);
}

/// Case folded, every character literal.
pub async fn organizations_are_searched_by_name(store: &dyn Store) {
    let mut make = Fixtures::default();
    for name in ["Straße 100%", "Strand", "Other"] {
        let organization = Organization { name: text(name), ..make.organization() };
        let event = make.event(Action::OrganizationCreated, organization.id);
        store.insert_organization(&organization, &event).await.unwrap();
    }
    for (needle, names) in [
        ("STRASSE", &["Straße 100%"][..]),
        ("str", &["Straße 100%", "Strand"]),
        ("%", &["Straße 100%"]),
        ("org_", &[]),
    ] {
        let query = DirectoryQuery { search: Search::new(needle), ..everything() };
        let found = store.organizations(&query).await.unwrap();
        assert_eq!(
            found.items.iter().map(|found| found.name.as_str()).collect::<Vec<_>>(),
            names,
            "{needle}"
        );
        assert_eq!(found.total, names.len() as u64);
    }
}

/// What is read is what was written.
pub async fn every_kind_of_channel_reads_back(store: &dyn Store) {
    let mut make = Fixtures::default();
    let organization = given::organization(store, &mut make).await.id;
    let longest = "x".repeat(64);
    for ((kind, id), name) in ChannelKind::ALL.into_iter().zip(["A.b-c_9", "7", &longest]).zip(HOSTILE_NAMES)
    {
        let channel =
            Channel { name: text(name), kind, updated_at: make.instant(), ..make.channel(organization, id) };
        save(store, &mut make, &channel, None).await;
        assert_eq!(store.channel(organization, &channel.id).await.unwrap(), Some(channel));
    }
    assert_eq!(store.channel(organization, &channel_id("nowhere")).await.unwrap(), None);
    assert_eq!(channels(store, organization, &everything()).await.total, 3);
}

/// [`Written::Stale`], and no event.
pub async fn a_new_channel_does_not_replace_one(store: &dyn Store) {
    let mut make = Fixtures::default();
    let organization = given::organization(store, &mut make).await.id;
    let channel = make.channel(organization, "support");
    save(store, &mut make, &channel, None).await;
    let before = given::log(store, organization).await;
    let again = Channel { name: text("Other"), ..make.channel(organization, "support") };
    let event = make.event(Action::ChannelSaved, organization);
    assert_eq!(store.save_channel(&again, None, &event).await.unwrap(), Written::Stale);
    assert_eq!(store.channel(organization, &channel.id).await.unwrap(), Some(channel));
    assert_eq!(given::log(store, organization).await, before);
}

/// Compare and swap.
pub async fn a_channel_is_replaced_at_its_revision_only(store: &dyn Store) {
    let mut make = Fixtures::default();
    let organization = given::organization(store, &mut make).await.id;
    let channel = make.channel(organization, "support");
    save(store, &mut make, &channel, None).await;
    let next = Channel {
        name: text("Sales"),
        kind: ChannelKind::WebChat,
        updated_at: make.instant(),
        revision: channel.revision.next(),
        ..channel.clone()
    };
    save(store, &mut make, &next, Some(channel.revision)).await;
    assert_eq!(store.channel(organization, &channel.id).await.unwrap(), Some(next.clone()));

    let before = given::log(store, organization).await;
    let event = make.event(Action::ChannelSaved, organization);
    let missing = make.channel(organization, "missing");
    for stale in [&channel, &missing] {
        let answer = store.save_channel(stale, Some(Revision::FIRST), &event).await.unwrap();
        assert_eq!(answer, Written::Stale);
    }
    assert_eq!(store.channel(organization, &channel.id).await.unwrap(), Some(next));
    assert_eq!(store.channel(organization, &missing.id).await.unwrap(), None);
    assert_eq!(given::log(store, organization).await, before);
}

/// New or not, and no event.
pub async fn a_channel_of_an_unknown_organization_is_stale(store: &dyn Store) {
    let mut make = Fixtures::default();
    let nowhere = make.organization().id;
    let channel = make.channel(nowhere, "support");
    for expected in [None, Some(channel.revision)] {
        let event = make.event(Action::ChannelSaved, nowhere);
        assert_eq!(store.save_channel(&channel, expected, &event).await.unwrap(), Written::Stale);
    }
    assert_eq!(store.channel(nowhere, &channel.id).await.unwrap(), None);
    assert_eq!(given::log(store, nowhere).await, []);
}

/// Compare and swap.
pub async fn a_channel_is_removed_at_its_revision_only(store: &dyn Store) {
    let mut make = Fixtures::default();
    let organization = given::organization(store, &mut make).await.id;
    let channel = make.channel(organization, "support");
    save(store, &mut make, &channel, None).await;
    let event = make.event(Action::ChannelDeleted, organization);
    let remove = |revision| store.remove_channel(organization, &channel.id, revision, &event);
    assert_eq!(remove(channel.revision.next()).await.unwrap(), Written::Stale);
    assert_eq!(store.channel(organization, &channel.id).await.unwrap(), Some(channel.clone()));
    assert_eq!(given::log(store, organization).await.len(), 2);
    assert_eq!(remove(channel.revision).await.unwrap(), Written::Done);
    assert_eq!(store.channel(organization, &channel.id).await.unwrap(), None);
    assert_eq!(given::log(store, organization).await[0], event);
    assert_eq!(remove(channel.revision).await.unwrap(), Written::Stale);
}

/// A restriction never falls away with what it names.
pub async fn a_removed_channel_leaves_keys_scoped_to_it(store: &dyn Store) {
    let mut make = Fixtures::default();
    let organization = given::organization(store, &mut make).await.id;
    let channel = make.channel(organization, "support");
    save(store, &mut make, &channel, None).await;
    let mut record = make.key(organization);
    record.access.channels =
        qwetty_authz::ChannelScope::Only(qwetty_authz::Channels::try_from(vec![channel.id.clone()]).unwrap());
    given::insert(store, &mut make, &record).await;
    let event = make.event(Action::ChannelDeleted, organization);
    let removed = store.remove_channel(organization, &channel.id, channel.revision, &event).await.unwrap();
    assert_eq!(removed, Written::Done);
    given::assert_stored(store, &record).await;
}

/// The same id in two organizations is two channels.
pub async fn channels_belong_to_their_organization(store: &dyn Store) {
    let mut make = Fixtures::default();
    let (one, two) =
        (given::organization(store, &mut make).await.id, given::organization(store, &mut make).await.id);
    let ours = make.channel(one, "support");
    let theirs = Channel { name: text("Theirs"), ..make.channel(two, "support") };
    save(store, &mut make, &ours, None).await;
    save(store, &mut make, &theirs, None).await;
    assert_eq!(store.channel(one, &ours.id).await.unwrap().as_ref(), Some(&ours));
    assert_eq!(channels(store, one, &everything()).await.items, std::slice::from_ref(&ours));
    let event = make.event(Action::ChannelDeleted, one);
    assert_eq!(store.remove_channel(one, &ours.id, ours.revision, &event).await.unwrap(), Written::Done);
    assert_eq!(channels(store, two, &everything()).await.items, [theirs]);
}

/// Both ways, ties by id, in pages; the search looks in name and id.
pub async fn channels_are_listed_by_age_and_searched_by_name_and_id(store: &dyn Store) {
    let mut make = Fixtures::default();
    let organization = given::organization(store, &mut make).await.id;
    let twin = make.instant();
    let mut all = Vec::new();
    for (id, name) in [("b", "Straße"), ("a", "100%"), ("Needle", "x"), ("c_d", "needle"), ("cxd", "y")] {
        let mut channel = Channel { name: text(name), ..make.channel(organization, id) };
        if id.len() == 1 {
            channel.created_at = twin;
        }
        save(store, &mut make, &channel, None).await;
        all.push(channel);
    }
    all.sort_by(|a, b| (a.created_at, a.id.as_str()).cmp(&(b.created_at, b.id.as_str())));
    assert_eq!(channels(store, organization, &everything()).await, Listing { items: all.clone(), total: 5 });
    let page = DirectoryQuery { page: Page { offset: 1, limit: 2 }, ..everything() };
    assert_eq!(channels(store, organization, &page).await, Listing { items: all[1..3].to_vec(), total: 5 });
    for (needle, ids) in [
        ("NEEDLE", &["Needle", "c_d"][..]),
        ("c_", &["c_d"]),
        ("%", &["a"]),
        ("strasse", &["b"]),
        ("whatsapp", &[]),
    ] {
        let found = DirectoryQuery { search: Search::new(needle), ..everything() };
        let found = channels(store, organization, &found).await;
        assert_eq!(
            found.items.iter().map(|channel| channel.id.as_str()).collect::<Vec<_>>(),
            ids,
            "{needle}"
        );
        assert_eq!(found.total, ids.len() as u64);
    }
    all.reverse();
    let newest_first = DirectoryQuery { order: Order::Descending, ..everything() };
    assert_eq!(channels(store, organization, &newest_first).await.items, all);
}

/// Oldest first.
fn everything() -> DirectoryQuery {
    DirectoryQuery { search: None, order: Order::Ascending, page: ALL }
}

async fn channels(
    store: &dyn Store,
    organization: OrganizationId,
    query: &DirectoryQuery,
) -> Listing<Channel> {
    store.channels(organization, query).await.unwrap()
}

/// Saves a channel that can be saved, with its event.
async fn save(store: &dyn Store, make: &mut Fixtures, channel: &Channel, expected: Option<Revision>) {
    let mut event = make.event(Action::ChannelSaved, channel.organization);
    event.channel = Some(channel.id.clone());
    assert_eq!(store.save_channel(channel, expected, &event).await.unwrap(), Written::Done);
    assert_eq!(given::log(store, channel.organization).await[0], event);
}

fn renamed(make: &mut Fixtures, organization: &Organization) -> Organization {
    Organization {
        name: text("Renamed"),
        updated_at: make.instant(),
        revision: organization.revision.next(),
        ..organization.clone()
    }
}
