use http::StatusCode;
use http::header::{HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use maud::html;

use crate::arrival::Arrival;
use crate::reply::{self, Response};
use crate::view::{Frame, layout};
use crate::way_back::WayBack;

const REFRESH: HeaderName = HeaderName::from_static("refresh");

/// For whoever followed a link from another site: a page of our own, from which the browser goes on by itself, and takes
/// the cookies along. It goes by the sign-in page, which leads on whoever is signed in and asks the others to sign in;
/// that page is never answered with this one, so there is no going round.
pub(crate) fn show(frame: &Frame<'_>, arrival: &Arrival) -> Response {
    let way_back = WayBack::parse(arrival.parts.uri.path_and_query().map(PathAndQuery::as_str));
    let content = html! {
        div.empty {
            h1 { "One moment" }
            p { "You come from another site." }
            p { a.button href=(way_back.as_str()) { "Go on" } }
        }
    };
    let mut response = reply::html(StatusCode::OK, &layout::page(frame, "One moment", &content));
    if let Ok(refresh) = HeaderValue::try_from(format!("0; url={}", way_back.through_sign_in(""))) {
        response.headers_mut().insert(REFRESH, refresh);
    }
    response
}
