//! Several tabs of one browser, and links that lead here: what is done is what was meant.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use http::StatusCode;
use qwetty::NewKey;
use qwetty_keys::OrganizationId;

use support::{Answer, Browser, HOUR, LIST, SIGN_IN, SIGN_OUT, World, draft, owner};

const ORGANIZATIONS: &str = "/settings/organizations";
const CHANNELS: &str = "/settings/channels";
const NEW_CHANNEL: &str = "/settings/channels/new";
const NEW_KEY: &str = "/settings/api-keys/new";
const CHANNEL: [(&str, &str); 3] = [("id", "wa"), ("name", "Sales"), ("type", "whatsapp")];

async fn organization(world: &World, name: &str) -> OrganizationId {
    world.manager.create_organization(&owner(), name.parse().unwrap()).await.unwrap().id
}

async fn switch(browser: &mut Browser<'_>, to: OrganizationId) {
    let answer = browser.fill(ORGANIZATIONS, &format!("{ORGANIZATIONS}/{to}/switch"), &[]).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, LIST));
}

/// Sends the form of a page that was opened a while ago.
async fn send(browser: &mut Browser<'_>, opened: &Answer, action: &str, fields: &[(&str, &str)]) -> Answer {
    let hidden = opened.hidden_of(action);
    let hidden = hidden.iter().map(|(name, value)| (&**name, &**value));
    browser.post(action, &hidden.chain(fields.iter().copied()).collect::<Vec<_>>()).await
}

/// A link on another site that somebody follows.
fn follows_a_link(browser: &mut Browser<'_>) {
    browser.headers = vec![("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")];
}

#[tokio::test]
async fn a_form_acts_on_the_organization_that_it_was_opened_for_or_not_at_all() {
    let world = World::new().await;
    let bakery = organization(&world, "Bakery <Nord>").await;
    let mut browser = world.signed_in(&world.root).await;
    browser.fill(NEW_CHANNEL, NEW_CHANNEL, &CHANNEL).await;
    let remove = "/settings/channels/remove?channel=wa";
    let edit = "/settings/channels/edit?channel=wa";
    let (key, add) = (browser.get(NEW_KEY).await, browser.get(NEW_CHANNEL).await);
    let (removal, change) = (browser.get(remove).await, browser.get(edit).await);

    switch(&mut browser, bakery).await;
    browser.fill(NEW_CHANNEL, NEW_CHANNEL, &CHANNEL).await;
    let fields = [("id", "new"), ("name", "New"), ("type", "whatsapp")];
    let renamed = [("name", "Taken"), ("type", "whatsapp")];
    for (opened, action, fields) in [
        (&key, NEW_KEY, &[("name", "Stray")][..]),
        (&add, NEW_CHANNEL, &fields),
        (&removal, remove, &[]),
        (&change, edit, &renamed),
    ] {
        let answer = send(&mut browser, opened, action, fields).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{action}");
        assert!(answer.shows("You have switched to Bakery &lt;Nord&gt; since this form was opened."));
    }
    for id in [world.organization, bakery, world.organization] {
        switch(&mut browser, id).await;
        let page = browser.get(CHANNELS).await;
        assert!(page.shows("Sales") && !page.shows("New") && !page.shows("Taken"), "{}", page.body);
        assert!(!browser.get(LIST).await.shows("Stray"));
    }
    // Back where it was opened, the form does what it says.
    assert_eq!(send(&mut browser, &add, NEW_CHANNEL, &fields).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_form_of_an_organization_that_is_gone_acts_on_no_other() {
    let world = World::new().await;
    let bakery = organization(&world, "Bakery").await;
    let mut browser = world.signed_in(&world.root).await;
    switch(&mut browser, bakery).await;
    let opened = browser.get(NEW_CHANNEL).await;
    world.manager.delete_organization(&owner(), bakery).await.unwrap();
    for _ in 0..2 {
        let answer = send(&mut browser, &opened, NEW_CHANNEL, &CHANNEL).await;
        assert_eq!(answer.status, StatusCode::CONFLICT);
        assert!(answer.shows("is deleted. You see Default now."), "{}", answer.body);
    }
    assert!(!browser.get(CHANNELS).await.shows("Sales"));
}

#[tokio::test]
async fn switching_and_signing_out_work_from_every_tab() {
    let world = World::new().await;
    let (one, other) = (organization(&world, "One").await, organization(&world, "Other").await);
    let mut browser = world.signed_in(&world.root).await;
    let opened = browser.get(ORGANIZATIONS).await;
    switch(&mut browser, one).await;
    let answer = send(&mut browser, &opened, &format!("{ORGANIZATIONS}/{other}/switch"), &[]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(browser.get(LIST).await.shows("<bdi>Other</bdi>"));
    assert_eq!(send(&mut browser, &opened, SIGN_OUT, &[]).await.status, StatusCode::SEE_OTHER);
    assert!(browser.get(LIST).await.location().starts_with(SIGN_IN));
}

#[tokio::test]
async fn nobody_makes_a_token_of_one_organization_that_of_another() {
    let world = World::new().await;
    let bakery = organization(&world, "Bakery").await;
    let mut browser = world.signed_in(&world.root).await;
    let token = browser.get(NEW_CHANNEL).await.token_for(NEW_CHANNEL);
    switch(&mut browser, bakery).await;
    let forged = token.replace(&world.organization.to_string(), &bakery.to_string());
    assert_ne!(token, forged);
    for token in [&*forged, token.split('.').next().unwrap()] {
        let answer = browser.post(NEW_CHANNEL, &[&[("csrf", token)][..], &CHANNEL].concat()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
    assert!(!browser.get(CHANNELS).await.shows("Sales"));
}

#[tokio::test]
async fn a_key_that_another_organizations_key_made_does_not_lead_there() {
    let world = World::new().await;
    let bakery = organization(&world, "Bakery").await;
    let mut browser = world.signed_in(&world.root).await;
    switch(&mut browser, bakery).await;
    let root = qwetty::Caller::key(
        match world.engine.verifier().verify(&world.root.value, &any_use()).await.unwrap() {
            qwetty::Verdict::Allow(key) => key,
            qwetty::Verdict::Deny(_) => panic!("the root key is good"),
        },
        qwetty::Origin::default(),
    );
    let new = NewKey { organization: Some(bakery), ..draft("Ours", &["chats:read"]) };
    let made = world.manager.create(&root, new).await.unwrap();
    let page = browser.get(&format!("{LIST}/{}", made.key.record.id)).await;
    assert!(page.shows("<bdi>Root key</bdi>"), "{}", page.body);
    assert!(!page.shows(&format!("href=\"{LIST}/{}\"", world.root.id)), "{}", page.body);
}

fn any_use() -> qwetty::VerifyRequest<'static> {
    let ask = qwetty_authz::Ask { address: None, permissions: &[], channel: None };
    qwetty::VerifyRequest { organization: None, ask, charge: qwetty::Charge::Nothing }
}

#[tokio::test]
async fn a_sign_in_form_that_another_tab_overtook_leads_on() {
    let world = World::new().await;
    let mut browser = Browser::of(&world);
    let opened = browser.get("/settings/sign-in?next=%2Fsettings%2Fchannels").await;
    browser.sign_in(&world.root.value).await;
    let before = browser.cookies.clone();
    let answer = send(&mut browser, &opened, SIGN_IN, &[("key", "qwt_whatever")]).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, CHANNELS));
    assert_eq!(browser.cookies, before);
    for (address, to) in [
        (SIGN_IN, LIST),
        ("/settings/sign-in?next=%2Fsettings%2Fchannels", CHANNELS),
        ("/settings/sign-in?next=%2Fsettings%2Fsign-in", LIST),
    ] {
        let answer = browser.get(address).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, to), "{address}");
    }
}

