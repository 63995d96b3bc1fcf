//! Random lives of keys, the engine against a plain model: over restarts, with a clock that is set back.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod model;
#[path = "../support/mod.rs"]
mod support;

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use qwetty::{Charge, KeyPatch, ManageError, NewKey, Verdict, VerifyError};
use qwetty_authz::{Ask, ChannelScope, IpPolicy};
use qwetty_keys::{KeyId, Overlap, Status, Timestamp};
use qwetty_ratelimit::Tier;
use qwetty_storage::{MemoryStore, Store};
use qwetty_storage_sqlite::{Options, SqliteStore};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use model::{ADMIN, Answer, Asks, Model, STANDARD, Settings, Transition};
use support::{FROM_INSIDE, NOON, World, channels, code, draft, networks, owner, permission_set, quotas};

/// A well-formed value that no key has.
const UNKNOWN: &str = "qwt_00000000000000000000000000000000000000000001c0Dto";

const NOON_SECONDS: i64 = NOON.unix_seconds();

prop_state_machine! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]
    #[test]
    fn the_engine_does_as_the_model_in_memory(sequential 1..60 => Machine<InMemory>);
}

prop_state_machine! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]
    #[test]
    fn the_engine_does_as_the_model_over_sqlite(sequential 1..60 => Machine<OverSqlite>);
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Transition;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self::new(NOON_SECONDS)).boxed()
    }

    fn transitions(model: &Self) -> BoxedStrategy<Transition> {
        let key = any::<usize>();
        let lasting = prop_oneof![Just(1_i64), Just(59), Just(600), Just(3599), Just(3600), Just(86_400)];
        prop_oneof![
            2 => some_settings(model.wall).prop_map(|settings| Transition::Create { settings }),
            16 => some_verify(model),
            3 => (key, some_settings(model.wall), any::<bool>())
                .prop_map(|(key, settings, expiry_too)| Transition::Update { key, settings, expiry_too }),
            3 => (key, prop_oneof![Just(0_i64), Just(600), Just(604_800)])
                .prop_map(|(key, overlap)| Transition::Regenerate { key, overlap }),
            1 => key.prop_map(|key| Transition::Revoke { key }),
            2 => key.prop_map(|key| Transition::Reactivate { key }),
            1 => (key, Just(0)).prop_map(|(key, _)| Transition::Delete { key }),
            5 => lasting.clone().prop_map(|seconds| Transition::Advance { seconds }),
            1 => lasting.prop_map(|seconds| Transition::SetBack { seconds }),
            2 => Just(Transition::Flush),
            1 => Just(Transition::Restart),
        ]
        .boxed()
    }

    fn apply(mut model: Self, transition: &Transition) -> Self {
        model.apply(transition);
        model
    }
}

fn some_settings(wall: i64) -> impl Strategy<Value = Settings> {
    let expires_at = prop_oneof![
        2 => Just(None),
        3 => prop_oneof![Just(0), Just(1), Just(600), Just(3600), Just(86_400 * 30)]
            .prop_map(move |seconds| Some(wall + seconds)),
    ];
    (expires_at, prop::array::uniform4(any::<bool>())).prop_map(
        |(expires_at, [may_send, scoped, whitelisted, admin])| Settings {
            may_send,
            scoped,
            whitelisted,
            admin,
            expires_at,
        },
    )
}

/// Mostly of a value that the key has or lately had, and mostly of what it may do, so that quotas come into play.
fn some_verify(model: &Model) -> impl Strategy<Value = Transition> + use<> {
    let values: Vec<usize> = model.keys.iter().map(|key| key.values).collect();
    let asks = (prop::bool::weighted(0.2), prop::bool::weighted(0.1), prop::bool::weighted(0.1))
        .prop_map(|(send, other_channel, outside)| Asks { send, other_channel, outside });
    let cost = prop_oneof![1 => Just(None), 6 => Just(Some(1)), 6 => (0..=STANDARD + 1).prop_map(Some)];
    let back = prop_oneof![5 => Just(1_usize), 3 => Just(2), 1 => Just(3), 1 => Just(0)];
    (any::<usize>(), back, asks, cost).prop_map(move |(key, back, asks, cost)| {
        let had = key.checked_rem(values.len()).map_or(0, |place| values[place]);
        // One that it never had stands for garbage.
        let value = had.checked_sub(back).unwrap_or(usize::MAX - 1);
        Transition::Verify { key, value, asks, cost }
    })
}

