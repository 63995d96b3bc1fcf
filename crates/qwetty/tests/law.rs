//! Nobody grants what they lack.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use proptest::prelude::*;
use qwetty::{Caller, Charge, KeyList, KeyPatch, ManageError, NewKey, Origin, Verdict};
use qwetty_authz::{Access, Ask, Catalogue, ChannelScope, IpPolicy};
use qwetty_keys::{KeyId, Overlap, Timestamp};
use qwetty_ratelimit::Tier;
use qwetty_storage::{Action, KeyRecord, KeySort, Listing, Order, Page};

use support::{
    DAY, FROM_INSIDE, HOUR, NOON, TestKey, World, channels, draft, exceeded, networks, owner, permission_set,
};

const MANAGING: &[&str] = &["chats:read", "messages:send", "api_keys:read", "api_keys:manage"];

/// What a restricted manager may hand on, just so.
fn covered() -> NewKey {
    NewKey {
        channels: channels(&["wa", "ig"]),
        networks: networks(&["192.0.2.0/24"]),
        expires_at: Some(NOON.saturating_add(DAY)),
        ..draft(MANAGING)
    }
}

/// Drafts that go further than [`covered`] on one axis, absent restrictions first.
fn exceeding() -> Vec<(&'static str, NewKey)> {
    let later = Some(NOON.saturating_add(DAY + HOUR));
    vec![
        ("permissions", NewKey { permissions: permission_set(&["chats:read", "audit:read"]), ..covered() }),
        ("channelScopes", NewKey { channels: ChannelScope::All, ..covered() }),
        ("channelScopes", NewKey { channels: channels(&["wa", "web"]), ..covered() }),
        ("ipWhitelist", NewKey { networks: IpPolicy::Any, ..covered() }),
        ("ipWhitelist", NewKey { networks: networks(&["192.0.2.0/23"]), ..covered() }),
        ("tier", NewKey { tier: Tier::Admin, ..covered() }),
        ("expiresAt", NewKey { expires_at: None, ..covered() }),
        ("expiresAt", NewKey { expires_at: later, ..covered() }),
    ]
}

fn patch_to(new: NewKey) -> KeyPatch {
    KeyPatch {
        permissions: Some(new.permissions),
        channels: Some(new.channels),
        networks: Some(new.networks),
        expires_at: Some(new.expires_at),
        tier: Some(new.tier),
        ..KeyPatch::default()
    }
}

/// A world with three channels and a restricted manager in it.
async fn managed() -> (World, TestKey, Caller) {
    let world = World::new().await;
    for channel in ["wa", "ig", "web"] {
        world.channel(channel).await;
    }
    let manager = world.key(covered()).await;
    let caller = world.caller(&manager).await;
    (world, manager, caller)
}

async fn records(world: &World) -> BTreeMap<KeyId, KeyRecord> {
    let list = KeyList {
        organization: Some(world.organization),
        search: None,
        status: None,
        sort: KeySort::CreatedAt,
        order: Order::Ascending,
        page: Page { offset: 0, limit: 1000 },
    };
    let Listing { items, .. } = world.manager.list(&owner(), list).await.unwrap();
    items.into_iter().map(|view| (view.record.id, view.record)).collect()
}

/// Runs a call that must be refused as an excess on `axis`, change nothing, and be written down.
async fn assert_refused<T>(
    world: &World,
    caller: &Caller,
    axis: &str,
    attempt: Action,
    call: impl Future<Output = Result<T, ManageError>>,
) {
    // So that the newest event is the one of this call.
    world.clock.advance(Duration::from_micros(1));
    let before = (records(world).await, world.events(Action::KeyGrantRefused).await.len());
    let Err(error) = call.await else { panic!("{axis}: {attempt} was allowed") };
    assert_eq!(exceeded(&error), axis);
    let events = world.events(Action::KeyGrantRefused).await;
    assert_eq!((records(world).await, events.len()), (before.0, before.1 + 1));
    let event = &events[0];
    assert_eq!(event.changes["exceeded"].to, axis);
    assert_eq!(event.changes["attempted"].to, attempt.as_str());
    assert_eq!(event.actor.as_ref().map(|actor| actor.key), caller.verified().map(|key| key.id()));
}

