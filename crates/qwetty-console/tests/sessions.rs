//! Signing in, staying signed in, and all the ways in which that ends.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use http::StatusCode;
use qwetty::KeyPatch;
use qwetty_authz::PermissionSet;
use qwetty_console::ConsoleOptions;
use qwetty_keys::Overlap;

use support::{Browser, HOUR, LIST, MINUTE, SIGN_IN, SIGN_OUT, TestKey, World, draft, networks, owner};

async fn reader(world: &World) -> TestKey {
    world.key(draft("Reader", &["api_keys:read"])).await
}

async fn is_signed_in(browser: &mut Browser<'_>) -> bool {
    let answer = browser.get(LIST).await;
    match answer.status {
        StatusCode::OK => true,
        StatusCode::SEE_OTHER => {
            assert!(answer.location().starts_with(SIGN_IN), "{}", answer.location());
            false
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_key_that_reads_keys_signs_in() {
    let world = World::new().await;
    let key = reader(&world).await;
    let mut browser = Browser::of(&world);
    let answer = browser.get(LIST).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, SIGN_IN));
    let answer = browser.sign_in(&format!("  {}\n", key.value)).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, LIST));
    let page = browser.get(LIST).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.shows("Reader") && !page.shows(&key.value));
    assert!(browser.cookies.values().all(|value| !value.contains("qwt_")));
}

#[tokio::test]
async fn nobody_else_signs_in_or_learns_why() {
    let world = World::new().await;
    let (revoked, expired) = (
        reader(&world).await,
        world
            .key({
                let mut new = draft("Short", &["api_keys:read"]);
                new.expires_at = Some(support::NOON.saturating_add(HOUR));
                new
            })
            .await,
    );
    world.revoke(&revoked).await;
    world.clock.advance(HOUR);
    let mut bodies = Vec::new();
    for value in ["", "qwt_nonsense", &revoked.value, &expired.value] {
        let mut browser = Browser::of(&world);
        browser.cookies.insert("qwetty-visit".into(), "0".repeat(64));
        let answer = browser.sign_in(value).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{value}");
        assert!(!browser.cookies.contains_key("qwetty-session"));
        bodies.push(answer.body);
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]));
    assert!(!bodies[0].contains("qwt_"), "what was typed is not shown again");
}

#[tokio::test]
async fn a_key_that_may_not_is_told_so() {
    let world = World::new().await;
    let sender = world.key(draft("Sender", &["messages:send"])).await;
    let answer = Browser::of(&world).sign_in(&sender.value).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.shows("does not hold api_keys:read"));
    let mut new = draft("Elsewhere", &["api_keys:read"]);
    new.networks = networks(&["203.0.113.0/24"]);
    let elsewhere = world.key(new).await;
    let answer = Browser::of(&world).sign_in(&elsewhere.value).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.shows("may not be used from your address"));
}

#[tokio::test]
async fn a_session_ends_after_half_an_hour_without_a_request() {
    let world = World::new().await;
    let key = reader(&world).await;
    let mut browser = world.signed_in(&key).await;
    for _ in 0..4 {
        world.clock.advance(29 * MINUTE);
        assert!(is_signed_in(&mut browser).await);
    }
    world.clock.advance(30 * MINUTE);
    let answer = browser.get(LIST).await;
    assert_eq!(answer.location(), "/settings/sign-in?reason=ended");
    assert!(!browser.cookies.contains_key("qwetty-session"));
    assert!(browser.get("/settings/sign-in?reason=ended").await.shows("Your session has ended"));
}