/// Where a machine keeps its keys.
trait Backend: 'static {
    type Store: Store;
    type Guard;

    fn open() -> (Arc<Self::Store>, Self::Guard);
}

struct InMemory;

impl Backend for InMemory {
    type Store = MemoryStore;
    type Guard = ();

    fn open() -> (Arc<MemoryStore>, ()) {
        (Arc::new(MemoryStore::new()), ())
    }
}

struct OverSqlite;

impl Backend for OverSqlite {
    type Store = SqliteStore;
    type Guard = TempDir;

    fn open() -> (Arc<SqliteStore>, TempDir) {
        let directory = TempDir::new().unwrap();
        let store = SqliteStore::open(directory.path().join("qwetty.db"), Options::default()).unwrap();
        (Arc::new(store), directory)
    }
}

struct Machine<B>(PhantomData<B>);

struct Running<B: Backend> {
    runtime: Runtime,
    world: World<B::Store>,
    /// Each key with all its values, oldest first.
    keys: Vec<(KeyId, Vec<String>)>,
    _guard: B::Guard,
}

impl<B: Backend> StateMachineTest for Machine<B> {
    type SystemUnderTest = Running<B>;
    type Reference = Model;

    fn init_test(_: &Model) -> Running<B> {
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        let (store, guard) = B::open();
        let settings = support::Settings {
            quotas: quotas(&format!("{STANDARD}/3600"), &format!("{ADMIN}/3600")),
            ..support::Settings::default()
        };
        let world = runtime.block_on(async {
            let world = World::over(store, settings).await;
            world.channel("wa").await;
            world
        });
        Running { runtime, world, keys: Vec::new(), _guard: guard }
    }

    fn apply(mut running: Running<B>, model: &Model, transition: Transition) -> Running<B> {
        let Running { runtime, world, keys, .. } = &mut running;
        let answer = runtime.block_on(call(world, keys, model, &transition));
        assert_eq!(answer, model.answer, "{transition:?}");
        running
    }

    fn check_invariants(running: &Running<B>, model: &Model) {
        if !model.shown {
            return;
        }
        let Running { runtime, world, keys, .. } = running;
        for ((id, _), key) in keys.iter().zip(&model.keys) {
            let view = match runtime.block_on(world.manager.get(&owner(), *id)) {
                Ok(view) => view,
                Err(ManageError::NotFound) if key.deleted => continue,
                Err(error) => panic!("{error}"),
            };
            assert!(!key.deleted);
            let seconds = |at: Option<Timestamp>| at.map(Timestamp::unix_seconds);
            let told = (
                view.status.as_str(),
                (view.usage.request_count, view.usage.denied_count, seconds(view.usage.last_used_at)),
                (seconds(view.previous_value_expires_at()), seconds(view.previous_value_last_used_at())),
            );
            let expected = (
                key.status(model.wall),
                (key.admitted, key.denied, key.last_used),
                (key.previous_expires(model.wall), key.previous_used(model.wall)),
            );
            assert_eq!(told, expected, "{key:?}");
        }
        for status in [Status::Active, Status::ExpiringSoon, Status::Expired, Status::Revoked] {
            let listed = runtime.block_on(world.list(Some(status)));
            assert!(listed.iter().all(|key| key.status == status));
            let living = keys.iter().zip(&model.keys).filter(|(_, key)| !key.deleted);
            let expected = living.filter(|(_, key)| key.status(model.wall) == status.as_str());
            let mut expected: Vec<KeyId> = expected.map(|((id, _), _)| *id).collect();
            let mut listed: Vec<KeyId> = listed.iter().map(|key| key.record.id).collect();
            listed.retain(|id| *id != world.root.id);
            expected.sort_unstable();
            listed.sort_unstable();
            assert_eq!(listed, expected, "{status}");
        }
    }
}

