//! Making a key: the form, its faults, and the page that shows the value once.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::net::{IpAddr, Ipv4Addr};

use http::StatusCode;
use http::header::CACHE_CONTROL;
use qwetty::{EventList, KeyList, KeyView, NewKey};
use qwetty_authz::{ChannelScope, Channels};
use qwetty_ratelimit::Tier;
use qwetty_storage::{Action, ChannelKind, KeySort, Order, Page};

use support::{Answer, Browser, DAY, LIST, NOON, TestKey, World, draft, networks, owner};

const NEW: &str = "/settings/api-keys/new";

/// What a browser sends of the form if nothing but a name and a permission is filled in.
const PLAIN: [(&str, &str); 9] = [
    ("name", "CRM"),
    ("description", ""),
    ("permissions", "chats:read"),
    ("reach", "every"),
    ("whitelist", ""),
    ("expiry", "90"),
    ("date", ""),
    ("tier", "standard"),
    ("step", "create"),
];

/// The plain form, with these fields in place of its own of the same name.
fn form<'a>(fields: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = PLAIN.into_iter().filter(|(name, _)| !fields.iter().any(|(other, _)| other == name));
    kept.chain(fields.iter().copied()).collect()
}

async fn create(browser: &mut Browser<'_>, fields: &[(&str, &str)]) -> Answer {
    browser.fill(NEW, NEW, &form(fields)).await
}

fn value(page: &Answer) -> String {
    page.between("<code id=\"key-value\" translate=\"no\">", "<").to_owned()
}

/// The keys of the organization, newest first.
async fn keys(world: &World) -> Vec<KeyView> {
    let list = KeyList {
        organization: Some(world.organization),
        search: None,
        status: None,
        sort: KeySort::CreatedAt,
        order: Order::Descending,
        page: Page { offset: 0, limit: 100 },
    };
    world.manager.list(&owner(), list).await.unwrap().items
}

async fn channel(world: &World, id: &str, name: &str) {
    let (organization, id) = (Some(world.organization), id.parse().unwrap());
    let name = name.parse().unwrap();
    world.manager.save_channel(&owner(), organization, &id, name, ChannelKind::Whatsapp).await.unwrap();
}

/// A key that may make keys, restricted as `restrict` says.
async fn manager(world: &World, restrict: impl FnOnce(&mut NewKey)) -> TestKey {
    let mut new = draft("Manager", &["api_keys:read", "api_keys:manage", "chats:read"]);
    restrict(&mut new);
    world.key(new).await
}

#[tokio::test]
async fn a_restricted_key_is_what_the_form_said() {
    let world = World::new().await;
    channel(&world, "support", "Support <line>").await;
    channel(&world, "shop", "Shop").await;
    world.clock.advance(DAY / 24);
    let mut browser = world.signed_in(&world.root).await;
    let page = create(
        &mut browser,
        &[
            ("name", " CRM <Integration> "),
            ("description", "Reads.\r\nAnswers."),
            ("permissions", "messages:send"),
            ("permissions", "chats:read"),
            ("reach", "ticked"),
            ("channels", "support"),
            ("whitelist", " 10.0.0.0/8 \r\n\r\n::ffff:192.0.2.7\r\n"),
            ("expiry", "date"),
            ("date", "2030-02-28"),
            ("tier", "admin"),
        ],
    )
    .await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    let key = keys(&world).await.remove(0);
    let record = &key.record;
    assert_eq!(record.name.as_str(), "CRM <Integration>");
    assert_eq!(record.description.as_ref().unwrap().as_str(), "Reads.\nAnswers.");
    assert_eq!(
        key.permissions.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["chats:read", "messages:send"]
    );
    let only = Channels::try_from(vec!["support".parse().unwrap()]).unwrap();
    assert_eq!(record.access.channels, ChannelScope::Only(only));
    assert_eq!(record.access.networks, networks(&["10.0.0.0/8", "192.0.2.7"]));
    // The whole of the day, in UTC.
    assert_eq!(record.lifecycle.expires_at().unwrap().to_string(), "2030-03-01T00:00:00Z");
    assert_eq!(record.tier, Tier::Admin);
    assert_eq!(record.created_by, Some(world.root.id));
    assert!(page.shows("CRM &lt;Integration&gt;") && !page.shows("CRM <Integration>"));
}

