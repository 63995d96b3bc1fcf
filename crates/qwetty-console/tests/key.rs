//! The page of a key: what it tells, to whom, and what it offers.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use http::StatusCode;
use qwetty::{Charge, KeyPatch, NewKey, VerifyRequest};
use qwetty_authz::{Ask, ChannelScope, Channels};
use qwetty_keys::Overlap;
use qwetty_storage::ChannelKind;

use support::{DAY, HOUR, LIST, MINUTE, NOON, TestKey, World, draft, networks, owner};

fn page_of(key: &TestKey) -> String {
    format!("{LIST}/{}", key.id)
}

/// Uses a key value for one unit, asking for this permission.
async fn use_for(world: &World, value: &str, permission: &str) {
    let ask = Ask { address: Some([192, 0, 2, 7].into()), permissions: &[permission], channel: None };
    let request = VerifyRequest { organization: None, ask, charge: Charge::Units(1) };
    world.engine.verifier().verify(value, &request).await.unwrap();
}

#[tokio::test]
async fn it_tells_in_plain_words_what_the_key_is_able_to_do() {
    let world = World::new().await;
    let (organization, id) = (Some(world.organization), "support".parse().unwrap());
    let name = "Support <line>".parse().unwrap();
    world.manager.save_channel(&owner(), organization, &id, name, ChannelKind::Whatsapp).await.unwrap();
    let key = world
        .key(NewKey {
            description: Some("First line.\nSecond <b>line</b>.".parse().unwrap()),
            channels: ChannelScope::Only(Channels::try_from(vec![id]).unwrap()),
            networks: networks(&["10.0.0.0/8", "2001:db8::/32"]),
            expires_at: Some(NOON.saturating_add(30 * DAY)),
            ..draft("CRM & <co>", &["chats:read", "templates:send"])
        })
        .await;
    let page = world.signed_in(&world.root).await.get(&page_of(&key)).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    let abilities = page.between("id=\"abilities\"", "</section>");
    for words in [
        "Read chats and messages",
        "Send template messages",
        "Support &lt;line&gt;",
        "10.0.0.0/8",
        "2001:db8::/32",
        "31 January 2030, 12:00:00 UTC, in 1 month",
        "1,000 requests an hour",
    ] {
        assert!(abilities.contains(words), "{words}: {abilities}");
    }
    assert!(page.shows("<h1><bdi>CRM &amp; &lt;co&gt;</bdi></h1>"));
    assert!(page.shows("Second &lt;b&gt;line&lt;/b&gt;.") && page.shows(&key.value[..8]));
    assert!(page.shows(&key.id.to_string()) && !page.shows(&key.value) && !page.shows("<b>"));
    let root = world.signed_in(&world.root).await.get(&page_of(&world.root)).await;
    let abilities = root.between("id=\"abilities\"", "</section>");
    for words in
        ["Everything, now and later", "Every channel", "Every address", "Never", "5,000 requests an hour"]
    {
        assert!(abilities.contains(words), "{words}: {abilities}");
    }
}

#[tokio::test]
async fn usage_is_told_by_hour_by_day_and_by_reason() {
    let world = World::new().await;
    let key = world.key(draft("CRM", &["chats:read"])).await;
    for _ in 0..1_200 {
        use_for(&world, &key.value, "messages:send").await;
    }
    use_for(&world, &key.value, "chats:read").await;
    world.clock.advance(2 * DAY);
    use_for(&world, &key.value, "chats:read").await;
    use_for(&world, &key.value, "chats:read").await;
    world.clock.advance(MINUTE);
    let page = world.signed_in(&world.root).await.get(&page_of(&key)).await;
    let usage = page.between("id=\"usage\"", "id=\"history\"");
    assert!(
        usage.contains("<dd class=\"number\">3</dd>") && usage.contains("<dd class=\"number\">1,200</dd>")
    );
    assert!(usage.contains("1 minute ago"));
    let hours = page.between("id=\"hours\"", "</figure>");
    assert!(hours.contains("2 admitted") && hours.contains("0 denied"), "{hours}");
    assert!(hours.contains("<th scope=\"row\">3 January, 12:00</th><td class=\"number\">2</td>"), "{hours}");
    assert_eq!(hours.matches("<g>").count(), 24);
    let days = page.between("id=\"days\"", "</figure>");
    assert!(days.contains("3 admitted") && days.contains("1,200 denied"));
    assert!(days.contains(
        "<th scope=\"row\">1 January 2030</th><td class=\"number\">1</td><td class=\"number\">1,200</td>"
    ));
    assert_eq!(days.matches("<g>").count(), 30);
    let denials = page.between("id=\"denials\"", "</table>");
    assert!(denials.contains("A permission was lacking") && denials.contains("1,200"), "{denials}");
    assert!(!denials.contains("expired"));
}

