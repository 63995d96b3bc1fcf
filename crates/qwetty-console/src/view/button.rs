use maud::{Markup, html};

use super::icon::{self, Icon};

/// A link that looks like a button: the one thing to do on a page.
pub(crate) fn link(path: &str, icon: Icon, label: &str) -> Markup {
    html! { a.button href=(path) { (icon::of(icon)) (label) } }
}

/// The button of a form.
pub(crate) fn submit(label: &str) -> Markup {
    html! { button type="submit" { (label) } }
}