#[tokio::test]
async fn a_sign_in_form_from_before_a_restart_is_shown_anew_and_keeps_the_way() {
    let (before, world) = (World::new().await, World::new().await);
    let opened = Browser::of(&before).get("/settings/sign-in?next=%2Fsettings%2Fchannels").await;
    let mut browser = Browser::of(&world);
    let answer = send(&mut browser, &opened, SIGN_IN, &[("key", &world.root.value)]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.shows("This form was out of date.") && !answer.shows(&world.root.value));
    assert!(!browser.cookies.contains_key("qwetty-session"));
    let answer = send(&mut browser, &answer, SIGN_IN, &[("key", &world.root.value)]).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, CHANNELS));
}

#[tokio::test]
async fn after_a_session_ended_under_a_form_one_is_back_at_the_form() {
    let world = World::new().await;
    let organization = format!("{ORGANIZATIONS}/{}", world.organization);
    for (action, referer, next) in [
        (NEW_CHANNEL.to_owned(), "", NEW_CHANNEL),
        ("/settings/channels/remove?channel=wa".to_owned(), "", "/settings/channels/remove?channel=wa"),
        (
            format!("{organization}/switch"),
            "http://keys.example/settings/organizations?page=2",
            "/settings/organizations?page=2",
        ),
        (format!("{organization}/delete"), "https://evil.example/elsewhere", LIST),
        (format!("{organization}/delete"), "", LIST),
    ] {
        let mut browser = world.signed_in(&world.root).await;
        world.clock.advance(HOUR);
        browser.headers = vec![("referer", referer)];
        let answer = browser.post(&action, &[("csrf", "0")]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{action}");
        let location = answer.location().to_owned();
        let answer = browser.sign_in_from(&location, &world.root.value).await;
        assert_eq!(answer.location(), next, "{location}");
    }
}

#[tokio::test]
async fn whoever_follows_a_link_from_another_site_stays_signed_in() {
    let world = World::new().await;
    let mut browser = world.signed_in(&world.root).await;
    let address = "/settings/channels?search=a%26b";
    // The browser keeps the cookie from the first request.
    let cookies = std::mem::take(&mut browser.cookies);
    follows_a_link(&mut browser);
    let page = browser.get(address).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.shows(&format!("href=\"{address}\"")), "{}", page.body);
    assert!(page.set_cookies().is_empty());
    let on = page.headers["refresh"].to_str().unwrap().strip_prefix("0; url=").unwrap().to_owned();
    browser.headers = vec![("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "navigate")];
    browser.cookies = cookies;
    let answer = browser.get(&on).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, address));
    assert_eq!(browser.get(address).await.status, StatusCode::OK);
}

#[tokio::test]
async fn whoever_is_not_signed_in_comes_from_there_to_the_sign_in_page_and_round_in_no_circle() {
    let world = World::new().await;
    let mut browser = Browser::of(&world);
    follows_a_link(&mut browser);
    let page = browser.get(LIST).await;
    assert_eq!(page.headers["refresh"], "0; url=/settings/sign-in");
    // Even a browser that still says that it comes from elsewhere.
    let page = browser.get(SIGN_IN).await;
    assert!(page.status == StatusCode::OK && !page.headers.contains_key("refresh"));
    browser.headers.clear();
    assert_eq!(browser.get(LIST).await.location(), SIGN_IN);
    browser.headers = vec![("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate")];
    assert_eq!(browser.get(LIST).await.location(), SIGN_IN);
}
