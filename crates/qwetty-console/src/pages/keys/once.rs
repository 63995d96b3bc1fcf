use http::StatusCode;
use maud::html;

use crate::reply::Response;
use crate::view::empty::empty;
use crate::visit::Visit;

/// The answer to a form that came a second time, because its page was loaded anew. Nothing is done.
pub(super) fn already_sent(visit: &Visit<'_>, what_happened: &str, path: &str) -> Response {
    let content = html! {
        h1 { "This form was already sent" }
        (empty("Nothing was done this time", &html! {
            p {
                (what_happened) ", and its value was shown on that page. It cannot be shown again. If you did not store it, "
                "regenerate the key: that gives it a new value."
            }
            p { a.button href=(path) { "Go on" } }
        }))
    };
    visit.page_of(StatusCode::CONFLICT, "This form was already sent", &content)
}
