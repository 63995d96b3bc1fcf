//! Whatever strangers send is answered with a page, and never with a fault of the server's own.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use bytes::Bytes;
use http::{HeaderValue, Request};
use http_body_util::Full;
use proptest::prelude::*;

use support::World;

/// Bytes that a client may send as a header, most of them such as the console reads.
fn header() -> impl Strategy<Value = Option<HeaderValue>> {
    let text = prop_oneof![
        "qwetty-(session|visit)=[0-9a-f]{0,70}(; [ -~]{0,20})?",
        "(https?://)?[a-z.:0-9]{0,12}",
        "(same-origin|cross-site|none|null|https|[ -~]{0,12})(, ?[0-9a-f.:]{0,9})?",
        "application/x-www-form-urlencoded(;[ -~]{0,9})?",
    ];
    let bytes = prop_oneof![text.prop_map(String::into_bytes), prop::collection::vec(any::<u8>(), 0..12)];
    proptest::option::of(bytes.prop_map(|bytes| HeaderValue::from_bytes(&bytes).ok()))
        .prop_map(Option::flatten)
}

fn path() -> impl Strategy<Value = String> {
    let known = prop_oneof![
        Just("/api-keys".to_owned()),
        Just("/sign-in".to_owned()),
        Just("/sign-out".to_owned()),
        Just("/assets/console.css".to_owned()),
        "(/[a-z0-9%._~-]{0,8}){0,3}",
    ];
    (known, "(\\?[a-z=&%+0-9]{0,30})?").prop_map(|(path, query)| format!("/settings{path}{query}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn every_request_has_a_guarded_answer(
        method in "GET|HEAD|POST|PUT|DELETE|OPTIONS",
        path in path(),
        headers in prop::array::uniform6(header()),
        body in prop_oneof!["(csrf|key|next|[a-z]{1,3})=[%a-f0-9+]{0,70}(&(csrf|key|next)=[%a-f0-9]{0,70}){0,2}", "[ -~]{0,40}"],
    ) {
        let mut request = Request::builder().method(method.as_str()).uri(&path).body(Full::from(Bytes::from(body))).unwrap();
        for (name, value) in
            ["host", "cookie", "origin", "sec-fetch-site", "content-type", "x-forwarded-proto"].into_iter().zip(headers)
        {
            if let Some(value) = value {
                request.headers_mut().insert(name, value);
            }
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let answer = runtime.block_on(async { World::new().await.send(request, [192, 0, 2, 7].into()).await });
        prop_assert!(answer.status.as_u16() < 500, "{}", answer.status);
        prop_assert!(answer.headers.contains_key("content-security-policy"));
        prop_assert!(answer.headers.contains_key("x-request-id"));
        prop_assert!(!answer.shows("Sign out"), "nobody is signed in");
    }
}