#[tokio::test]
async fn a_session_ends_after_half_a_day_whatever_is_done() {
    let world = World::new().await;
    let key = reader(&world).await;
    let mut browser = world.signed_in(&key).await;
    for _ in 0..35 {
        world.clock.advance(20 * MINUTE);
        assert!(is_signed_in(&mut browser).await);
    }
    world.clock.advance(20 * MINUTE);
    assert!(!is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn setting_the_clock_back_lengthens_no_session() {
    let world = World::new().await;
    let key = reader(&world).await;
    let mut browser = world.signed_in(&key).await;
    world.clock.advance(30 * MINUTE);
    world.clock.set_wall(support::NOON);
    assert!(!is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn a_session_ends_with_its_key() {
    for ending in ["revoke", "delete", "regenerate", "expire", "narrow"] {
        let world = World::new().await;
        let key = reader(&world).await;
        let mut browser = world.signed_in(&key).await;
        let kept = browser.cookies.clone();
        assert!(is_signed_in(&mut browser).await);
        match ending {
            "revoke" => world.revoke(&key).await,
            "delete" => world.manager.delete(&owner(), key.id).await.unwrap(),
            "regenerate" => drop(world.manager.regenerate(&owner(), key.id, Overlap::NONE).await.unwrap()),
            "expire" => {
                let expires_at = Some(Some(support::NOON.saturating_add(MINUTE)));
                let patch = KeyPatch { expires_at, ..KeyPatch::default() };
                world.manager.update(&owner(), key.id, patch).await.unwrap();
                world.clock.advance(MINUTE);
            }
            _ => {
                let permissions = PermissionSet::from_permissions(["chats:read".parse().unwrap()]);
                let patch = KeyPatch { permissions, ..KeyPatch::default() };
                world.manager.update(&owner(), key.id, patch).await.unwrap();
            }
        }
        assert!(!is_signed_in(&mut browser).await, "{ending}");
        if ending == "revoke" {
            world.manager.reactivate(&owner(), key.id).await.unwrap();
            browser.cookies = kept;
            assert!(!is_signed_in(&mut browser).await, "it does not come back");
        }
    }
}

#[tokio::test]
async fn during_an_overlap_a_session_goes_on() {
    let world = World::new().await;
    let key = reader(&world).await;
    let mut browser = world.signed_in(&key).await;
    let overlap = Overlap::from_seconds(600).unwrap();
    world.manager.regenerate(&owner(), key.id, overlap).await.unwrap();
    assert!(is_signed_in(&mut browser).await);
    world.clock.advance(10 * MINUTE);
    assert!(!is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn a_stolen_cookie_is_of_no_use_outside_the_whitelist_and_does_not_end_the_session() {
    let world = World::new().await;
    let mut new = draft("At home", &["api_keys:read"]);
    new.networks = networks(&["192.0.2.0/24"]);
    let key = world.key(new).await;
    let mut browser = world.signed_in(&key).await;
    browser.address = [203, 0, 113, 9].into();
    let answer = browser.get(LIST).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(!answer.shows("At home"));
    browser.address = [192, 0, 2, 8].into();
    assert!(is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn whoever_is_where_their_key_may_not_be_used_can_sign_out() {
    let world = World::new().await;
    let mut new = draft("At home", &["api_keys:read"]);
    new.networks = networks(&["192.0.2.0/24"]);
    let key = world.key(new).await;
    let mut browser = world.signed_in(&key).await;
    browser.address = [203, 0, 113, 9].into();
    let refused = browser.get(LIST).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let token = refused.token_for(SIGN_OUT);
    let answer = browser.post(SIGN_OUT, &[("csrf", &token)]).await;
    assert_eq!(answer.location(), "/settings/sign-in?reason=signed-out");
    assert!(!browser.cookies.contains_key("qwetty-session"));
    browser.address = [192, 0, 2, 7].into();
    assert!(!is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn signing_out_ends_the_session_for_every_copy_of_the_cookie() {
    let world = World::new().await;
    let key = reader(&world).await;
    let mut browser = world.signed_in(&key).await;
    let mut copy = Browser::of(&world);
    copy.cookies = browser.cookies.clone();
    let token = browser.get(LIST).await.token_for(SIGN_OUT);
    let answer = browser.post(SIGN_OUT, &[("csrf", &token)]).await;
    assert_eq!(answer.location(), "/settings/sign-in?reason=signed-out");
    assert!(!browser.cookies.contains_key("qwetty-session"));
    assert!(!is_signed_in(&mut copy).await);
}

#[tokio::test]
async fn a_sign_in_makes_a_new_id_and_ends_the_one_before() {
    let world = World::new().await;
    let key = reader(&world).await;
    let mut new = draft("At home", &["api_keys:read"]);
    new.networks = networks(&["192.0.2.0/24"]);
    let at_home = world.key(new).await;
    let mut browser = world.signed_in(&at_home).await;
    let mut before = Browser::of(&world);
    before.cookies = browser.cookies.clone();
    browser.address = [203, 0, 113, 9].into();
    browser.sign_in(&key.value).await;
    assert_ne!(browser.cookies, before.cookies);
    assert!(is_signed_in(&mut browser).await);
    assert!(!is_signed_in(&mut before).await);
}

#[tokio::test]
async fn a_cookie_that_somebody_else_chose_is_no_session() {
    let world = World::new().await;
    let key = reader(&world).await;
    let mut browser = Browser::of(&world);
    browser.cookies.insert("qwetty-session".into(), "a".repeat(64));
    browser.sign_in(&key.value).await;
    assert_ne!(browser.cookies["qwetty-session"], "a".repeat(64));
}

#[tokio::test]
async fn a_key_has_twenty_sessions_at_most_and_the_idlest_makes_room() {
    let world = World::new().await;
    let key = reader(&world).await;
    let mut browsers = Vec::new();
    for _ in 0..20 {
        browsers.push(world.signed_in(&key).await);
        world.clock.advance(MINUTE / 10);
    }
    assert!(is_signed_in(&mut browsers[0]).await);
    world.clock.advance(MINUTE / 10);
    let mut last = world.signed_in(&key).await;
    assert!(is_signed_in(&mut last).await);
    assert!(is_signed_in(&mut browsers[0]).await);
    assert!(!is_signed_in(&mut browsers[1]).await);
}

#[tokio::test]
async fn cookies_are_for_the_console_alone_and_secure_under_tls() {
    let trusted: qwetty_authz::Network = "192.0.2.7/32".parse().unwrap();
    let behind_proxy =
        || ConsoleOptions { trusted_proxies: [trusted].into_iter().collect(), ..ConsoleOptions::default() };
    for (options, header, is_secure) in [
        (ConsoleOptions::default(), "https", false),
        (ConsoleOptions { is_tls: true, ..ConsoleOptions::default() }, "", true),
        (behind_proxy(), "https", true),
        (behind_proxy(), "http", false),
        (behind_proxy(), "https, http", true),
        (behind_proxy(), "http, https", false),
    ] {
        let world = World::with(options).await;
        let key = reader(&world).await;
        let mut browser = Browser::of(&world);
        browser.headers.push(("x-forwarded-proto", header));
        let answer = browser.sign_in(&key.value).await;
        let cookie = answer.set_cookies()[0];
        assert!(cookie.contains("; Path=/settings; HttpOnly; SameSite=Strict"), "{cookie}");
        assert_eq!(cookie.contains("; Secure"), is_secure, "{header}: {cookie}");
        assert_eq!(cookie.starts_with("__Secure-"), is_secure, "{cookie}");
        assert!(is_signed_in(&mut browser).await);
    }
}

#[tokio::test]
async fn a_sign_in_leads_to_where_one_was_going() {
    let world = World::new().await;
    let key = reader(&world).await;
    let mut browser = Browser::of(&world);
    let going = browser.get("/settings/api-keys?search=a%26b&page=2").await;
    let answer = browser.sign_in_from(going.location(), &key.value).await;
    assert_eq!(answer.location(), "/settings/api-keys?search=a%26b&page=2");
    for next in ["https://evil.example/", "//evil.example", "/api/v1/me", "/settings/..//evil.example"] {
        let mut browser = Browser::of(&world);
        let token = browser.get(SIGN_IN).await.token_for(SIGN_IN);
        let answer = browser.post(SIGN_IN, &[("csrf", &token), ("next", next), ("key", &key.value)]).await;
        assert_eq!(answer.location(), LIST, "{next}");
    }
}

#[tokio::test(start_paused = true)]
async fn failures_are_slowed_and_a_good_key_is_never_locked_out() {
    let world = World::new().await;
    let key = reader(&world).await;
    let chats = world.key(draft("Chats", &["chats:read"])).await;
    let mut statuses = Vec::new();
    for _ in 0..25 {
        let answer = Browser::of(&world).sign_in("qwt_wrong").await;
        statuses.push((answer.status.as_u16(), answer.headers.contains_key("retry-after")));
    }
    assert_eq!(statuses[..20], [(403, false); 20]);
    assert_eq!(statuses[20..], [(429, true); 5]);
    let began = tokio::time::Instant::now();
    assert_eq!(Browser::of(&world).sign_in(&key.value).await.status, StatusCode::SEE_OTHER);
    // A key that is good for something else is no guess.
    assert_eq!(Browser::of(&world).sign_in(&chats.value).await.status, StatusCode::FORBIDDEN);
    let mut elsewhere = Browser::of(&world);
    elsewhere.address = [198, 51, 100, 1].into();
    assert_eq!(elsewhere.sign_in("qwt_wrong").await.status, StatusCode::FORBIDDEN);
    assert!(began.elapsed().is_zero());
}

#[tokio::test]
async fn looking_at_pages_is_not_charged_to_the_key() {
    let world = World::new().await;
    let key = reader(&world).await;
    let mut browser = world.signed_in(&key).await;
    assert!(is_signed_in(&mut browser).await);
    assert_eq!(world.manager.get(&owner(), key.id).await.unwrap().usage.request_count, 0);
}
