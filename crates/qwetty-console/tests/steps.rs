//! What is done to a key: edit, regenerate, revoke, reactivate, delete.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use http::StatusCode;
use http::header::CACHE_CONTROL;
use qwetty::{Charge, EventList, KeyPatch, KeyView, NewKey, Verdict, VerifyRequest};
use qwetty_authz::{Ask, IpPolicy};
use qwetty_keys::Status;
use qwetty_ratelimit::Tier;
use qwetty_storage::{Action, AuditEvent, Page};

use support::{
    Answer, Browser, DAY, HOUR, LIST, MINUTE, NOON, SIGN_IN, TestKey, World, draft, networks, owner,
};

fn page_of(key: &TestKey) -> String {
    format!("{LIST}/{}", key.id)
}

fn step(key: &TestKey, step: &str) -> String {
    format!("{}/{step}", page_of(key))
}

async fn view(world: &World, key: &TestKey) -> KeyView {
    world.manager.get(&owner(), key.id).await.unwrap()
}

/// How a decision about this value ends.
async fn code(world: &World, value: &str) -> &'static str {
    let ask = Ask { address: None, permissions: &[], channel: None };
    let request = VerifyRequest { organization: None, ask, charge: Charge::Nothing };
    match world.engine.verifier().verify(value, &request).await.unwrap() {
        Verdict::Allow(_) => "valid",
        Verdict::Deny(denial) => denial.code.as_str(),
    }
}

/// The newest event of this kind.
async fn event(world: &World, action: Action) -> AuditEvent {
    let page = Page { offset: 0, limit: 1 };
    let list = EventList { organization: Some(world.organization), key: None, action: Some(action), page };
    world.manager.events(&owner(), list).await.unwrap().items.remove(0)
}

async fn submit(browser: &mut Browser<'_>, path: &str, fields: &[(&str, &str)]) -> Answer {
    browser.fill(path, path, fields).await
}

/// Follows to the page that says what was done.
async fn told(browser: &mut Browser<'_>, answer: &Answer) -> Answer {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    browser.get(answer.location()).await
}

/// The edit form as it shows a key of these tests.
const AS_IT_IS: [(&str, &str); 7] = [
    ("name", "CRM"),
    ("description", ""),
    ("permissions", "chats:read"),
    ("reach", "every"),
    ("whitelist", "10.0.0.0/8"),
    ("expiry", "kept"),
    ("date", ""),
];

fn edited<'a>(fields: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = AS_IT_IS.into_iter().filter(|(name, _)| !fields.iter().any(|(other, _)| other == name));
    kept.chain(fields.iter().copied()).collect()
}

async fn crm(world: &World) -> TestKey {
    world.key(NewKey { networks: networks(&["10.0.0.0/8"]), ..draft("CRM", &["chats:read"]) }).await
}

#[tokio::test]
async fn what_is_edited_changes_and_nothing_else_does() {
    let world = World::new().await;
    let key = crm(&world).await;
    world.clock.advance(MINUTE);
    let mut browser = world.signed_in(&world.root).await;
    let edit = step(&key, "edit");
    let answer = submit(&mut browser, &edit, &edited(&[("description", "For sales.\r\nAnd support.")])).await;
    assert_eq!(answer.location(), page_of(&key));
    assert!(told(&mut browser, &answer).await.shows("The changes are saved."));
    let changed = event(&world, Action::KeyUpdated).await;
    assert_eq!(changed.changes.keys().collect::<Vec<_>>(), ["description"]);
    assert_eq!(changed.actor.unwrap().key, world.root.id);
    assert_eq!(changed.address, Some(browser.address));
    world.clock.advance(MINUTE);
    let fields = [
        ("name", "CRM 2"),
        ("description", "For sales.\r\nAnd support."),
        ("permissions", "messages:send"),
        ("whitelist", ""),
        ("expiry", "30"),
        ("tier", "admin"),
    ];
    let answer = submit(&mut browser, &edit, &edited(&fields)).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let record = view(&world, &key).await.record;
    assert_eq!(
        (record.name.as_str(), record.tier, &record.access.networks),
        ("CRM 2", Tier::Admin, &IpPolicy::Any)
    );
    assert_eq!(record.lifecycle.expires_at(), Some(NOON.saturating_add(2 * MINUTE + 30 * DAY)));
    let changed = event(&world, Action::KeyUpdated).await;
    assert_eq!(
        changed.changes.keys().collect::<Vec<_>>(),
        ["expiresAt", "ipWhitelist", "name", "permissions", "tier"]
    );
    let before = view(&world, &key).await.record.revision;
    let same = [&fields[..4], &[("expiry", "kept"), ("tier", "admin")]].concat();
    let answer = submit(&mut browser, &edit, &edited(&same)).await;
    assert!(told(&mut browser, &answer).await.shows("Nothing was changed"));
    assert_eq!(view(&world, &key).await.record.revision, before);
}

