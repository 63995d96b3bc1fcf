//! Answers, as they go out.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, SET_COOKIE};
use http::{HeaderMap, StatusCode, header};
use http_body_util::Full;
use maud::Markup;

use crate::assets::Asset;

/// A whole answer.
pub(crate) type Response = http::Response<Full<Bytes>>;

/// The pages may load the console's own style, script and images, send forms to it, and nothing else; nobody frames them.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

/// What every answer of the console says to browsers.
const SECURITY: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // Under `no-referrer` Chromium sends `Origin: null` with the console's own forms.
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
];

/// A page. Nobody keeps it.
pub(crate) fn html(status: StatusCode, page: &Markup) -> Response {
    let mut response = http::Response::new(Full::from(page.0.clone()));
    *response.status_mut() = status;
    set(response.headers_mut(), CONTENT_TYPE, "text/html; charset=utf-8");
    set(response.headers_mut(), CACHE_CONTROL, "no-store");
    response
}

/// Go there with GET, after something was done or because it is elsewhere.
pub(crate) fn see_other(path: &str) -> Response {
    let mut response = http::Response::new(Full::default());
    *response.status_mut() = StatusCode::SEE_OTHER;
    if let Ok(location) = HeaderValue::try_from(path) {
        response.headers_mut().insert(LOCATION, location);
    }
    set(response.headers_mut(), CACHE_CONTROL, "no-store");
    response
}

/// A file of the console's. Its name changes with what is in it, so it may be kept for ever.
pub(crate) fn asset(asset: &Asset) -> Response {
    let mut response = http::Response::new(Full::from(asset.bytes));
    set(response.headers_mut(), CONTENT_TYPE, asset.media_type);
    set(response.headers_mut(), CACHE_CONTROL, "public, max-age=31536000, immutable");
    response
}

/// Sets a cookie, beside those that are set already.
pub(crate) fn set_cookie(response: &mut Response, cookie: Option<HeaderValue>) {
    if let Some(cookie) = cookie {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}

/// Says to browsers what every answer says to them.
pub(crate) fn secure(response: &mut Response) {
    for (name, value) in SECURITY {
        set(response.headers_mut(), name, value);
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.insert(name, HeaderValue::from_static(value));
}