#[tokio::test]
async fn what_the_caller_holds_it_may_hand_on() {
    let (world, _, caller) = managed().await;
    let manager = &world.manager;
    let key: TestKey = manager.create(&caller, covered()).await.unwrap().into();
    let narrower =
        NewKey { channels: channels(&["wa"]), networks: networks(&["192.0.2.128/25"]), ..covered() };
    manager.update(&caller, key.id, patch_to(narrower)).await.unwrap();
    manager.update(&caller, key.id, patch_to(covered())).await.unwrap();
    manager.regenerate(&caller, key.id, Overlap::NONE).await.unwrap();
    manager.revoke(&caller, key.id, None).await.unwrap();
    manager.reactivate(&caller, key.id).await.unwrap();
    manager.delete(&caller, key.id).await.unwrap();
    assert_eq!(world.events(Action::KeyGrantRefused).await, []);
}

#[tokio::test]
async fn nobody_creates_a_key_that_exceeds_them() {
    let (world, _, caller) = managed().await;
    for (axis, new) in exceeding() {
        let call = world.manager.create(&caller, new);
        assert_refused(&world, &caller, axis, Action::KeyCreated, call).await;
    }
}

#[tokio::test]
async fn nobody_widens_a_key_beyond_themselves() {
    let (world, _, caller) = managed().await;
    let key = world.key(covered()).await;
    for (axis, new) in exceeding() {
        let call = world.manager.update(&caller, key.id, patch_to(new));
        assert_refused(&world, &caller, axis, Action::KeyUpdated, call).await;
    }
}

#[tokio::test]
async fn nobody_touches_up_a_key_that_exceeds_them_otherwise_than_by_taking_from_it() {
    let (world, _, caller) = managed().await;
    let manager = &world.manager;
    for (axis, new) in exceeding() {
        let key = world.key(new).await;
        let rename = KeyPatch { name: Some("Mine".parse().unwrap()), ..KeyPatch::default() };
        assert_refused(&world, &caller, axis, Action::KeyUpdated, manager.update(&caller, key.id, rename))
            .await;
        let regenerate = manager.regenerate(&caller, key.id, Overlap::NONE);
        assert_refused(&world, &caller, axis, Action::KeyRegenerated, regenerate).await;
        manager.revoke(&caller, key.id, None).await.unwrap();
        assert_refused(&world, &caller, axis, Action::KeyReactivated, manager.reactivate(&caller, key.id))
            .await;
        // Narrowed to what the caller holds, it may be had.
        manager.update(&caller, key.id, patch_to(covered())).await.unwrap();
        manager.reactivate(&caller, key.id).await.unwrap();
        let key = world.key(exceeding()[0].1.clone()).await;
        manager.delete(&caller, key.id).await.unwrap();
    }
}

#[tokio::test]
async fn a_key_may_regenerate_and_revoke_itself_and_nothing_else() {
    let (world, key, caller) = managed().await;
    let manager = &world.manager;
    let rename = KeyPatch { name: Some("Mine".parse().unwrap()), ..KeyPatch::default() };
    let own = "own_key";
    assert_refused(&world, &caller, own, Action::KeyUpdated, manager.update(&caller, key.id, rename)).await;
    assert_refused(&world, &caller, own, Action::KeyReactivated, manager.reactivate(&caller, key.id)).await;
    assert_refused(&world, &caller, own, Action::KeyDeleted, manager.delete(&caller, key.id)).await;
    let issued = manager.regenerate(&caller, key.id, Overlap::NONE).await.unwrap();
    assert_eq!(world.code(&key.value).await, "not_found");
    assert_eq!(world.code_for(issued.value.expose(), FROM_INSIDE).await, "valid");
    manager.revoke(&caller, key.id, None).await.unwrap();
    assert_eq!(world.code(issued.value.expose()).await, "revoked");
}

#[tokio::test]
async fn only_an_operator_takes_an_operators_key_away() {
    let world = World::new().await;
    let manager = &world.manager;
    let operating = &["api_keys:manage", "organizations:manage"];
    let caller = world.caller(&world.key(draft(MANAGING)).await).await;
    let operator = world.caller(&world.key(draft(operating)).await).await;
    for key in [world.key(draft(operating)).await, world.root.clone()] {
        let refused = "operator_key";
        let (revoke, delete) = (manager.revoke(&caller, key.id, None), manager.delete(&caller, key.id));
        assert_refused(&world, &caller, refused, Action::KeyRevoked, revoke).await;
        assert_refused(&world, &caller, refused, Action::KeyDeleted, delete).await;
        let regenerate = manager.regenerate(&caller, key.id, Overlap::NONE);
        assert_refused(&world, &caller, refused, Action::KeyRegenerated, regenerate).await;
        manager.revoke(&operator, key.id, None).await.unwrap();
        manager.delete(&operator, key.id).await.unwrap();
    }
}