#[tokio::test]
async fn an_edit_does_not_undo_what_somebody_else_changed_unseen() {
    let world = World::new().await;
    let key = crm(&world).await;
    let mut browser = world.signed_in(&world.root).await;
    let edit = step(&key, "edit");
    let shown = browser.get(&edit).await.hidden_of(&edit);
    let patch = KeyPatch { networks: Some(networks(&["10.9.0.0/16"])), ..KeyPatch::default() };
    world.manager.update(&owner(), key.id, patch).await.unwrap();
    let hidden = shown.iter().map(|(name, value)| (&**name, &**value));
    let all: Vec<(&str, &str)> = hidden.chain(edited(&[("name", "Renamed")])).collect();
    let answer = browser.post(&edit, &all).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(answer.shows("was changed after you opened this form") && answer.shows("Name, IP whitelist"));
    assert!(answer.shows("value=\"Renamed\"") && answer.shows(">\n10.0.0.0/8</textarea>"), "{}", answer.body);
    assert_eq!(view(&world, &key).await.record.access.networks, networks(&["10.9.0.0/16"]));
    // Who has seen it may do it.
    let hidden = answer.hidden_of(&edit);
    let hidden = hidden.iter().map(|(name, value)| (&**name, &**value));
    let all: Vec<(&str, &str)> = hidden.chain(edited(&[("name", "Renamed")])).collect();
    assert_eq!(browser.post(&edit, &all).await.status, StatusCode::SEE_OTHER);
    assert_eq!(view(&world, &key).await.record.access.networks, networks(&["10.0.0.0/8"]));
}

#[tokio::test]
async fn an_edit_that_breaks_rules_or_exceeds_the_visitor_is_refused_in_the_form() {
    let world = World::new().await;
    let key = crm(&world).await;
    let edit = step(&key, "edit");
    let mut browser = world.signed_in(&world.root).await;
    for (field, fault) in [
        (("name", "\u{200b}"), "U+200B"),
        (("whitelist", "10.0.0.0/33"), "Line 1: "),
        (("expiry", "date"), "the date is missing"),
        (("permissions", "gone:away"), "one of them does not exist"),
    ] {
        let answer = submit(&mut browser, &edit, &edited(&[field])).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{fault}");
        assert!(answer.shows(fault), "{fault}: {}", answer.body);
    }
    let manager = world.key(draft("Manager", &["api_keys:read", "api_keys:manage", "chats:read"])).await;
    let mut managers = world.signed_in(&manager).await;
    let answer =
        submit(&mut managers, &edit, &edited(&[("permissions", "messages:send"), ("name", "Kept <i>")]))
            .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(
        answer.shows("More than your own key may: Send messages.")
            && answer.shows("value=\"Kept &lt;i&gt;\""),
        "{}",
        answer.body
    );
    assert_eq!(event(&world, Action::KeyGrantRefused).await.actor.unwrap().key, manager.id);
    assert_eq!(view(&world, &key).await.record.name.as_str(), "CRM");
}