#[tokio::test]
async fn the_quota_is_told_as_it_stands_and_looking_costs_nothing() {
    let world = World::new().await;
    let key = world.key(draft("CRM", &["chats:read"])).await;
    let mut browser = world.signed_in(&world.root).await;
    let quota = |page: &support::Answer| page.between("id=\"quota\"", "</section>").to_owned();
    let fresh = quota(&browser.get(&page_of(&key)).await);
    assert!(fresh.contains("<strong>1,000</strong>") && fresh.contains("Nothing is counted"), "{fresh}");
    for _ in 0..30 {
        use_for(&world, &key.value, "chats:read").await;
    }
    world.clock.advance(10 * MINUTE);
    for _ in 0..2 {
        let told = quota(&browser.get(&page_of(&key)).await);
        assert!(told.contains("<strong>970</strong> of 1,000 requests an hour left"), "{told}");
        assert!(told.contains("30 used") && told.contains("in 50 minutes"), "{told}");
        assert!(told.contains("datetime=\"2030-01-01T13:00:00Z\""), "{told}");
    }
}

#[tokio::test]
async fn banners_tell_why_a_key_does_not_work_or_soon_will_not() {
    let world = World::new().await;
    let mut browser = world.signed_in(&world.root).await;
    let soon = NewKey { expires_at: Some(NOON.saturating_add(3 * DAY)), ..draft("Soon", &["chats:read"]) };
    let soon = world.key(soon).await;
    let page = browser.get(&page_of(&soon)).await;
    assert!(page.shows("<strong>Expires</strong>") && page.shows("in 3 days"));
    let revoked = world.key(draft("Revoked", &["chats:read"])).await;
    let reason = Some("Leaked <here>".parse().unwrap());
    world.manager.revoke(&owner(), revoked.id, reason).await.unwrap();
    world.clock.advance(20 * MINUTE);
    let page = browser.get(&page_of(&revoked)).await;
    assert!(page.shows("<strong>Revoked</strong>") && page.shows("20 minutes ago"), "{}", page.body);
    assert!(page.shows("Leaked &lt;here&gt;"));
    world.clock.advance(4 * DAY);
    let mut browser = world.signed_in(&world.root).await;
    let page = browser.get(&page_of(&soon)).await;
    assert!(page.shows("<strong>Expired</strong>") && page.shows("a later expiration makes it usable again"));
}

#[tokio::test]
async fn an_overlap_shows_both_values_and_who_still_uses_the_old_one() {
    let world = World::new().await;
    let key = world.key(draft("CRM", &["chats:read"])).await;
    let overlap = Overlap::from_seconds(86_400).unwrap();
    let issued = world.manager.regenerate(&owner(), key.id, overlap).await.unwrap();
    world.clock.advance(20 * MINUTE);
    let mut browser = world.signed_in(&world.root).await;
    let page = browser.get(&page_of(&key)).await;
    assert!(page.shows("Two values work") && page.shows("data-countdown>23:40:00</time>"), "{}", page.body);
    assert!(page.shows(&key.value[..8]) && page.shows(&issued.value.expose()[..8]));
    assert!(page.shows("nobody has used it since"));
    use_for(&world, &key.value, "chats:read").await;
    world.clock.advance(5 * MINUTE);
    let page = browser.get(&page_of(&key)).await;
    assert!(page.shows("still in use") && page.shows("5 minutes ago"));
    world.clock.advance(DAY);
    let page = world.signed_in(&world.root).await.get(&page_of(&key)).await;
    assert!(!page.shows("Two values work"));
}

#[tokio::test]
async fn history_is_for_those_who_may_read_the_audit_log() {
    let world = World::new().await;
    let key = world.key(draft("CRM", &["chats:read"])).await;
    for index in 0..12 {
        world.clock.advance(MINUTE);
        let patch = KeyPatch { name: Some(format!("CRM {index}").parse().unwrap()), ..KeyPatch::default() };
        world.manager.update(&owner(), key.id, patch).await.unwrap();
    }
    let page = world.signed_in(&world.root).await.get(&page_of(&key)).await;
    let history = page.between("id=\"history\"", "</section>");
    assert_eq!(history.matches("Key changed").count(), 10);
    assert!(
        history.contains("All 13 events")
            && history.contains(&format!("/settings/audit-log?keyId={}", key.id))
    );
    let reader = world.key(draft("Reader", &["api_keys:read"])).await;
    let page = world.signed_in(&reader).await.get(&page_of(&key)).await;
    let history = page.between("id=\"history\"", "</section>");
    assert!(history.contains("audit:read") && !history.contains("Key changed"));
}

