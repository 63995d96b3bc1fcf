//! Organizations: an operator's to see, make, rename, switch between and delete.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use http::StatusCode;
use qwetty::NewKey;
use qwetty_keys::OrganizationId;

use support::{Answer, Browser, LIST, World, draft, owner};

const ORGANIZATIONS: &str = "/settings/organizations";
const NEW: &str = "/settings/organizations/new";

async fn organization(world: &World, name: &str) -> OrganizationId {
    world.manager.create_organization(&owner(), name.parse().unwrap()).await.unwrap().id
}

/// Opens a page and sends its form that posts to `action`.
async fn submit(browser: &mut Browser<'_>, page: &str, action: &str, fields: &[(&str, &str)]) -> Answer {
    let token = browser.get(page).await.token_for(action);
    browser.post(action, &[&[("csrf", &*token)], fields].concat()).await
}

#[tokio::test]
async fn an_operator_makes_one_and_gives_it_keys() {
    let world = World::new().await;
    let mut browser = world.signed_in(&world.root).await;
    let answer = submit(&mut browser, NEW, NEW, &[("name", " Bakery <Nord> ")]).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, ORGANIZATIONS));
    let page = browser.get(ORGANIZATIONS).await;
    assert!(page.shows("The organization Bakery &lt;Nord&gt; is created."), "{}", page.body);
    let switch =
        page.body.split("action=\"").find_map(|rest| rest.split('"').next()?.strip_suffix("/switch"));
    let switch = format!("{}/switch", switch.unwrap());
    let answer = submit(&mut browser, ORGANIZATIONS, &switch, &[]).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, LIST));
    let page = browser.get(LIST).await;
    assert!(page.shows("No keys yet") && page.shows("You now see the organization Bakery &lt;Nord&gt;."));
    // It stays chosen, and is nobody else's choice.
    assert!(browser.get(LIST).await.shows("No keys yet"));
    assert!(!world.signed_in(&world.root).await.get(LIST).await.shows("No keys yet"));
}

#[tokio::test]
async fn a_name_that_breaks_the_rules_is_refused_beside_its_field_and_kept() {
    let world = World::new().await;
    let mut browser = world.signed_in(&world.root).await;
    let long = "x".repeat(101);
    for (typed, fault) in
        [("  ", "Name: must not be empty."), (&*long, "100 characters"), ("a\u{202e}b", "U+202E")]
    {
        let answer = submit(&mut browser, NEW, NEW, &[("name", typed)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.shows(fault) && answer.shows("aria-invalid=\"true\""), "{}", answer.body);
        assert!(answer.shows(&format!("value=\"{typed}\"")), "{}", answer.body);
    }
    let own = format!("{ORGANIZATIONS}/{}", world.organization);
    let answer = submit(&mut browser, &own, &own, &[("name", "")]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let answer = submit(&mut browser, &own, &own, &[("name", "Head office")]).await;
    assert_eq!(answer.location(), own);
    assert!(browser.get(LIST).await.shows("<bdi>Head office</bdi>"));
}

#[tokio::test]
async fn one_is_deleted_by_its_name_and_only_without_keys() {
    let world = World::new().await;
    let id = organization(&world, "Empty").await;
    let (page, delete) = (format!("{ORGANIZATIONS}/{id}"), format!("{ORGANIZATIONS}/{id}/delete"));
    let mut browser = world.signed_in(&world.root).await;
    let switch = format!("{page}/switch");
    submit(&mut browser, &page, &switch, &[]).await;
    let answer = submit(&mut browser, &page, &delete, &[("confirmation", "empty")]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let token = browser.get(&page).await.token_for(&delete);

    // The form was open when a key came.
    let key = world.key(NewKey { organization: Some(id), ..draft("Late", &["chats:read"]) }).await;
    let fields = [("csrf", &*token), ("confirmation", "Empty")];
    let answer = browser.post(&delete, &fields).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(answer.shows("This one has 1 key") && !answer.shows("Delete organization"));

    world.manager.delete(&owner(), key.id).await.unwrap();
    let answer = browser.post(&delete, &fields).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, ORGANIZATIONS));
    // What was shown is gone, so the key's own organization is.
    assert!(browser.get(LIST).await.shows("<bdi>Default</bdi>"));
    assert_eq!(browser.get(&page).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn nobody_else_sees_or_changes_them() {
    let world = World::new().await;
    let id = organization(&world, "Theirs").await;
    let key = world.key(draft("Manager", &["api_keys:read", "api_keys:manage", "channels:manage"])).await;
    let mut browser = world.signed_in(&key).await;
    let page = browser.get(LIST).await;
    assert!(!page.shows(ORGANIZATIONS));
    let token = page.token_for(support::SIGN_OUT);
    for path in [ORGANIZATIONS.to_owned(), NEW.to_owned(), format!("{ORGANIZATIONS}/{id}")] {
        assert_eq!(browser.get(&path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    for path in ["new", &id.to_string(), &format!("{id}/switch"), &format!("{id}/delete")] {
        let answer = browser.post(&format!("{ORGANIZATIONS}/{path}"), &[("csrf", &token)]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert!(!browser.get(LIST).await.shows("Theirs"));
}

#[tokio::test]
async fn an_operator_that_is_one_no_more_is_back_at_home() {
    let world = World::new().await;
    let id = organization(&world, "Elsewhere").await;
    let key = world.key(draft("Operator", &["api_keys:read", "organizations:manage"])).await;
    let mut browser = world.signed_in(&key).await;
    submit(&mut browser, ORGANIZATIONS, &format!("{ORGANIZATIONS}/{id}/switch"), &[]).await;
    assert!(browser.get(LIST).await.shows("<bdi>Elsewhere</bdi>"));
    let permissions = draft("x", &["api_keys:read"]).permissions;
    let patch = qwetty::KeyPatch { permissions: Some(permissions), ..qwetty::KeyPatch::default() };
    world.manager.update(&owner(), key.id, patch).await.unwrap();
    let page = browser.get(LIST).await;
    assert!(page.shows("Root key") && !page.shows("Elsewhere"), "{}", page.body);
}

#[tokio::test]
async fn pages_and_search_are_in_the_address() {
    let world = World::new().await;
    for index in 0..30 {
        organization(&world, &format!("Shop {index:02}")).await;
    }
    let mut browser = world.signed_in(&world.root).await;
    let page = browser.get(ORGANIZATIONS).await;
    assert!(page.shows("1–25 of 31") && page.shows("href=\"/settings/organizations?page=2\""));
    let page = browser.get("/settings/organizations?search=SHOP&page=2").await;
    assert!(page.shows("26–30 of 30") && page.shows("href=\"/settings/organizations?search=SHOP\""));
    let page = browser.get("/settings/organizations?search=%3Cimg%20src=x%20onerror=alert(1)%3E").await;
    assert!(page.shows("Nothing matches") && !page.shows("<img"));
    assert_eq!(browser.get("/settings/organizations?limit=3").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(browser.get("/settings/organizations/org_x").await.status, StatusCode::NOT_FOUND);
}
