//! The decision, check by check: what decides, what is counted, what time and quota do.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::time::Duration;

use qwetty::{Charge, DenialCode, KeyPatch, NewKey, Verdict, VerifiedKey, VerifyError, VerifyRequest};
use qwetty_authz::Ask;
use qwetty_keys::{Digester, Generation, Overlap, Pepper, Timestamp};
use qwetty_ratelimit::Tier;

use support::{
    ANYTHING, DAY, FROM_INSIDE, HOUR, NOON, Settings, TestKey, World, allowed, channels, code, denied, draft,
    networks, owner, permission_set,
};

const MICROSECOND: Duration = Duration::from_micros(1);

const GOOD: Ask<'static> = Ask { permissions: &["chats:read"], channel: Some("wa-main"), ..FROM_INSIDE };

fn after(duration: Duration) -> Timestamp {
    NOON.saturating_add(duration)
}

fn seconds(seconds: u64) -> Overlap {
    Overlap::from_seconds(seconds).unwrap()
}

/// A key that is restricted in every way, with a quota of three an hour; it expires in a day.
async fn restricted() -> (World, TestKey) {
    let world = World::with_quotas("3/3600", "5/3600").await;
    world.channel("wa-main").await;
    let mut new = draft(&["chats:read"]);
    new.channels = channels(&["wa-main"]);
    new.networks = networks(&["192.0.2.0/24"]);
    new.expires_at = Some(after(DAY));
    let key = world.key(new).await;
    (world, key)
}

/// Something that makes one check fail.
#[derive(Debug, Clone, Copy)]
enum Fault {
    OtherOrganization,
    Revoked,
    Expired,
    Address,
    Permission,
    Channel,
    Quota,
}

