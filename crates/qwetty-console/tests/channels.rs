//! Channels: whoever reads keys sees them, whoever holds `channels:manage` changes them.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use http::StatusCode;
use qwetty::NewKey;
use qwetty_authz::{ChannelScope, Channels};
use qwetty_storage::{Channel, ChannelKind, DirectoryQuery, Order, Page};

use support::{Answer, Browser, World, draft, owner};

const CHANNELS: &str = "/settings/channels";
const NEW: &str = "/settings/channels/new";

async fn channel(world: &World, id: &str, name: &str) {
    let (organization, name) = (Some(world.organization), name.parse().unwrap());
    let kind = ChannelKind::Whatsapp;
    world.manager.save_channel(&owner(), organization, &id.parse().unwrap(), name, kind).await.unwrap();
}

async fn channels(world: &World) -> Vec<Channel> {
    let page = Page { offset: 0, limit: 100 };
    let query = DirectoryQuery { search: None, order: Order::Ascending, page };
    world.manager.channels(&owner(), Some(world.organization), &query).await.unwrap().items
}

async fn submit(browser: &mut Browser<'_>, path: &str, fields: &[(&str, &str)]) -> Answer {
    let token = browser.get(path).await.token_for(path);
    browser.post(path, &[&[("csrf", &*token)], fields].concat()).await
}

#[tokio::test]
async fn a_channel_is_added_changed_and_removed() {
    let world = World::new().await;
    let mut browser = world.signed_in(&world.root).await;
    assert!(browser.get(CHANNELS).await.shows("No channels yet"));
    let fields = [("id", "wa-sales"), ("name", "Sales <b>"), ("type", "instagram")];
    let answer = submit(&mut browser, NEW, &fields).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, CHANNELS));
    let page = browser.get(CHANNELS).await;
    for part in ["The channel Sales &lt;b&gt; is added.", "wa-sales", "Instagram"] {
        assert!(page.shows(part), "{part}: {}", page.body);
    }
    let edit = "/settings/channels/edit?channel=wa-sales";
    let answer = submit(&mut browser, edit, &[("name", "Verkauf"), ("type", "web_chat")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let saved = channels(&world).await;
    assert_eq!((saved[0].name.as_str(), saved[0].kind), ("Verkauf", ChannelKind::WebChat));

    let remove = "/settings/channels/remove?channel=wa-sales";
    assert!(browser.get(remove).await.shows("stay just as limited"));
    assert_eq!(channels(&world).await.len(), 1);
    let answer = submit(&mut browser, remove, &[]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(browser.get(CHANNELS).await.shows("The channel Verkauf is removed."));
    assert!(channels(&world).await.is_empty());
    for path in [edit, remove] {
        assert_eq!(browser.get(path).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn adding_changes_no_channel_that_is_there() {
    let world = World::new().await;
    // Many that have the id in theirs, so that it is not on the first page of what is looked through.
    for index in 0..120 {
        channel(&world, &format!("a{index}"), "Other").await;
    }
    channel(&world, "a", "First").await;
    let mut browser = world.signed_in(&world.root).await;
    let answer = submit(&mut browser, NEW, &[("id", "a"), ("name", "Second"), ("type", "whatsapp")]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.shows("There is a channel with this id already;"));
    assert!(answer.shows("value=\"Second\""));
    let page = browser.get("/settings/channels/edit?channel=a").await;
    assert!(page.shows("value=\"First\""), "{}", page.body);
}

#[tokio::test]
async fn every_fault_is_told_beside_its_field() {
    let world = World::new().await;
    let mut browser = world.signed_in(&world.root).await;
    for id in ["", "a b", "é", &"x".repeat(65), "<img src=x onerror=alert(1)>"] {
        let answer = submit(&mut browser, NEW, &[("id", id), ("name", ""), ("type", "whatsapp")]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{id}");
        assert!(answer.shows("id-errors") && answer.shows("name-errors"), "{}", answer.body);
        assert!(!answer.shows("<img"));
    }
    let answer = submit(&mut browser, NEW, &[("id", "a"), ("name", "A"), ("type", "fax")]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(channels(&world).await.is_empty());
}

#[tokio::test]
async fn an_id_of_dots_is_a_channel_like_any_other() {
    let world = World::new().await;
    let mut browser = world.signed_in(&world.root).await;
    submit(&mut browser, NEW, &[("id", ".."), ("name", "Dots"), ("type", "whatsapp")]).await;
    assert!(browser.get(CHANNELS).await.shows("/settings/channels/remove?channel=.."));
    let answer = submit(&mut browser, "/settings/channels/remove?channel=..", &[]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(channels(&world).await.is_empty());
}

#[tokio::test]
async fn whoever_only_reads_keys_is_offered_no_change_and_refused_one() {
    let world = World::new().await;
    channel(&world, "wa", "Sales").await;
    let key = world.key(draft("Reader", &["api_keys:read"])).await;
    let mut browser = world.signed_in(&key).await;
    let page = browser.get(CHANNELS).await;
    assert!(page.shows("Sales") && !page.shows(NEW) && !page.shows("Remove"));
    let token = page.token_for(support::SIGN_OUT);
    for path in [NEW, "/settings/channels/edit?channel=wa", "/settings/channels/remove?channel=wa"] {
        assert_eq!(browser.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
        let answer = browser.post(path, &[("csrf", &token)]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(channels(&world).await.len(), 1);
}

#[tokio::test]
async fn a_scoped_key_changes_its_own_channels_alone() {
    let world = World::new().await;
    channel(&world, "mine", "Mine").await;
    channel(&world, "other", "Other").await;
    let scope = Channels::try_from(vec!["mine".parse().unwrap()]).unwrap();
    let new = draft("Scoped", &["api_keys:read", "channels:manage"]);
    let key = world.key(NewKey { channels: ChannelScope::Only(scope), ..new }).await;
    let mut browser = world.signed_in(&key).await;
    let page = browser.get(CHANNELS).await;
    assert!(page.shows("edit?channel=mine") && page.shows("not with your key"), "{}", page.body);
    assert!(!page.shows("edit?channel=other") && !page.shows("remove?channel=other"));
    let token = page.token_for(support::SIGN_OUT);
    for path in ["/settings/channels/edit?channel=other", "/settings/channels/remove?channel=other"] {
        assert_eq!(browser.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
        let fields = [("csrf", &*token), ("name", "Taken"), ("type", "whatsapp")];
        let fields = if path.contains("edit") { &fields[..] } else { &fields[..1] };
        assert_eq!(browser.post(path, fields).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    let answer = submit(&mut browser, NEW, &[("id", "third"), ("name", "Third"), ("type", "whatsapp")]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.shows("Your key is for other channels."));
    let answer = submit(&mut browser, "/settings/channels/remove?channel=mine", &[]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let left: Vec<_> = channels(&world).await.into_iter().map(|channel| channel.id.to_string()).collect();
    assert_eq!(left, ["other"]);
}

#[tokio::test]
async fn another_organizations_channels_are_not_there() {
    let world = World::new().await;
    channel(&world, "ours", "Ours").await;
    let other = world.manager.create_organization(&owner(), "Other".parse().unwrap()).await.unwrap();
    let new = draft("Theirs", &["api_keys:read", "channels:manage"]);
    let key = world.key(NewKey { organization: Some(other.id), ..new }).await;
    let mut browser = world.signed_in(&key).await;
    assert!(browser.get(CHANNELS).await.shows("No channels yet"));
    for path in ["/settings/channels/edit?channel=ours", "/settings/channels/remove?channel=ours"] {
        assert_eq!(browser.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}