#[tokio::test]
async fn the_value_is_in_the_answer_to_the_post_and_nowhere_else() {
    let world = World::new().await;
    let mut browser = world.signed_in(&world.root).await;
    let page = create(&mut browser, &[]).await;
    let value = value(&page);
    assert_eq!((value.len(), &value[..4]), (53, "qwt_"));
    assert_eq!((page.status, page.headers[CACHE_CONTROL].to_str().unwrap()), (StatusCode::OK, "no-store"));
    assert!(page.headers.iter().all(|(_, header)| !header.to_str().unwrap().contains(&value)));
    // Once to be copied, once in the command.
    assert_eq!(page.body.matches(&value).count(), 2);
    assert!(
        page.shows("curl &#39;http://keys.example/api/v1/me&#39;")
            || page.shows("curl 'http://keys.example/api/v1/me'")
    );
    let made = keys(&world).await.into_iter().find(|key| key.record.id != world.root.id).unwrap();
    let key = format!("{LIST}/{}", made.record.id);
    assert!(page.shows(&format!("href=\"{key}\" data-leave-guard")));
    for path in [LIST, &*key, NEW, "/settings/audit-log"] {
        assert!(!browser.get(path).await.shows(&value), "{path}");
    }
}

#[tokio::test]
async fn the_event_tells_who_made_it_and_from_where() {
    let world = World::new().await;
    world.clock.advance(DAY);
    let mut browser = world.signed_in(&world.root).await;
    let page = create(&mut browser, &[]).await;
    let list = EventList {
        organization: Some(world.organization),
        key: None,
        action: Some(Action::KeyCreated),
        page: Page { offset: 0, limit: 1 },
    };
    let event = world.manager.events(&owner(), list).await.unwrap().items.remove(0);
    assert_eq!(event.actor.unwrap().key, world.root.id);
    assert_eq!(event.address, Some(browser.address));
    assert_eq!(event.request_id.unwrap(), page.headers["x-request-id"].to_str().unwrap());
}