impl Fault {
    /// In the order of the checks.
    const ALL: [(Self, &'static str); 7] = [
        (Self::OtherOrganization, "not_found"),
        (Self::Revoked, "revoked"),
        (Self::Expired, "expired"),
        (Self::Address, "ip_not_allowed"),
        (Self::Permission, "insufficient_permissions"),
        (Self::Channel, "channel_not_allowed"),
        (Self::Quota, "rate_limited"),
    ];
}

/// The verdict on a key with these faults, and how it was counted.
async fn verdict_with(faults: &[Fault], charge: Charge) -> (Verdict, (u64, u64)) {
    let (world, key) = restricted().await;
    let mut request = VerifyRequest { organization: None, ask: GOOD, charge };
    let mut spent = 0;
    // Last check first, so that the quota can be spent while the key is good.
    for fault in faults.iter().rev() {
        match fault {
            Fault::OtherOrganization => {
                let other =
                    world.manager.create_organization(&owner(), "Other".parse().unwrap()).await.unwrap();
                request.organization = Some(other.id);
            }
            Fault::Revoked => world.revoke(&key).await,
            Fault::Expired => world.clock.advance(DAY),
            Fault::Address => request.ask.address = None,
            Fault::Permission => request.ask.permissions = &["chats:read", "messages:send"],
            Fault::Channel => request.ask.channel = Some("web"),
            Fault::Quota => {
                let verdict = world.verify(&key.value, GOOD, Charge::Units(3)).await.unwrap();
                assert_eq!(code(&verdict), "valid");
                spent = 1;
            }
        }
    }
    let verdict = world.verifier.verify(&key.value, &request).await.unwrap();
    let (admitted, denied) = world.counts(&key).await;
    (verdict, (admitted - spent, denied))
}

#[tokio::test]
async fn the_first_check_that_fails_decides() {
    for (place, (fault, expected)) in Fault::ALL.into_iter().enumerate() {
        let alone = verdict_with(&[fault], Charge::Units(1)).await.0;
        assert_eq!(code(&alone), expected);
        let later: Vec<Fault> = Fault::ALL[place..].iter().map(|(fault, _)| *fault).collect();
        let first_of_many = verdict_with(&later, Charge::Units(1)).await.0;
        assert_eq!(code(&first_of_many), expected, "{later:?}");
    }
    assert_eq!(code(&verdict_with(&[], Charge::Units(1)).await.0), "valid");
}

#[tokio::test]
async fn refusals_are_counted_from_check_two_on() {
    for (fault, code) in Fault::ALL {
        let counted = verdict_with(&[fault], Charge::Units(1)).await.1;
        assert_eq!(counted, (0, u64::from(code != "not_found")), "{code}");
    }
    assert_eq!(verdict_with(&[], Charge::Units(2)).await.1, (1, 0), "a call counts once, whatever its cost");
}

#[tokio::test]
async fn an_uncharged_decision_counts_nothing_and_asks_no_quota() {
    for (fault, expected) in Fault::ALL {
        let (verdict, counted) = verdict_with(&[fault], Charge::Nothing).await;
        let expected = if expected == "rate_limited" { "valid" } else { expected };
        assert_eq!((code(&verdict), counted), (expected, (0, 0)));
        if let Verdict::Allow(key) = verdict {
            assert_eq!(key.standing(), None);
        }
    }
}

#[tokio::test]
async fn a_refusal_names_the_key_unless_it_is_not_found() {
    for (fault, expected) in Fault::ALL {
        let Verdict::Deny(denial) = verdict_with(&[fault], Charge::Units(1)).await.0 else { panic!() };
        assert_eq!(denial.code.to_string(), expected);
        assert_eq!(denial.key.is_some(), expected != "not_found");
        assert_eq!(denial.standing.is_some(), expected == "rate_limited");
    }
}

#[tokio::test]
async fn a_malformed_value_is_refused_without_a_look_up() {
    let (world, key) = restricted().await;
    let before = world.gates.finds();
    let mut slip = key.value.clone();
    slip.replace_range(10..11, if &slip[10..11] == "a" { "b" } else { "a" });
    for value in [&slip, &key.value[1..], &format!("{} ", key.value), ""] {
        assert_eq!(world.code_for(value, GOOD).await, "not_found");
    }
    assert_eq!(world.gates.finds(), before);
}

#[tokio::test]
async fn a_key_in_memory_costs_no_look_up_whatever_the_verdict() {
    let (world, key) = restricted().await;
    assert_eq!(world.code_for(&key.value, GOOD).await, "valid");
    let before = world.gates.finds();
    for _ in 0..3 {
        world.code_for(&key.value, GOOD).await;
        world.code_for(&key.value, ANYTHING).await;
    }
    assert_eq!(world.gates.finds(), before);
}

#[tokio::test]
async fn an_older_value_works_until_its_overlap_ends() {
    let world = World::new().await;
    let key = world.key(draft(&["chats:read"])).await;
    let newer = world.manager.regenerate(&owner(), key.id, seconds(60)).await.unwrap();
    let newer = newer.value.expose();
    let generation = |verdict| allowed(verdict).generation();
    let verify = async |value: &str| world.verify(value, ANYTHING, Charge::Units(1)).await.unwrap();

    world.clock.advance(Duration::from_secs(60) - MICROSECOND);
    assert_eq!(generation(verify(&key.value).await), Generation::Previous);
    assert_eq!(generation(verify(newer).await), Generation::Current);
    world.clock.advance(MICROSECOND);
    assert_eq!(world.code(&key.value).await, "not_found");
    assert_eq!(world.code(newer).await, "valid");
    world.clock.set_wall(NOON);
    assert_eq!(world.code(&key.value).await, "not_found", "it was over once");
    assert_eq!(world.counts(&key).await, (3, 0));
}

#[tokio::test]
async fn an_overlap_ends_with_a_second_regeneration_and_with_a_revocation() {
    let world = World::new().await;
    let first = world.key(draft(&["chats:read"])).await;
    let regenerate = async |overlap| {
        let issued = world.manager.regenerate(&owner(), first.id, overlap).await.unwrap();
        issued.value.expose().to_owned()
    };
    let second = regenerate(seconds(600)).await;
    assert_eq!(world.code(&first.value).await, "valid");
    let third = regenerate(seconds(600)).await;
    assert_eq!(world.code(&first.value).await, "not_found");
    assert_eq!(world.code(&second).await, "valid");
    world.revoke(&first).await;
    assert_eq!(world.code(&second).await, "not_found");
    assert_eq!(world.code(&third).await, "revoked");
    world.manager.reactivate(&owner(), first.id).await.unwrap();
    assert_eq!(world.code(&second).await, "not_found", "nothing brings an older value back");
    assert_eq!(world.code(&third).await, "valid");
}

#[tokio::test]
async fn an_overlap_ends_with_the_key() {
    let world = World::new().await;
    let mut new = draft(&["chats:read"]);
    new.expires_at = Some(after(HOUR));
    let key = world.key(new).await;
    let newer = world.manager.regenerate(&owner(), key.id, seconds(604_800)).await.unwrap();
    world.clock.advance(HOUR - MICROSECOND);
    assert_eq!(world.code(&key.value).await, "valid");
    world.clock.advance(MICROSECOND);
    assert_eq!(world.code(&key.value).await, "not_found");
    assert_eq!(world.code(newer.value.expose()).await, "expired");
    // A later expiry revives the key, but not the value that had ended.
    world.update(&key, KeyPatch { expires_at: Some(None), ..KeyPatch::default() }).await;
    assert_eq!(world.code(&key.value).await, "not_found");
    assert_eq!(world.code(newer.value.expose()).await, "valid");
}

#[tokio::test]
async fn a_key_expires_on_the_microsecond() {
    let world = World::new().await;
    let mut new = draft(&["chats:read"]);
    new.expires_at = Some(after(HOUR + MICROSECOND));
    let key = world.key(new).await;
    world.clock.advance(HOUR);
    assert_eq!(world.code(&key.value).await, "valid");
    world.clock.advance(MICROSECOND);
    assert_eq!(world.code(&key.value).await, "expired");
}

#[tokio::test]
async fn a_verified_key_says_which_one_it_is() {
    let world = World::new().await;
    let key = world.key(NewKey { tier: Tier::Admin, ..draft(&["chats:read"]) }).await;
    let verified = judged(&world, &key.value).await;
    assert_eq!((verified.id(), verified.tier(), verified.name().as_str()), (key.id, Tier::Admin, "A key"));
    let shown = format!("{verified:?}");
    assert!(shown.contains(&format!("{:?}", key.id)), "{shown}");
    assert!(!shown.contains(&key.value), "{shown}");
}

#[tokio::test]
async fn a_refused_key_says_which_one_it_is() {
    let world = World::new().await;
    let key = world.key(draft(&["chats:read"])).await;
    world.revoke(&key).await;
    let Verdict::Deny(denial) = world.verify(&key.value, FROM_INSIDE, Charge::Nothing).await.unwrap() else {
        panic!("it is revoked")
    };
    let identity = denial.key.unwrap();
    assert_eq!((identity.id(), identity.name().as_str()), (key.id, "A key"));
    let shown = format!("{identity:?}");
    assert!(shown.contains(&format!("{:?}", key.id)) && shown.contains("A key"), "{shown}");
}

#[tokio::test]
async fn a_verified_key_says_when_it_expires_if_ever() {
    let (world, expiring) = restricted().await;
    let lasting = world.key(draft(&["chats:read"])).await;
    assert_eq!(judged(&world, &expiring.value).await.expires_at(), Some(after(DAY)));
    assert_eq!(judged(&world, &lasting.value).await.expires_at(), None);
}

#[tokio::test]
async fn a_clock_set_back_does_not_revive_what_was_refused() {
    for charge in [Charge::Units(1), Charge::Nothing] {
        let mut world = World::new().await;
        let mut new = draft(&["chats:read"]);
        new.expires_at = Some(after(HOUR));
        let (refused, unseen) = (world.key(new.clone()).await, world.key(new).await);
        world.clock.advance(HOUR);
        assert_eq!(code(&world.verify(&refused.value, ANYTHING, charge).await.unwrap()), "expired");
        world.clock.set_wall(NOON);
        assert_eq!(world.code(&refused.value).await, "expired");
        assert_eq!(world.view(&refused).await.status.as_str(), "expired");
        assert!(world.manager.regenerate(&owner(), refused.id, Overlap::NONE).await.is_err());
        assert_eq!(world.code(&unseen.value).await, "valid", "it goes by the clock: it was never refused");

        // Whatever makes the record be read again.
        world
            .update(&refused, KeyPatch { name: Some("Other".parse().unwrap()), ..KeyPatch::default() })
            .await;
        assert_eq!(world.code(&refused.value).await, "expired");
        world
            .update(&refused, KeyPatch { expires_at: Some(Some(after(2 * HOUR))), ..KeyPatch::default() })
            .await;
        assert_eq!(world.code(&refused.value).await, "valid", "a later expiry revives");
        world.restart().await;
        assert_eq!(world.code(&refused.value).await, "valid");
    }
}

#[tokio::test]
async fn a_cost_is_one_to_the_limit() {
    let world = World::with_quotas("3/3600", "5/3600").await;
    let key = world.key(draft(&["chats:read"])).await;
    for cost in [0, 4, u32::MAX] {
        match world.verify(&key.value, ANYTHING, Charge::Units(cost)).await {
            Err(VerifyError::CostOutOfRange { limit: 3 }) => {}
            other => panic!("{cost}: {other:?}"),
        }
    }
    assert_eq!(world.counts(&key).await, (0, 0));
    assert_eq!(world.spend(&key.value, 3).await.level.remaining, 0);
}

#[tokio::test]
async fn the_standard_quota_is_a_thousand_an_hour() {
    let world = World::new().await;
    let key = world.key(draft(&["chats:read"])).await;
    for left in (0..1000).rev() {
        assert_eq!(world.spend(&key.value, 1).await.level.remaining, left);
    }
    let refusal = world.verify(&key.value, ANYTHING, Charge::Units(1)).await.unwrap();
    let (code, standing) = denied(refusal);
    let standing = standing.unwrap();
    assert_eq!((code, standing.level.remaining, standing.level.grows_in), (DenialCode::RateLimited, 0, HOUR));
    assert_eq!((standing.tier, standing.at), (Tier::Standard, NOON));
    world.clock.advance(HOUR - MICROSECOND);
    assert_eq!(world.code(&key.value).await, "rate_limited");
    world.clock.advance(MICROSECOND);
    assert_eq!(world.spend(&key.value, 1).await.level.remaining, 999);
}

#[tokio::test]
async fn what_else_is_refused_takes_nothing_from_the_quota() {
    let (world, key) = restricted().await;
    for _ in 0..10 {
        assert_eq!(world.code_for(&key.value, ANYTHING).await, "ip_not_allowed");
    }
    let verdict = world.verify(&key.value, GOOD, Charge::Units(1)).await.unwrap();
    assert_eq!(allowed(verdict).standing().unwrap().level.remaining, 2);
    assert_eq!(code(&world.verify(&key.value, GOOD, Charge::Units(3)).await.unwrap()), "rate_limited");
    assert_eq!(code(&world.verify(&key.value, GOOD, Charge::Units(2)).await.unwrap()), "valid");
}

#[tokio::test]
async fn a_tier_change_applies_at_once_and_keeps_the_history() {
    let world = World::with_quotas("3/3600", "5/3600").await;
    let key = world.key(draft(&["chats:read"])).await;
    let tier = |tier| KeyPatch { tier: Some(tier), ..KeyPatch::default() };
    world.spend(&key.value, 3).await;
    world.update(&key, tier(Tier::Admin)).await;
    assert_eq!(world.spend(&key.value, 1).await.level.remaining, 1);
    world.update(&key, tier(Tier::Standard)).await;
    assert_eq!(world.code(&key.value).await, "rate_limited");
    world.update(&key, tier(Tier::Admin)).await;
    assert_eq!(world.spend(&key.value, 1).await.level.remaining, 0);
    assert_eq!(world.code(&key.value).await, "rate_limited");
}

#[tokio::test]
async fn nothing_that_happens_to_a_key_gives_it_a_new_quota() {
    let world = World::with_quotas("3/3600", "5/3600").await;
    let key = world.key(draft(&["chats:read"])).await;
    world.spend(&key.value, 1).await;
    let newer = world.manager.regenerate(&owner(), key.id, seconds(60)).await.unwrap();
    let newer = newer.value.expose();
    assert_eq!(world.spend(newer, 1).await.level.remaining, 1);
    assert_eq!(world.spend(&key.value, 1).await.level.remaining, 0, "both values share the quota");
    world.revoke(&key).await;
    world.manager.reactivate(&owner(), key.id).await.unwrap();
    assert_eq!(world.code(newer).await, "rate_limited");
    world.update(&key, KeyPatch { expires_at: Some(Some(after(DAY))), ..KeyPatch::default() }).await;
    assert_eq!(world.code(newer).await, "rate_limited");
}

#[tokio::test]
async fn a_value_from_before_a_change_of_pepper_still_works_and_costs_no_look_up_each_time() {
    let (old, new) = (Pepper::from_bytes([1; 32]), Pepper::from_bytes([2; 32]));
    let settings = |digester| Settings { digester, ..Settings::default() };
    let mut world = World::with(settings(Digester::new(Some(&old)))).await;
    let key = world.key(draft(&["chats:read"])).await;
    world.restart_with(settings(Digester::new(Some(&new)).with_retired(Some(&old)))).await;
    assert_eq!(world.code(&key.value).await, "valid");
    let before = world.gates.finds();
    assert_eq!(world.code(&key.value).await, "valid");
    assert_eq!(world.gates.finds(), before);
    world.revoke(&key).await;
    assert_eq!(world.code(&key.value).await, "revoked");
    world.restart_with(settings(Digester::new(Some(&new)))).await;
    assert_eq!(world.code(&key.value).await, "not_found", "a pepper that is not retired but gone");
}

/// What a session would be told that began when the key was good.
async fn code_again(world: &World, key: &VerifiedKey, ask: Ask<'_>) -> &'static str {
    let request = VerifyRequest { organization: None, ask, charge: Charge::Nothing };
    code(&world.verifier.verify_again(key, &request).await.unwrap())
}

async fn judged(world: &World, value: &str) -> VerifiedKey {
    allowed(world.verify(value, FROM_INSIDE, Charge::Nothing).await.unwrap())
}

#[tokio::test]
async fn a_key_is_judged_again_as_it_is_now() {
    let (world, key) = restricted().await;
    let session = judged(&world, &key.value).await;
    assert_eq!(code_again(&world, &session, GOOD).await, "valid");
    assert_eq!(code_again(&world, &session, ANYTHING).await, "ip_not_allowed");
    world.revoke(&key).await;
    assert_eq!(code_again(&world, &session, GOOD).await, "revoked");
    world.manager.reactivate(&owner(), key.id).await.unwrap();
    assert_eq!(code_again(&world, &session, GOOD).await, "valid");
    let permissions = Some(permission_set(&["messages:send"]));
    world.update(&key, KeyPatch { permissions, ..KeyPatch::default() }).await;
    assert_eq!(code_again(&world, &session, GOOD).await, "insufficient_permissions");
    world.clock.advance(DAY);
    assert_eq!(code_again(&world, &session, FROM_INSIDE).await, "expired");
    assert_eq!(world.counts(&key).await, (0, 0));
}

#[tokio::test]
async fn a_deleted_key_is_not_found_again() {
    let world = World::new().await;
    let key = world.key(draft(&["chats:read"])).await;
    let session = judged(&world, &key.value).await;
    world.manager.delete(&owner(), key.id).await.unwrap();
    assert_eq!(code_again(&world, &session, ANYTHING).await, "not_found");
}

#[tokio::test]
async fn a_value_is_judged_again_as_long_as_it_works() {
    let world = World::new().await;
    let key = world.key(draft(&["chats:read"])).await;
    let first = judged(&world, &key.value).await;
    let second = world.manager.regenerate(&owner(), key.id, seconds(3600)).await.unwrap();
    let second = judged(&world, second.value.expose()).await;
    // Judged during the overlap: a session that began with the older value, or went on with it.
    let during = judged(&world, &key.value).await;
    assert_eq!(during.generation(), Generation::Previous);
    for session in [&first, &second, &during] {
        assert_eq!(code_again(&world, session, ANYTHING).await, "valid");
    }
    world.clock.advance(HOUR);
    for session in [&first, &during] {
        assert_eq!(code_again(&world, session, ANYTHING).await, "not_found");
    }
    assert_eq!(code_again(&world, &second, ANYTHING).await, "valid");
    world.manager.regenerate(&owner(), key.id, Overlap::NONE).await.unwrap();
    assert_eq!(code_again(&world, &second, ANYTHING).await, "not_found");
}
