//! Posts that are acted upon, and those that are not; what every answer says to a browser.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use http::StatusCode;
use http::header::ALLOW;

use support::{Browser, LIST, SIGN_IN, SIGN_OUT, World};

/// Posts a sign-out with these headers in the place of the browser's; whether the session ended.
async fn signs_out(headers: &[(&'static str, &'static str)]) -> StatusCode {
    let world = World::new().await;
    let mut browser = world.signed_in(&world.root).await;
    let token = browser.get(LIST).await.token_for(SIGN_OUT);
    browser.headers = headers.to_vec();
    let answer = browser.post(SIGN_OUT, &[("csrf", &token)]).await;
    browser.headers.clear();
    let is_out = browser.get(LIST).await.status == StatusCode::SEE_OTHER;
    assert_eq!(is_out, answer.status == StatusCode::SEE_OTHER, "{headers:?}");
    answer.status
}

#[tokio::test]
async fn a_post_from_elsewhere_is_refused_with_a_good_token_too() {
    for headers in [
        &[("sec-fetch-site", "cross-site")][..],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", ""), ("origin", "http://evil.example")],
        &[("sec-fetch-site", ""), ("origin", "null")],
        &[("sec-fetch-site", ""), ("origin", "https://keys.example")],
        &[("sec-fetch-site", "none"), ("origin", "http://evil.example")],
        &[("sec-fetch-site", "none"), ("origin", "null")],
    ] {
        assert_eq!(signs_out(headers).await, StatusCode::FORBIDDEN, "{headers:?}");
    }
    for headers in [
        &[][..],
        &[("sec-fetch-site", "same-origin"), ("origin", "null")],
        &[("sec-fetch-site", ""), ("origin", "")],
        &[("sec-fetch-site", ""), ("origin", "http://keys.example")],
        &[("sec-fetch-site", "none"), ("origin", "http://keys.example")],
    ] {
        assert_eq!(signs_out(headers).await, StatusCode::SEE_OTHER, "{headers:?}");
    }
}

#[tokio::test]
async fn a_post_without_the_sessions_own_token_is_refused() {
    let world = World::new().await;
    let mut browser = world.signed_in(&world.root).await;
    let other = world.signed_in(&world.root).await.get(LIST).await.token_for(SIGN_OUT);
    let visit = Browser::of(&world).get(SIGN_IN).await.token_for(SIGN_IN);
    for pairs in [&[][..], &[("csrf", "")], &[("csrf", &other)], &[("csrf", &visit)], &[("csrf", "0")]] {
        let answer = browser.post(SIGN_OUT, pairs).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{pairs:?}");
    }
    assert_eq!(browser.get(LIST).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_sign_in_needs_the_form_that_this_browser_was_given() {
    let world = World::new().await;
    let value = world.root.value.clone();
    let stranger = Browser::of(&world).get(SIGN_IN).await.token_for(SIGN_IN);
    let mut browser = Browser::of(&world);
    let answer = browser.post(SIGN_IN, &[("csrf", &stranger), ("key", &value)]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "no cookie");
    browser.get(SIGN_IN).await;
    let answer = browser.post(SIGN_IN, &[("csrf", &stranger), ("key", &value)]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "another browser's form");
    assert!(!browser.cookies.contains_key("qwetty-session"));
}

#[tokio::test]
async fn a_form_is_read_strictly() {
    let world = World::new().await;
    let mut browser = Browser::of(&world);
    let token = browser.get(SIGN_IN).await.token_for(SIGN_IN);
    let key = world.root.value.as_str();
    let pairs = [("csrf", token.as_str()), ("key", key), ("next", "")];
    for extra in [("key", key), ("admin", "1"), ("csrf", token.as_str())] {
        let answer = browser.post(SIGN_IN, &[&pairs[..], &[extra]].concat()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{extra:?}");
        assert!(!answer.shows(key));
    }
    let long = "a".repeat(64 * 1024);
    let answer = browser.post(SIGN_IN, &[&pairs[..], &[("long", &long)]].concat()).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    for media_type in ["", "text/plain", "multipart/form-data; boundary=x", "application/json"] {
        browser.headers = vec![("content-type", media_type)];
        let answer = browser.post(SIGN_IN, &pairs).await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{media_type}");
    }
    browser.headers = vec![("content-type", "application/x-www-form-urlencoded;charset=UTF-8")];
    assert_eq!(browser.post(SIGN_IN, &pairs).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn every_answer_is_guarded() {
    let world = World::new().await;
    let mut browser = world.signed_in(&world.root).await;
    let page = browser.get(LIST).await;
    let style = page.body.split_once("rel=\"stylesheet\" href=\"").unwrap().1.split('"').next().unwrap();
    let (style, nothing) = (style.to_owned(), "/settings/nothing".to_owned());
    for (path, kept) in [
        (LIST.to_owned(), "no-store"),
        (SIGN_IN.to_owned(), "no-store"),
        (nothing, "no-store"),
        (style, "public, max-age=31536000, immutable"),
    ] {
        let answer = browser.get(&path).await;
        let header = |name: &str| answer.headers[name].to_str().unwrap();
        let policy = header("content-security-policy");
        assert!(policy.starts_with("default-src 'none';"), "{policy}");
        for part in ["form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "same-origin");
        assert_eq!(header("cache-control"), kept, "{path}");
        assert!(header("x-request-id").starts_with("req_"));
        for inline in ["style=", "onclick", "javascript:", "<style"] {
            assert!(!answer.shows(inline) || path.ends_with(".css"), "{path}: {inline}");
        }
    }
}

#[tokio::test]
async fn what_is_not_there_has_a_page_that_says_so() {
    let world = World::new().await;
    let mut browser = Browser::of(&world);
    for path in ["/settings/nothing", "/settings/assets/console.css", "/settings/api-keys/a/b/c"] {
        let answer = browser.get(path).await;
        assert_eq!(
            (answer.status, answer.route == "none"),
            (StatusCode::NOT_FOUND, !path.contains("assets"))
        );
        assert!(answer.shows("<h1>Page not found</h1>") && !answer.shows("Sign out"));
    }
    let answer = world.signed_in(&world.root).await.get("/settings/nothing").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(answer.shows("Sign out") && answer.shows("Default"), "the frame stays");
    let answer = browser.send("DELETE", SIGN_IN, None).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.headers[ALLOW], "GET, POST, HEAD");
    assert_eq!(browser.get("/settings/sign-in?nonsense=1").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(browser.get("/settings").await.location(), LIST);
}
