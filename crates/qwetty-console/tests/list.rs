//! The list of keys.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use http::StatusCode;
use qwetty::{Charge, NewKey, VerifyRequest};
use qwetty_authz::Ask;

use support::{DAY, HOUR, LIST, MINUTE, NOON, World, draft, owner};

async fn named(world: &World, name: &str) {
    world.key(draft(name, &["chats:read"])).await;
}

/// The names in the order of the rows.
fn names(body: &str) -> Vec<String> {
    let rows = body.split("class=\"key-name\"").skip(1);
    rows.map(|row| row.split_once("<bdi>").unwrap().1.split('<').next().unwrap().to_owned()).collect()
}

fn rows(body: &str) -> Vec<String> {
    names(body.split_once("<tbody").map_or("", |(_, rows)| rows))
}

#[tokio::test]
async fn a_row_tells_of_a_key_what_its_owner_wants_to_know() {
    let world = World::new().await;
    world.clock.advance(HOUR);
    let mut new = draft("CRM", &["chats:read", "messages:send", "contacts:manage", "templates:read"]);
    new.expires_at = Some(NOON.saturating_add(5 * DAY));
    let key = world.key(new).await;
    world.clock.advance(2 * HOUR);
    let ask = Ask { address: None, permissions: &[], channel: None };
    let request = VerifyRequest { organization: None, ask, charge: Charge::Units(1) };
    let verifier = world.engine.verifier();
    for _ in 0..1234 {
        verifier.verify(&world.root.value, &request).await.unwrap();
    }
    verifier.verify(&key.value, &request).await.unwrap();
    world.clock.advance(3 * MINUTE);
    let page = world.signed_in(&world.root).await.get("/settings/api-keys?sort=name&order=asc").await;
    assert_eq!(rows(&page.body), ["CRM", "Root key"]);
    let row = page.body.split_once("<tbody").unwrap().1.split("<tr").nth(1).unwrap();
    for part in [
        &key.value[..8],
        "Expiring soon",
        "Read chats and messages",
        "and 2 more",
        "2 hours ago",
        "3 minutes ago",
        "title=\"1 January 2030, 15:00:00 UTC\"",
        "in 4 days",
        ">1</td>",
    ] {
        assert!(row.contains(part), "{part}: {row}");
    }
    assert!(page.shows("1,234") && page.shows("Everything"));
    assert!(!page.shows(&key.value));
    assert!(page.shows("1 key expires") && page.shows("within 7 days"));
}

#[tokio::test]
async fn search_status_sort_and_page_are_in_the_address() {
    let world = World::new().await;
    for index in 0..60 {
        named(&world, &format!("Key {index:02}")).await;
        world.clock.advance(MINUTE / 60);
    }
    let mut browser = world.signed_in(&world.root).await;
    let page = browser.get(LIST).await;
    assert_eq!(rows(&page.body).len(), 25);
    assert_eq!(rows(&page.body)[0], "Key 59");
    assert!(page.shows("1–25 of 61") && page.shows("href=\"/settings/api-keys?page=2\""));
    let page = browser.get("/settings/api-keys?sort=name&order=asc&page=3").await;
    assert_eq!(rows(&page.body).len(), 11);
    assert!(page.shows("href=\"/settings/api-keys?sort=name&amp;order=asc&amp;page=2\""));
    assert!(page.shows("aria-sort=\"ascending\""));
    let page = browser.get("/settings/api-keys?search=KEY+1&status=active&sort=name&order=asc").await;
    assert_eq!(rows(&page.body).len(), 10);
    assert!(page.shows("value=\"KEY 1\"") && page.shows("<option value=\"active\" selected>"));
    let page = browser.get("/settings/api-keys?search=zebra").await;
    assert!(page.shows("Nothing matches") && page.shows("Show all keys") && !page.shows("No keys yet"));
    let page = browser.get("/settings/api-keys?page=9").await;
    assert!(page.shows("There is no page 9") && page.shows("href=\"/settings/api-keys?page=3\""));
    assert!(!page.shows("<table"), "{}", page.body);
    let page = browser.get("/settings/audit-log?page=99").await;
    assert!(page.shows("There is no page 99") && !page.shows("<table"), "{}", page.body);
    let page = browser.get("/settings/api-keys?status=revoked").await;
    assert!(page.shows("No key has the status “Revoked”.") && !page.shows("this text"), "{}", page.body);
    for query in ["status=gone", "page=0", "page=1&page=2", "limit=5", "search=%ff"] {
        let answer = browser.get(&format!("{LIST}?{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
    }
}

#[tokio::test]
async fn a_key_is_found_by_its_value_and_the_value_is_not_repeated() {
    let world = World::new().await;
    for index in 0..30 {
        named(&world, &format!("Key {index}")).await;
    }
    let value = world.root.value.clone();
    let page = world.signed_in(&world.root).await.get(&format!("{LIST}?search={value}&sort=name")).await;
    assert_eq!(rows(&page.body), ["Root key"]);
    assert!(page.shows(&format!("value=\"{}\"", &value[..8])) && !page.shows(&value[..9]), "{}", page.body);
}

#[tokio::test]
async fn what_people_typed_is_text_and_nothing_else() {
    let world = World::new().await;
    let hostile = "\"><script>alert(1)</script><img src=x onerror=alert(1)> &amp; {{7*7}} ' onfocus=x";
    named(&world, hostile).await;
    let mut browser = world.signed_in(&world.root).await;
    let search: String = form_urlencoded::byte_serialize(hostile.as_bytes()).collect();
    for path in [LIST.to_owned(), format!("{LIST}?search={search}")] {
        let page = browser.get(&path).await;
        assert!(!page.shows("<script>") && !page.shows("<img"), "{}", page.body);
        assert!(page.shows("&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"));
        assert!(page.shows("&amp;amp;"));
    }
    let page = browser.get(&format!("{LIST}?search={search}nothing")).await;
    assert!(page.shows("Nothing matches") && !page.shows("<script>"));
}

#[tokio::test]
async fn an_operator_sees_the_organization_and_others_their_own_keys_alone() {
    let world = World::new().await;
    let other = world.manager.create_organization(&owner(), "Bakery <Nord>".parse().unwrap()).await.unwrap();
    let theirs = NewKey { organization: Some(other.id), ..draft("Baker", &["api_keys:read"]) };
    let baker = world.key(theirs).await;
    named(&world, "Ours").await;
    let page = world.signed_in(&baker).await.get(LIST).await;
    assert_eq!(rows(&page.body), ["Baker"]);
    assert!(!page.shows("Organization") && !page.shows("Create key"));
    let page = world.signed_in(&world.root).await.get(LIST).await;
    assert_eq!(rows(&page.body).len(), 2);
    assert!(page.shows("<bdi>Default</bdi>") && page.shows("Create key"));
}
