use maud::{Markup, html};
use qwetty_keys::Status;

use super::icon::{self, Icon};

/// A key's status, as a word and an icon.
pub(crate) fn badge(status: Status) -> Markup {
    let (class, icon) = match status {
        Status::Active => ("badge good", Icon::Check),
        Status::ExpiringSoon => ("badge warning", Icon::Clock),
        Status::Expired => ("badge neutral", Icon::Cross),
        Status::Revoked => ("badge bad", Icon::Stop),
    };
    html! { span class=(class) { (icon::of(icon)) (label(status)) } }
}

/// The word.
pub(crate) const fn label(status: Status) -> &'static str {
    match status {
        Status::Active => "Active",
        Status::ExpiringSoon => "Expiring soon",
        Status::Expired => "Expired",
        Status::Revoked => "Revoked",
    }
}
