//! The audit log.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use http::StatusCode;
use qwetty::{KeyPatch, NewKey};

use support::{HOUR, MINUTE, World, draft, owner};

const LOG: &str = "/settings/audit-log";

fn rows(body: &str) -> Vec<&str> {
    body.split_once("<tbody").map_or(Vec::new(), |(_, rows)| rows.split("<tr ").skip(1).collect())
}

#[tokio::test]
async fn an_event_tells_who_did_what_to_which_key() {
    let world = World::new().await;
    world.clock.advance(HOUR);
    let key = world.key(draft("CRM", &["chats:read"])).await;
    world.clock.advance(HOUR);
    let patch = KeyPatch { name: Some("<i>CRM</i>".parse().unwrap()), ..KeyPatch::default() };
    world.manager.update(&owner(), key.id, patch).await.unwrap();
    world.clock.advance(HOUR);
    world.manager.revoke(&owner(), key.id, Some("over".parse().unwrap())).await.unwrap();
    let mut browser = world.signed_in(&world.root).await;
    let page = browser.get(LOG).await;
    let rows = rows(&page.body);
    assert!(rows[0].contains("Key revoked") && rows[0].contains("just now"), "{}", rows[0]);
    assert!(rows[0].contains("the owner of the server") && rows[0].contains("<bdi>over</bdi>"));
    assert!(rows[1].contains("Key changed") && rows[1].contains("1 hour ago"));
    assert!(rows[1].contains("<bdi>CRM</bdi>") && rows[1].contains("&lt;i&gt;CRM&lt;/i&gt;"));
    assert!(rows[2].contains("Key created") && rows[2].contains("chats:read"));
    assert!(rows[0].contains(&format!("href=\"/settings/api-keys/{}\"", key.id)));
    assert!(!page.shows(&key.value) && !page.shows("<i>CRM"));
}

#[tokio::test]
async fn what_is_done_in_the_console_is_told_with_who_did_it_and_from_where() {
    let world = World::new().await;
    let mut browser = world.signed_in(&world.root).await;
    let new = "/settings/channels/new";
    let token = browser.get(new).await.token_for(new);
    world.clock.advance(MINUTE);
    browser.post(new, &[("csrf", &token), ("id", "wa"), ("name", "Sales"), ("type", "whatsapp")]).await;
    let page = browser.get(LOG).await;
    let row = rows(&page.body)[0];
    for part in ["Channel saved", "<code>wa</code>", "<bdi>Root key</bdi>", "192.0.2.7", "req_"] {
        assert!(row.contains(part), "{part}: {row}");
    }
}

#[tokio::test]
async fn a_deleted_key_keeps_its_name_and_events() {
    let world = World::new().await;
    let key = world.key(draft("Gone", &["chats:read"])).await;
    world.manager.delete(&owner(), key.id).await.unwrap();
    let page = world.signed_in(&world.root).await.get(&format!("{LOG}?keyId={}", key.id)).await;
    let rows = rows(&page.body);
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| row.contains("<bdi>Gone</bdi>") && row.contains("(deleted)")), "{rows:?}");
    assert!(!page.shows(&format!("/settings/api-keys/{}", key.id)));
}

#[tokio::test]
async fn key_action_and_page_are_in_the_address() {
    let world = World::new().await;
    let (busy, other) =
        (world.key(draft("Busy", &["chats:read"])).await, world.key(draft("Other", &["chats:read"])).await);
    for index in 0..30 {
        let patch = KeyPatch { name: Some(format!("Busy {index}").parse().unwrap()), ..KeyPatch::default() };
        world.manager.update(&owner(), busy.id, patch).await.unwrap();
    }
    let mut browser = world.signed_in(&world.root).await;
    let page = browser.get(&format!("{LOG}?keyId={}&action=key.updated", busy.id)).await;
    assert!(
        page.shows("1–25 of 30") && page.shows("<option value=\"key.updated\" selected>"),
        "{}",
        page.body
    );
    let next = format!("href=\"{LOG}?keyId={}&amp;action=key.updated&amp;page=2\"", busy.id);
    assert!(page.shows(&next), "{}", page.body);
    let page = browser.get(&format!("{LOG}?keyId={}&action=key.updated&page=2", busy.id)).await;
    assert_eq!(rows(&page.body).len(), 5);
    let page = browser.get(&format!("{LOG}?keyId={}&action=&page=1", other.id)).await;
    assert_eq!(rows(&page.body).len(), 1);
    let page = browser.get(&format!("{LOG}?action=key.revoked")).await;
    assert!(page.shows("Nothing matches"));
    for query in ["action=gone", "page=0", "limit=3", "keyId=a&keyId=b"] {
        assert_eq!(browser.get(&format!("{LOG}?{query}")).await.status, StatusCode::BAD_REQUEST, "{query}");
    }
}

#[tokio::test]
async fn a_key_id_that_is_none_is_told_beside_the_field_and_kept() {
    let world = World::new().await;
    let mut browser = world.signed_in(&world.root).await;
    let page = browser.get(&format!("{LOG}?keyId=%22%3E%3Cimg+src%3Dx%3E")).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.shows("This is no id of a key.") && page.shows("&quot;&gt;&lt;img src=x&gt;"));
    assert!(!page.shows("<img"));
}

#[tokio::test]
async fn another_organizations_key_is_like_none() {
    let world = World::new().await;
    let other = world.manager.create_organization(&owner(), "Other".parse().unwrap()).await.unwrap();
    let theirs = world.key(draft("Root's", &["chats:read"])).await;
    let new = draft("Auditor", &["api_keys:read", "audit:read"]);
    let auditor = world.key(NewKey { organization: Some(other.id), ..new }).await;
    let mut browser = world.signed_in(&auditor).await;
    let never = format!("{LOG}?keyId=key_00000000000000000000000000");
    let never = browser.get(&never).await;
    let page = browser.get(&format!("{LOG}?keyId={}", theirs.id)).await;
    assert_eq!((page.status, never.status), (StatusCode::OK, StatusCode::OK));
    assert!(page.shows("Nothing matches"));
    assert_eq!(
        page.body.replace(&theirs.id.to_string(), ""),
        never.body.replace("key_00000000000000000000000000", "")
    );
    assert_eq!(rows(&browser.get(LOG).await.body).len(), 2);
}

#[tokio::test]
async fn it_is_for_whoever_holds_audit_read() {
    let world = World::new().await;
    let key = world.key(draft("Reader", &["api_keys:read", "api_keys:manage"])).await;
    let mut browser = world.signed_in(&key).await;
    assert!(!browser.get("/settings/api-keys").await.shows(LOG));
    assert_eq!(browser.get(LOG).await.status, StatusCode::FORBIDDEN);
}