async fn call<S: Store>(
    world: &mut World<S>,
    keys: &mut Vec<(KeyId, Vec<String>)>,
    model: &Model,
    transition: &Transition,
) -> Answer {
    let place = |key: usize| key.checked_rem(keys.len());
    let manager = world.manager.clone();
    let done = match *transition {
        Transition::Create { settings } => {
            match manager.create(&owner(), world.mine(new_key(settings))).await {
                Ok(issued) => {
                    keys.push((issued.key.record.id, vec![issued.value.expose().to_owned()]));
                    Ok(())
                }
                Err(error) => Err(error),
            }
        }
        Transition::Verify { key, value, asks, cost } => {
            let Some(key) = place(key) else { return Answer::Nothing };
            let value = keys[key].1.get(value).map_or(UNKNOWN, String::as_str);
            return verify(world, value, asks, cost).await;
        }
        Transition::Update { key, settings, expiry_too } => {
            let Some(key) = place(key) else { return Answer::Nothing };
            let all = new_key(settings);
            let patch = KeyPatch {
                permissions: Some(all.permissions),
                channels: Some(all.channels),
                networks: Some(all.networks),
                tier: Some(all.tier),
                expires_at: expiry_too.then_some(all.expires_at),
                ..KeyPatch::default()
            };
            manager.update(&owner(), keys[key].0, patch).await.map(drop)
        }
        Transition::Regenerate { key, overlap } => {
            let Some(key) = place(key) else { return Answer::Nothing };
            let overlap = Overlap::from_seconds(overlap.unsigned_abs()).unwrap();
            let (id, values) = &mut keys[key];
            manager
                .regenerate(&owner(), *id, overlap)
                .await
                .map(|issued| values.push(issued.value.expose().to_owned()))
        }
        Transition::Revoke { key } => {
            let Some(key) = place(key) else { return Answer::Nothing };
            manager.revoke(&owner(), keys[key].0, None).await.map(drop)
        }
        Transition::Reactivate { key } => {
            let Some(key) = place(key) else { return Answer::Nothing };
            manager.reactivate(&owner(), keys[key].0).await.map(drop)
        }
        Transition::Delete { key } => {
            let Some(key) = place(key) else { return Answer::Nothing };
            manager.delete(&owner(), keys[key].0).await
        }
        Transition::Advance { seconds } => {
            world.clock.advance(Duration::from_secs(seconds.unsigned_abs()));
            Ok(())
        }
        Transition::SetBack { .. } => {
            world.clock.set_wall(at(model.wall));
            Ok(())
        }
        Transition::Flush => {
            world.engine.flush().await.unwrap();
            Ok(())
        }
        Transition::Restart => {
            world.restart().await;
            Ok(())
        }
    };
    match done {
        Ok(()) => Answer::Done,
        Err(ManageError::NotFound) => Answer::Refused("not_found"),
        Err(ManageError::Invalid(_)) => Answer::Refused("invalid"),
        Err(ManageError::KeyRevoked) => Answer::Refused("key_revoked"),
        Err(ManageError::KeyExpired) => Answer::Refused("key_expired"),
        Err(error) => panic!("{error}"),
    }
}

async fn verify<S: Store>(world: &World<S>, value: &str, asks: Asks, cost: Option<u32>) -> Answer {
    let ask = Ask {
        address: FROM_INSIDE.address.filter(|_| !asks.outside),
        permissions: if asks.send { &["chats:read", "messages:send"] } else { &["chats:read"] },
        channel: Some(if asks.other_channel { "web" } else { "wa" }),
    };
    match world.verify(value, ask, cost.map_or(Charge::Nothing, Charge::Units)).await {
        Ok(verdict) => {
            let standing = match &verdict {
                Verdict::Allow(key) => key.standing().copied(),
                Verdict::Deny(denial) => denial.standing,
            };
            let remaining = standing.map(|standing| standing.level.remaining);
            Answer::Verdict { code: code(&verdict), remaining }
        }
        Err(VerifyError::CostOutOfRange { limit }) => Answer::CostOutOfRange(limit),
        Err(error) => panic!("{error}"),
    }
}

fn new_key(settings: Settings) -> NewKey {
    let permissions: &[&str] =
        if settings.may_send { &["chats:read", "messages:send"] } else { &["chats:read"] };
    NewKey {
        permissions: permission_set(permissions),
        channels: if settings.scoped { channels(&["wa"]) } else { ChannelScope::All },
        networks: if settings.whitelisted { networks(&["192.0.2.0/24"]) } else { IpPolicy::Any },
        tier: if settings.admin { Tier::Admin } else { Tier::Standard },
        expires_at: settings.expires_at.map(at),
        ..draft(&["chats:read"])
    }
}

const fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_micros(seconds * 1_000_000)
}