#[tokio::test]
async fn an_expired_key_is_made_usable_by_a_later_expiration() {
    let world = World::new().await;
    let new = NewKey { expires_at: Some(NOON.saturating_add(HOUR)), ..draft("CRM", &["chats:read"]) };
    let key = world.key(new).await;
    world.clock.advance(2 * HOUR);
    let mut browser = world.signed_in(&world.root).await;
    let answer =
        submit(&mut browser, &step(&key, "edit"), &edited(&[("whitelist", ""), ("expiry", "7")])).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    assert_eq!(code(&world, &key.value).await, "valid");
}

fn value(page: &Answer) -> String {
    page.between("<code id=\"key-value\" translate=\"no\">", "<").to_owned()
}

#[tokio::test]
async fn a_new_value_is_shown_once_and_the_old_one_ends_when_it_was_said_to() {
    let world = World::new().await;
    let mut browser = world.signed_in(&world.root).await;
    for (overlap, told, after) in [
        ("0", "It does not work any more", 0),
        ("3600", "works until 1 January 2030, 13:00:00 UTC", 3_600),
        ("86400", "works until 2 January 2030, 12:00:00 UTC", 86_400),
        ("604800", "works until 8 January 2030, 12:00:00 UTC", 604_800),
    ] {
        let key = world.key(draft("CRM", &["chats:read"])).await;
        let page = submit(&mut browser, &step(&key, "regenerate"), &[("overlap", overlap)]).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        assert!(page.shows(told), "{}", page.body);
        assert_eq!(page.headers[CACHE_CONTROL].to_str().unwrap(), "no-store");
        let new = value(&page);
        assert_eq!(code(&world, &new).await, "valid");
        assert_eq!(code(&world, &key.value).await, if after == 0 { "not_found" } else { "valid" });
        let ends = view(&world, &key).await.previous_value_expires_at();
        let expected = (after > 0).then(|| NOON.saturating_add(std::time::Duration::from_secs(after)));
        assert_eq!(ends, expected);
        assert!(!browser.get(&page_of(&key)).await.shows(&new));
    }
}