#[tokio::test]
async fn another_organizations_key_does_not_exist() {
    let (world, _, caller) = managed().await;
    let manager = &world.manager;
    let other = manager.create_organization(&owner(), "Other".parse().unwrap()).await.unwrap().id;
    let key = world.key(NewKey { organization: Some(other), ..draft(&["chats:read"]) }).await;
    let operators = NewKey { organization: Some(other), ..draft(&["organizations:manage"]) };
    let operators = world.key(operators).await;
    let gone = world.key(draft(&["chats:read"])).await;
    manager.delete(&owner(), gone.id).await.unwrap();
    let list = KeyList {
        organization: Some(other),
        search: None,
        status: None,
        sort: KeySort::CreatedAt,
        order: Order::Ascending,
        page: Page { offset: 0, limit: 1 },
    };
    for id in [key.id, operators.id, gone.id] {
        let answers = [
            manager.get(&caller, id).await.err(),
            manager.update(&caller, id, KeyPatch::default()).await.err(),
            manager.update(&caller, id, patch_to(draft(&["no:such"]))).await.err(),
            manager.regenerate(&caller, id, Overlap::NONE).await.err(),
            manager.revoke(&caller, id, None).await.err(),
            manager.reactivate(&caller, id).await.err(),
            manager.delete(&caller, id).await.err(),
            manager.create(&caller, NewKey { organization: Some(other), ..covered() }).await.err(),
            manager.list(&caller, list.clone()).await.err(),
        ];
        for (call, answer) in answers.into_iter().enumerate() {
            assert!(matches!(answer, Some(ManageError::NotFound)), "{call}: {answer:?}");
        }
    }
    assert_eq!(world.events(Action::KeyGrantRefused).await, []);
    assert_eq!(world.code(&key.value).await, "valid");
}

#[tokio::test]
async fn a_channel_held_in_one_organization_is_not_held_in_another() {
    let (world, ..) = managed().await;
    let manager = &world.manager;
    let other = manager.create_organization(&owner(), "Other".parse().unwrap()).await.unwrap().id;
    let (id, name) = ("wa".parse().unwrap(), "Theirs".parse().unwrap());
    manager
        .save_channel(&owner(), Some(other), &id, name, qwetty_storage::ChannelKind::Whatsapp)
        .await
        .unwrap();
    let operating = draft(&["chats:read", "api_keys:manage", "organizations:manage"]);
    let theirs = |scope| NewKey { organization: Some(other), channels: scope, ..draft(&["chats:read"]) };

    let scoped = world.key(NewKey { channels: channels(&["wa"]), ..operating.clone() }).await;
    let scoped = world.caller(&scoped).await;
    for scope in [channels(&["wa"]), ChannelScope::All] {
        let error = manager.create(&scoped, theirs(scope)).await.unwrap_err();
        assert_eq!(exceeded(&error), "channelScopes");
    }
    let everywhere = world.caller(&world.key(operating).await).await;
    for scope in [channels(&["wa"]), ChannelScope::All] {
        manager.create(&everywhere, theirs(scope)).await.unwrap();
    }
}

#[tokio::test]
async fn a_caller_without_the_permission_does_nothing() {
    let world = World::new().await;
    let manager = &world.manager;
    let key = world.key(draft(&["chats:read"])).await;
    let caller = world.caller(&world.key(draft(&["chats:read", "api_keys:verify"])).await).await;
    let answers = [
        manager.create(&caller, draft(&["chats:read"])).await.err(),
        manager.get(&caller, key.id).await.err(),
        manager.update(&caller, key.id, KeyPatch::default()).await.err(),
        manager.regenerate(&caller, key.id, Overlap::NONE).await.err(),
        manager.revoke(&caller, key.id, None).await.err(),
        manager.reactivate(&caller, key.id).await.err(),
        manager.delete(&caller, key.id).await.err(),
        manager.create_organization(&caller, "Mine".parse().unwrap()).await.err(),
    ];
    for answer in answers {
        assert!(matches!(answer, Some(ManageError::InsufficientPermissions { .. })), "{answer:?}");
    }
}