#[tokio::test]
async fn a_form_that_is_sent_again_makes_no_second_key() {
    let world = World::new().await;
    let mut browser = world.signed_in(&world.root).await;
    let hidden = browser.get(NEW).await.hidden_of(NEW);
    let hidden: Vec<(&str, &str)> = hidden.iter().map(|(name, value)| (&**name, &**value)).collect();
    let all = [&hidden[..], &PLAIN].concat();
    let first = browser.post(NEW, &all).await;
    assert_eq!(first.status, StatusCode::OK);
    let value = value(&first);
    for _ in 0..2 {
        let again = browser.post(NEW, &all).await;
        assert_eq!(again.status, StatusCode::CONFLICT);
        assert!(again.shows("already sent") && !again.shows(&value));
    }
    assert_eq!(keys(&world).await.len(), 2);
    // Another showing of the form is another key.
    assert_eq!(create(&mut browser, &[]).await.status, StatusCode::OK);
    let without: Vec<_> = all.iter().copied().filter(|(name, _)| *name != "once").collect();
    assert_eq!(browser.post(NEW, &without).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(keys(&world).await.len(), 3);
}

#[tokio::test]
async fn faults_stand_beside_their_fields_and_what_was_typed_is_kept() {
    let world = World::new().await;
    channel(&world, "support", "Support").await;
    let mut browser = world.signed_in(&world.root).await;
    let typed = [
        ("name", "a\u{202e}b"),
        ("description", "</textarea><script>alert(1)</script>"),
        ("permissions", "chats:read"),
        ("reach", "every"),
        ("channels", "support"),
        ("whitelist", "10.0.0.1/8\r\n10.0.0.1\r\n<b>"),
        ("expiry", "date"),
        ("date", "2029-12-31"),
    ];
    let page = create(&mut browser, &typed).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    for fault in [
        "U+202E",
        "Channels are ticked: choose “Only these channels”, or untick them.",
        "Line 1: host bits are set: write 10.0.0.0/8",
        "Line 3: not an address",
        "The date must lie in the future.",
        "href=\"#whitelist\"",
    ] {
        assert!(page.shows(fault), "{fault}: {}", page.body);
    }
    assert!(page.shows("value=\"a\u{202e}b\"") && page.shows("value=\"2029-12-31\""));
    assert!(page.shows("&lt;/textarea&gt;&lt;script&gt;") && !page.shows("<script>alert"));
    assert!(page.shows("10.0.0.1/8\n10.0.0.1\n&lt;b&gt;"));
    assert!(page.shows("value=\"chats:read\" checked") && page.shows("value=\"support\" checked"));
    assert_eq!(keys(&world).await.len(), 1);
    for (fields, fault) in [
        (&[("permissions", "nothing:known")][..], "one of them does not exist"),
        (&[("reach", "ticked")], "tick at least one"),
        (&[("reach", "ticked"), ("channels", "gone")], "does not exist any more"),
        (&[("expiry", "date")], "the date is missing"),
        (&[("expiry", "never"), ("date", "2031-01-01")], "a date is typed"),
        (&[("expiry", "")], "choose one"),
        (&[("name", "")], "must not be empty"),
    ] {
        let page = create(&mut browser, fields).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{fault}");
        assert!(page.shows(fault), "{fault}: {}", page.body);
    }
    for field in
        [("expiry", "kept"), ("expiry", "14"), ("reach", "all"), ("tier", "root"), ("step", "x"), ("x", "")]
    {
        assert_eq!(create(&mut browser, &[field]).await.status, StatusCode::BAD_REQUEST, "{field:?}");
    }
    assert_eq!(keys(&world).await.len(), 1);
}

#[tokio::test]
async fn a_review_says_in_plain_words_what_the_key_will_do_and_makes_nothing() {
    let world = World::new().await;
    channel(&world, "support", "Support & more").await;
    let mut browser = world.signed_in(&world.root).await;
    let typed = [
        ("permissions", "messages:send"),
        ("reach", "ticked"),
        ("channels", "support"),
        ("whitelist", "10.1.0.0/16"),
        ("expiry", "7"),
        ("tier", "admin"),
        ("step", "review"),
    ];
    let page = create(&mut browser, &typed).await;
    assert_eq!(page.status, StatusCode::OK);
    let summary = page.between("<h2 id=\"summary\"", "</section>");
    for words in [
        "Send messages",
        "Support &amp; more",
        "10.1.0.0/16",
        "8 January 2030, 12:00:00 UTC",
        "5,000 requests an hour",
    ] {
        assert!(summary.contains(words), "{words}: {summary}");
    }
    assert!(page.shows("Nothing is created yet"));
    let never = create(&mut browser, &[("expiry", "never"), ("step", "review")]).await;
    let summary = never.between("<h2 id=\"summary\"", "</section>");
    assert!(
        summary.contains("Every channel") && summary.contains("Every address") && summary.contains("Never")
    );
    assert_eq!(keys(&world).await.len(), 1);
}

#[tokio::test]
async fn what_the_visitor_lacks_is_not_offered_and_refused_if_tried() {
    let world = World::new().await;
    channel(&world, "mine", "Mine").await;
    channel(&world, "other", "Other").await;
    let mine = ChannelScope::Only(Channels::try_from(vec!["mine".parse().unwrap()]).unwrap());
    let key = manager(&world, |new| {
        new.channels = mine;
        new.networks = networks(&["192.0.2.0/24"]);
        new.expires_at = Some(NOON.saturating_add(20 * DAY));
    })
    .await;
    let mut browser = world.signed_in(&key).await;
    let page = browser.get(NEW).await;
    for offered in
        ["value=\"chats:read\"", "value=\"api_keys:manage\"", "value=\"mine\"", "value=\"7\"", "192.0.2.0/24"]
    {
        assert!(page.shows(offered), "{offered}");
    }
    for lacking in [
        "messages:send",
        "audit:read",
        "value=\"other\"",
        "value=\"every\"",
        "value=\"30\"",
        "value=\"never\"",
        "name=\"tier\"",
    ] {
        assert!(!page.shows(lacking), "{lacking}");
    }
    let allowed = [
        ("reach", "ticked"),
        ("channels", "mine"),
        ("whitelist", "192.0.2.9"),
        ("expiry", "mine"),
        ("name", "Child"),
    ];
    for (tried, told) in [
        (("permissions", "messages:send"), "Send messages"),
        (("channels", "other"), "Other"),
        (("whitelist", "192.0.2.9\n192.0.3.1"), "192.0.3.1"),
        (("whitelist", ""), "every address"),
        (("tier", "admin"), "the tier admin"),
        (("expiry", "never"), "it ends on 21 January 2030, 12:00:00 UTC"),
    ] {
        let kept = allowed.iter().copied().filter(|(name, _)| *name != tried.0);
        let fields: Vec<_> = kept.chain([tried]).collect();
        let page = create(&mut browser, &fields).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{tried:?}");
        let fault = format!("<li>More than your own key may: {told}.</li>");
        assert!(page.shows(&fault), "{tried:?}: {}", page.body);
        assert!(page.shows("value=\"Child\""));
    }
    let refused = EventList {
        organization: Some(world.organization),
        key: None,
        action: Some(Action::KeyGrantRefused),
        page: Page { offset: 0, limit: 100 },
    };
    assert_eq!(world.manager.events(&owner(), refused).await.unwrap().total, 6);
    assert_eq!(create(&mut browser, &allowed).await.status, StatusCode::OK);
    let child = keys(&world).await.into_iter().find(|key| key.record.name.as_str() == "Child").unwrap();
    assert_eq!(child.record.lifecycle.expires_at(), Some(NOON.saturating_add(20 * DAY)));
}

#[tokio::test]
async fn everything_in_which_a_key_would_exceed_the_visitors_is_told_at_once() {
    let world = World::new().await;
    channel(&world, "mine", "Mine").await;
    channel(&world, "other", "Other").await;
    let mine = ChannelScope::Only(Channels::try_from(vec!["mine".parse().unwrap()]).unwrap());
    let key = manager(&world, |new| {
        new.channels = mine;
        new.networks = networks(&["192.0.2.0/24"]);
        new.expires_at = Some(NOON.saturating_add(20 * DAY));
    })
    .await;
    let mut browser = world.signed_in(&key).await;
    let too_much = [
        ("permissions", "messages:send"),
        ("reach", "every"),
        ("whitelist", ""),
        ("expiry", "90"),
        ("tier", "admin"),
    ];
    for (step, name, status) in [
        ("create", "Child", StatusCode::FORBIDDEN),
        ("review", "Child", StatusCode::FORBIDDEN),
        ("create", "", StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let page = create(&mut browser, &[&too_much[..], &[("step", step), ("name", name)]].concat()).await;
        assert_eq!(page.status, status, "{step}");
        for told in
            ["Send messages", "every channel", "every address", "the tier admin", "it ends on 21 January"]
        {
            let fault = format!("<li>More than your own key may: {told}");
            assert!(page.shows(&fault), "{step}, {told}: {}", page.body);
        }
        assert!(!page.shows("Nothing is created yet"));
    }
}

#[tokio::test]
async fn the_form_of_a_visitor_with_networks_begins_with_what_may_be_granted() {
    let world = World::new().await;
    let key = manager(&world, |new| new.networks = networks(&["192.0.2.0/24", "2001:db8::/32"])).await;
    let mut browser = world.signed_in(&key).await;
    let page = browser.get(NEW).await;
    let typed = page.between("<textarea name=\"whitelist\"", "</textarea>").split_once(">\n").unwrap().1;
    assert_eq!(typed, "192.0.2.0/24\n2001:db8::/32");
    assert!(!page.shows("Every address"), "{}", page.body);
    assert_eq!(create(&mut browser, &[("whitelist", typed)]).await.status, StatusCode::OK);
    let child = keys(&world).await.into_iter().find(|key| key.record.name.as_str() == "CRM").unwrap();
    assert_eq!(child.record.access.networks, networks(&["192.0.2.0/24", "2001:db8::/32"]));
}

#[tokio::test]
async fn the_last_day_that_can_be_written_is_a_day_like_others() {
    let world = World::new().await;
    let mut browser = world.signed_in(&world.root).await;
    assert!(browser.get(NEW).await.shows("max=\"9999-12-31\""));
    let page = create(&mut browser, &[("expiry", "date"), ("date", "10000-01-01")]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.shows("The year must be 9999 at most"), "{}", page.body);
    let input = page.between("<input type=\"date\"", ">");
    assert!(input.contains("aria-invalid=\"true\"") && input.contains("expiry-errors\""), "{input}");
    let page = create(&mut browser, &[("expiry", "date"), ("date", "9999-12-31")]).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    let made = keys(&world).await.into_iter().find(|key| key.record.name.as_str() == "CRM").unwrap();
    assert_eq!(made.record.lifecycle.expires_at().unwrap().to_string(), "9999-12-31T23:59:59.999999Z");
}

#[tokio::test]
async fn the_script_is_given_the_servers_words_for_what_is_chosen() {
    let world = World::new().await;
    let mut browser = world.signed_in(&world.root).await;
    let page = browser.get(NEW).await;
    let words = page.between("data-words=\"", "\"").replace("&quot;", "\"");
    let words: serde_json::Value = serde_json::from_str(&words).unwrap();
    for (choice, field, value) in [
        ("reach=every", "reach", "every"),
        ("expiry=7", "expiry", "7"),
        ("expiry=never", "expiry", "never"),
        ("tier=admin", "tier", "admin"),
    ] {
        let review = create(&mut browser, &[(field, value), ("step", "review")]).await;
        let told = words[choice].as_str().unwrap();
        let summary = review.between("<h2 id=\"summary\"", "</section>");
        assert!(summary.contains(&format!("<bdi>{told}</bdi>")), "{choice}, {told}: {summary}");
    }
}

#[tokio::test]
async fn who_may_only_read_is_neither_offered_the_form_nor_heard() {
    let world = World::new().await;
    let reader = world.key(draft("Reader", &["api_keys:read"])).await;
    let mut browser = world.signed_in(&reader).await;
    let list = browser.get(LIST).await;
    assert!(!list.shows(NEW));
    assert_eq!(browser.get(NEW).await.status, StatusCode::FORBIDDEN);
    let token = list.token_for(support::SIGN_OUT);
    let once = "0".repeat(64);
    let fields = [&[("csrf", &*token), ("once", &*once)][..], &PLAIN].concat();
    assert_eq!(browser.post(NEW, &fields).await.status, StatusCode::FORBIDDEN);
    assert_eq!(keys(&world).await.len(), 2);
}

#[tokio::test]
async fn the_command_names_no_host_that_a_shell_could_read_otherwise() {
    let world = World::new().await;
    // Characters that a host may have; others are refused before the console sees them.
    for host in ["keys.example';reboot;'", "$(reboot)"] {
        let mut browser = world.signed_in(&world.root).await;
        browser.headers = vec![("host", host), ("origin", "")];
        let page = create(&mut browser, &[]).await;
        assert_eq!(page.status, StatusCode::OK, "{host}");
        assert!(page.shows("http://localhost/api/v1/me"), "{host}: {}", page.body);
    }
    let mut browser = world.signed_in(&world.root).await;
    browser.headers = vec![("host", "[2001:db8::1]:8443")];
    assert!(create(&mut browser, &[]).await.shows("http://[2001:db8::1]:8443/api/v1/me"));
}

#[tokio::test]
async fn the_visitors_own_address_is_at_hand() {
    let world = World::new().await;
    let mut browser = world.signed_in(&world.root).await;
    browser.address = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 9));
    let page = browser.get(NEW).await;
    assert!(page.shows("data-append=\"198.51.100.9\"") && page.shows("Your address is"));
    let page = create(&mut browser, &[("whitelist", "10.0.0.1")]).await;
    assert!(page.shows("Your own address is not in the key"), "{}", page.body);
    assert!(
        !create(&mut browser, &[("whitelist", "198.51.100.0/24")]).await.shows("Your own address is not")
    );
}