/// What the page offers, by the last part of the address.
fn offered(page: &support::Answer, key: &TestKey) -> Vec<&'static str> {
    let link = |step: &&str| page.shows(&format!("href=\"{}/{step}\"", page_of(key)));
    ["edit", "regenerate", "reactivate", "revoke", "delete"].into_iter().filter(link).collect()
}

#[tokio::test]
async fn what_the_law_or_the_state_forbids_is_not_offered() {
    let world = World::new().await;
    let manager = world.key(draft("Manager", &["api_keys:read", "api_keys:manage", "chats:read"])).await;
    let reader = world.key(draft("Reader", &["api_keys:read"])).await;
    let within = world.key(draft("Within", &["chats:read"])).await;
    let beyond = world.key(draft("Beyond", &["messages:send"])).await;
    let revoked = world.key(draft("Revoked", &["chats:read"])).await;
    world.revoke(&revoked).await;
    for (visitor, key, expected) in [
        (&world.root, &within, &["edit", "regenerate", "revoke", "delete"][..]),
        (&world.root, &world.root, &["regenerate", "revoke"]),
        (&world.root, &revoked, &["edit", "reactivate", "delete"]),
        (&manager, &within, &["edit", "regenerate", "revoke", "delete"]),
        (&manager, &beyond, &["edit", "revoke", "delete"]),
        (&manager, &manager, &["regenerate", "revoke"]),
        (&manager, &world.root, &[]),
        (&reader, &within, &[]),
        (&reader, &reader, &[]),
    ] {
        let mut browser = world.signed_in(visitor).await;
        let page = browser.get(&page_of(key)).await;
        assert_eq!(page.status, StatusCode::OK);
        assert_eq!(offered(&page, key), expected, "{} looks at {}", visitor.id, key.id);
        for step in ["edit", "regenerate", "reactivate", "revoke", "delete"] {
            let answer = browser.get(&format!("{}/{step}", page_of(key))).await;
            assert_eq!(answer.status == StatusCode::OK, expected.contains(&step), "{step}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn a_key_that_is_deleted_unknown_or_another_organizations_is_not_there() {
    let world = World::new().await;
    let other = world.manager.create_organization(&owner(), "Bakery".parse().unwrap()).await.unwrap();
    let all = ["api_keys:read", "api_keys:manage", "audit:read"];
    let baker = world.key(NewKey { organization: Some(other.id), ..draft("Baker", &all) }).await;
    let ours = world.key(draft("Ours", &["chats:read"])).await;
    let gone = world.key(draft("Gone", &["chats:read"])).await;
    world.manager.delete(&owner(), gone.id).await.unwrap();
    let mut bakers = world.signed_in(&baker).await;
    for id in [ours.id.to_string(), gone.id.to_string(), "key_x".to_owned(), "%2e%2e".to_owned()] {
        for step in ["", "/edit", "/regenerate", "/revoke", "/reactivate", "/delete"] {
            let page = bakers.get(&format!("{LIST}/{id}{step}")).await;
            assert_eq!(page.status, StatusCode::NOT_FOUND, "{id}{step}");
            assert!(!page.shows("Ours") && !page.shows("Gone"));
        }
    }
    let mut browser = world.signed_in(&world.root).await;
    assert_eq!(browser.get(&page_of(&gone)).await.status, StatusCode::NOT_FOUND);
    // An operator sees one organization's at a time.
    for step in ["", "/edit", "/regenerate", "/revoke", "/delete"] {
        let page = browser.get(&format!("{}{step}", page_of(&baker))).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{step}");
        assert!(!page.shows("Baker"));
    }
    let token = browser.get(LIST).await.token_for(support::SIGN_OUT);
    let revoke = format!("{}/revoke", page_of(&baker));
    assert_eq!(browser.post(&revoke, &[("csrf", &token)]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(bakers.get(&page_of(&baker)).await.status, StatusCode::OK, "nothing was done to it");
    let (organizations, switch) =
        ("/settings/organizations", format!("/settings/organizations/{}/switch", other.id));
    browser.fill(organizations, &switch, &[]).await;
    assert_eq!(browser.get(&page_of(&baker)).await.status, StatusCode::OK);
    assert_eq!(browser.get(&page_of(&ours)).await.status, StatusCode::NOT_FOUND);
    let own = format!("/settings/organizations/{}/switch", world.organization);
    browser.fill(organizations, &own, &[]).await;
    world.clock.advance(HOUR / 4);
    assert_eq!(browser.get(&format!("{}?x=1", page_of(&ours))).await.status, StatusCode::BAD_REQUEST);
}
