use maud::{Markup, html};

/// A page, or a part of one, that has nothing to show: why, and what to do.
pub(crate) fn empty(title: &str, content: &Markup) -> Markup {
    html! { div.empty { h2 { (title) } (content) } }
}
