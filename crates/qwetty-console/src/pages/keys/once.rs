use http::StatusCode;
use maud::html;

use crate::reply::Response;
use crate::view::empty::empty;
use crate::visit::Visit;

/// The answer to a form that came a second time, because its page was loaded anew. Nothing is done.
pub(super) fn already_sent(visit: &Visit<'_>, path: &str) -> Response {
    let content = html! {
        h1 { "This form was already sent" }
        (empty("Nothing was done this time", &html! {
            p { "What it asks for was done when it came first, and the value was shown then. It cannot be shown again." }
            p { "If you did not store the value, regenerate the key: that gives it a new one." }
            p { a.button href=(path) { "Go on" } }
        }))
    };
    visit.page_of(StatusCode::CONFLICT, "This form was already sent", &content)
}