/// What a key can do, found out by asking it, so that this does not lean on the code under test for comparing grants.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Holdings {
    permissions: BTreeSet<&'static str>,
    channels: BTreeSet<&'static str>,
    addresses: BTreeSet<Option<IpAddr>>,
    tier: Tier,
    until: i64,
}

const PERMISSIONS: [&str; 5] =
    ["chats:read", "messages:send", "api_keys:manage", "organizations:manage", "audit:read"];
const CHANNELS: [&str; 4] = ["wa", "ig", "web", "none-of-ours"];
const NETWORKS: [&str; 5] =
    ["192.0.2.0/24", "192.0.2.0/25", "192.0.2.128/25", "198.51.100.0/24", "2001:db8::/32"];
const ADDRESSES: [&str; 5] = ["192.0.2.7", "192.0.2.200", "198.51.100.1", "2001:db8::1", "203.0.113.1"];

impl Holdings {
    fn of_record(record: &KeyRecord) -> Self {
        Self::of(&record.access, record.tier, record.lifecycle.expires_at())
    }

    fn of(access: &Access, tier: Tier, expires_at: Option<Timestamp>) -> Self {
        let catalogue = Catalogue::qwetty();
        let addresses = ADDRESSES.map(|address| Some(address.parse().unwrap())).into_iter().chain([None]);
        let address = addresses.clone().find(|address| access.networks.allows(*address)).unwrap();
        let allows = |permissions: &[&str], channel, address| {
            access.decide(&catalogue, &Ask { address, permissions, channel }).is_ok()
        };
        Self {
            permissions: PERMISSIONS.into_iter().filter(|name| allows(&[*name], None, address)).collect(),
            channels: CHANNELS.into_iter().filter(|channel| allows(&[], Some(*channel), address)).collect(),
            addresses: addresses.filter(|address| allows(&[], None, *address)).collect(),
            tier,
            until: expires_at.map_or(i64::MAX, |at| at.unix_micros()),
        }
    }

    fn is_within(&self, other: &Self) -> bool {
        self.permissions.is_subset(&other.permissions)
            && self.channels.is_subset(&other.channels)
            && self.addresses.is_subset(&other.addresses)
            && self.tier <= other.tier
            && self.until <= other.until
    }
}

/// One call by one of the keys there are; keys are meant by number, modulo how many there are.
#[derive(Debug, Clone)]
struct Attempt {
    caller: usize,
    target: usize,
    call: Call,
}

#[derive(Debug, Clone)]
enum Call {
    Create(NewKey),
    Update(KeyPatch),
    Regenerate,
    Revoke,
    Reactivate,
    Delete,
}

fn some_draft() -> impl Strategy<Value = NewKey> {
    let managing = prop::sample::subsequence(&PERMISSIONS[..], 0..=5).prop_map(|mut names| {
        // Most may manage keys, or little would happen.
        names.push("api_keys:manage");
        names
    });
    let names = prop_oneof![4 => managing, 1 => Just(vec!["chats:read"])];
    let scope = prop::option::of(prop::sample::subsequence(&CHANNELS[..3], 1..=3));
    let whitelist = prop::option::of(prop::sample::subsequence(&NETWORKS[..], 1..=5));
    let days = prop::option::of(1_u32..4);
    (names, scope, whitelist, days, any::<bool>()).prop_map(|(names, scope, whitelist, days, admin)| NewKey {
        channels: scope.map_or(ChannelScope::All, |ids| channels(&ids)),
        networks: whitelist.map_or(IpPolicy::Any, |blocks| networks(&blocks)),
        expires_at: days.map(|days| NOON.saturating_add(DAY * days)),
        tier: if admin { Tier::Admin } else { Tier::Standard },
        ..draft(&names)
    })
}

fn some_patch() -> impl Strategy<Value = KeyPatch> {
    (some_draft(), prop::array::uniform5(any::<bool>())).prop_map(|(new, chosen)| {
        let all = patch_to(new);
        KeyPatch {
            permissions: all.permissions.filter(|_| chosen[0]),
            channels: all.channels.filter(|_| chosen[1]),
            networks: all.networks.filter(|_| chosen[2]),
            expires_at: all.expires_at.filter(|_| chosen[3]),
            tier: all.tier.filter(|_| chosen[4]),
            ..KeyPatch::default()
        }
    })
}