#[tokio::test]
async fn a_form_that_is_sent_again_regenerates_nothing() {
    let world = World::new().await;
    let key = world.key(draft("CRM", &["chats:read"])).await;
    let mut browser = world.signed_in(&world.root).await;
    let path = step(&key, "regenerate");
    let hidden = browser.get(&path).await.hidden_of(&path);
    let hidden = hidden.iter().map(|(name, value)| (&**name, &**value));
    let all: Vec<(&str, &str)> = hidden.chain([("overlap", "0")]).collect();
    // What was refused has not been done, and may be asked for again.
    world.revoke(&key).await;
    assert_eq!(browser.post(&path, &all).await.status, StatusCode::CONFLICT);
    world.manager.reactivate(&owner(), key.id).await.unwrap();
    let first = browser.post(&path, &all).await;
    let new = value(&first);
    let again = browser.post(&path, &all).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert!(again.shows("already sent") && !again.shows(&new));
    assert_eq!(code(&world, &new).await, "valid");
    for overlap in ["60", "-1", "604801", ""] {
        let answer = submit(&mut browser, &path, &[("overlap", overlap)]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{overlap}");
    }
}

#[tokio::test]
async fn regenerating_ones_own_key_ends_the_session_with_the_old_value() {
    let world = World::new().await;
    let manager = world.key(draft("Manager", &["api_keys:read", "api_keys:manage"])).await;
    let mut browser = world.signed_in(&manager).await;
    let path = step(&manager, "regenerate");
    assert!(browser.get(&path).await.shows("You are signed in with this key"));
    let page = submit(&mut browser, &path, &[("overlap", "0")]).await;
    let new = value(&page);
    assert!(page.shows("Your session ends with it"));
    assert!(browser.get(LIST).await.location().starts_with(SIGN_IN));
    let renewed = TestKey { id: manager.id, value: new };
    assert_eq!(world.signed_in(&renewed).await.get(LIST).await.status, StatusCode::OK);
}

#[tokio::test]
async fn revoking_says_when_the_key_was_last_used_and_holds_at_once() {
    let world = World::new().await;
    let key = world.key(draft("CRM", &["chats:read"])).await;
    let mut browser = world.signed_in(&world.root).await;
    let path = step(&key, "revoke");
    assert!(browser.get(&path).await.shows("It has never been used."));
    let ask = Ask { address: None, permissions: &[], channel: None };
    let request = VerifyRequest { organization: None, ask, charge: Charge::Units(1) };
    world.engine.verifier().verify(&key.value, &request).await.unwrap();
    world.clock.advance(5 * MINUTE);
    assert!(browser.get(&path).await.shows("5 minutes ago"));
    let long = "x".repeat(501);
    let answer = submit(&mut browser, &path, &[("reason", &long)]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.shows("500 characters") && answer.shows(&long));
    assert_eq!(code(&world, &key.value).await, "valid");
    let answer = submit(&mut browser, &path, &[("reason", "Leaked <b>")]).await;
    assert_eq!(code(&world, &key.value).await, "revoked");
    let page = told(&mut browser, &answer).await;
    assert!(page.shows("The key is revoked.") && page.shows("Leaked &lt;b&gt;"));
    let event = event(&world, Action::KeyRevoked).await;
    assert_eq!((event.actor.unwrap().key, event.address), (world.root.id, Some(browser.address)));
    // Again: it is as it was.
    let answer = browser.get(&path).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(answer.shows("already revoked"));
}

#[tokio::test]
async fn reactivating_brings_a_key_back_unless_its_time_is_over() {
    let world = World::new().await;
    let expiring = NewKey { expires_at: Some(NOON.saturating_add(HOUR)), ..draft("CRM", &["chats:read"]) };
    let key = world.key(expiring).await;
    world.revoke(&key).await;
    let mut browser = world.signed_in(&world.root).await;
    let path = step(&key, "reactivate");
    let hidden = browser.get(&path).await.hidden_of(&path);
    let all: Vec<(&str, &str)> = hidden.iter().map(|(name, value)| (&**name, &**value)).collect();
    let answer = browser.post(&path, &all).await;
    assert!(told(&mut browser, &answer).await.shows("The key is active again."));
    assert_eq!(code(&world, &key.value).await, "valid");
    world.revoke(&key).await;
    world.clock.advance(HOUR);
    let mut browser = world.signed_in(&world.root).await;
    let page = browser.get(&page_of(&key)).await;
    assert!(page.shows("It has expired since, too"), "{}", page.body);
    for answer in [browser.get(&path).await, post_from(&mut browser, &page, &path).await] {
        assert_eq!(answer.status, StatusCode::CONFLICT);
        assert!(answer.shows("Set a later expiration first."), "{}", answer.body);
    }
    assert_eq!(view(&world, &key).await.status, Status::Revoked);
}

/// Posts without the page of the form, with the session's token.
async fn post_from(browser: &mut Browser<'_>, page: &Answer, path: &str) -> Answer {
    let token = page.token_for(support::SIGN_OUT);
    browser.post(path, &[("csrf", &token)]).await
}

#[tokio::test]
async fn deleting_takes_the_name_to_be_typed() {
    let world = World::new().await;
    let key = world.key(draft("CRM   \"prod\" <1>", &["chats:read"])).await;
    let mut browser = world.signed_in(&world.root).await;
    let path = step(&key, "delete");
    for typed in ["", "CRM", "crm \"prod\" <1>"] {
        let answer = submit(&mut browser, &path, &[("confirmation", typed)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{typed}");
        assert!(answer.shows("type it as it stands above"));
    }
    assert_eq!(code(&world, &key.value).await, "valid");
    // A page shows any white space as one space.
    let answer = submit(&mut browser, &path, &[("confirmation", " CRM \"prod\" <1>")]).await;
    assert_eq!(answer.location(), LIST);
    let list = told(&mut browser, &answer).await;
    assert!(list.shows("is deleted.") && list.shows("&lt;1&gt;") && !list.shows("<1>"));
    assert_eq!(code(&world, &key.value).await, "not_found");
    assert_eq!(browser.get(&page_of(&key)).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_not_offered_is_refused_if_tried() {
    let world = World::new().await;
    let manager = world.key(draft("Manager", &["api_keys:read", "api_keys:manage"])).await;
    let reader = world.key(draft("Reader", &["api_keys:read"])).await;
    let beyond = world.key(draft("Beyond", &["messages:send"])).await;
    let once = "0".repeat(64);
    let fields = |path: &str| -> Vec<(&'static str, String)> {
        match path.rsplit('/').next().unwrap() {
            "regenerate" => vec![("once", once.clone()), ("overlap", "0".to_owned())],
            "delete" => vec![("confirmation", "Beyond".to_owned())],
            _ => Vec::new(),
        }
    };
    for (visitor, key, tried) in [
        (&reader, &beyond, &["regenerate", "revoke", "reactivate", "delete"][..]),
        (&reader, &reader, &["regenerate", "revoke"]),
        (&manager, &beyond, &["regenerate"]),
        (&manager, &manager, &["reactivate"]),
        (&manager, &world.root, &["regenerate", "revoke", "reactivate"]),
    ] {
        let mut browser = world.signed_in(visitor).await;
        let page = browser.get(LIST).await;
        let token = page.token_for(support::SIGN_OUT);
        for name in tried {
            let path = step(key, name);
            let fields = fields(&path);
            let mut all = vec![("csrf", &*token)];
            all.extend(fields.iter().map(|(name, value)| (*name, &**value)));
            let answer = browser.post(&path, &all).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}: {}", answer.body);
        }
    }
    for key in [&beyond, &reader, &manager, &world.root] {
        assert_eq!(view(&world, key).await.status, Status::Active);
        assert_eq!(code(&world, &key.value).await, "valid");
    }
}

#[tokio::test]
async fn no_step_is_taken_without_the_forms_token() {
    let world = World::new().await;
    let key = world.key(draft("CRM", &["chats:read"])).await;
    let mut browser = world.signed_in(&world.root).await;
    for name in ["edit", "regenerate", "revoke", "reactivate", "delete"] {
        let answer = browser.post(&step(&key, name), &[("confirmation", "CRM")]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}");
    }
    browser.headers = vec![("sec-fetch-site", "cross-site")];
    let answer = browser.post(&step(&key, "revoke"), &[]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(code(&world, &key.value).await, "valid");
}

#[tokio::test]
async fn a_revocation_is_called_undoable_only_where_the_visitor_can_undo_it() {
    let world = World::new().await;
    let manager = world.key(draft("Manager", &["api_keys:read", "api_keys:manage", "chats:read"])).await;
    let plain = world.key(draft("Plain", &["chats:read"])).await;
    let beyond = world.key(draft("Beyond", &["messages:send"])).await;
    let ends_at = Some(NOON.saturating_add(DAY));
    let over = world.key(NewKey { expires_at: ends_at, ..draft("Over", &["chats:read"]) }).await;
    world.clock.advance(2 * DAY);
    let mut browser = world.signed_in(&manager).await;
    for (key, is_undoable) in [(&plain, true), (&beyond, false), (&over, false), (&manager, false)] {
        let page = browser.get(&step(key, "revoke")).await;
        assert_eq!(page.status, StatusCode::OK);
        assert_eq!(page.shows("You can reactivate it later"), is_undoable, "{}", page.body);
    }
    for (key, is_undoable) in [(&plain, true), (&beyond, false), (&over, false)] {
        let page = browser.get(&step(key, "delete")).await;
        assert_eq!(
            (page.status, page.shows("can be undone")),
            (StatusCode::OK, is_undoable),
            "{}",
            page.body
        );
    }
}