fn some_attempt() -> impl Strategy<Value = Attempt> {
    let call = prop_oneof![
        3 => some_draft().prop_map(Call::Create),
        4 => some_patch().prop_map(Call::Update),
        1 => Just(Call::Regenerate),
        1 => Just(Call::Revoke),
        2 => Just(Call::Reactivate),
        1 => Just(Call::Delete),
    ];
    (any::<usize>(), any::<usize>(), call).prop_map(|(caller, target, call)| Attempt { caller, target, call })
}

/// Makes one attempt and checks that whatever came of it, came of what the caller holds.
async fn attempt(world: &World, keys: &mut Vec<TestKey>, attempt: Attempt) -> Result<(), TestCaseError> {
    let Attempt { caller, target, call } = attempt;
    let (caller, target) = (keys[caller % keys.len()].clone(), keys[target % keys.len()].clone());
    // From an address that the caller may call from, if it still may at all.
    let mut verified = None;
    for address in ADDRESSES.map(|address| address.parse().ok()) {
        let ask = Ask { address, ..FROM_INSIDE };
        if let Verdict::Allow(key) = world.verify(&caller.value, ask, Charge::Nothing).await.unwrap() {
            verified = Some(key);
        }
    }
    let Some(verified) = verified else { return Ok(()) };
    let mine = Holdings::of(verified.access(), verified.tier(), verified.expires_at());
    let by = Caller::key(verified, Origin::default());
    let before = records(world).await;
    let refusals = world.events(Action::KeyGrantRefused).await.len();
    let manager = &world.manager;

    let grants = matches!(call, Call::Create(_) | Call::Update(_) | Call::Regenerate | Call::Reactivate);
    let creates = matches!(call, Call::Create(_));
    let made = match call {
        Call::Create(new) => manager.create(&by, new).await.map(|issued| Some(issued.into())),
        Call::Update(patch) => manager.update(&by, target.id, patch).await.map(|_| None),
        Call::Regenerate => manager
            .regenerate(&by, target.id, Overlap::NONE)
            .await
            .map(|issued| Some(TestKey { id: target.id, value: issued.value.expose().to_owned() })),
        Call::Revoke => manager.revoke(&by, target.id, None).await.map(|_| None),
        Call::Reactivate => manager.reactivate(&by, target.id).await.map(|_| None),
        Call::Delete => manager.delete(&by, target.id).await.map(|()| None),
    };
    let after = records(world).await;
    match made {
        Ok(issued) => {
            prop_assert!(mine.permissions.contains("api_keys:manage"));
            let touched: TestKey = issued.unwrap_or_else(|| target.clone());
            if grants {
                let held = Holdings::of_record(&after[&touched.id]);
                prop_assert!(held.is_within(&mine), "{held:?} by {mine:?}");
            }
            for (id, record) in &before {
                prop_assert!(*id == touched.id || after.get(id) == Some(record), "another key changed");
            }
            keys.retain(|key| key.id != touched.id || after.contains_key(&key.id));
            match keys.iter_mut().find(|key| key.id == touched.id) {
                Some(key) => *key = touched,
                None if creates => keys.push(touched),
                None => {}
            }
        }
        Err(error) => {
            prop_assert_eq!(&before, &after);
            let refused = usize::from(matches!(error, ManageError::ExceedsCaller(_)));
            prop_assert_eq!(world.events(Action::KeyGrantRefused).await.len(), refusals + refused);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn no_key_ever_holds_more_than_a_chain_of_grants_from_the_root_gave_it(
        seeds in prop::collection::vec(some_draft(), 2..5),
        attempts in prop::collection::vec(some_attempt(), 10..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let world = World::new().await;
            for channel in &CHANNELS[..3] {
                world.channel(channel).await;
            }
            let mut keys = vec![];
            for new in seeds {
                keys.push(world.key(new).await);
            }
            for step in attempts {
                attempt(&world, &mut keys, step).await?;
                if keys.is_empty() {
                    break;
                }
            }
            Ok::<(), TestCaseError>(())
        })?;
    }
}
