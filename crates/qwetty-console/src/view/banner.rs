use maud::{Markup, html};

use super::icon::{self, Icon};
use crate::notice::{Notice, Tone};

/// Something that concerns the whole page.
pub(crate) fn banner(tone: Tone, content: &Markup) -> Markup {
    html! {
        div class=(class(tone)) {
            (icon::of(icon_of(tone)))
            div { (content) }
        }
    }
}

/// What was just done; those who hear the page are told at once.
pub(crate) fn notice(notice: &Notice) -> Markup {
    html! { div role="status" { (banner(notice.tone, &html! { p { (notice.text) } })) } }
}

/// At the head of a form that is shown again: what is wrong, each fault a link to its field.
pub(crate) fn faults(faults: &[(String, String)]) -> Markup {
    html! {
        @if !faults.is_empty() {
            div.banner.bad #faults role="alert" tabindex="-1" {
                (icon::of(icon_of(Tone::Bad)))
                div {
                    h2 { "Nothing is done yet" }
                    ul {
                        @for (field, message) in faults { li { a href={ "#" (field) } { (message) } } }
                    }
                }
            }
        }
    }
}

const fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Neutral => "banner neutral",
        Tone::Good => "banner good",
        Tone::Warning => "banner warning",
        Tone::Bad => "banner bad",
    }
}

const fn icon_of(tone: Tone) -> Icon {
    match tone {
        Tone::Neutral => Icon::Info,
        Tone::Good => Icon::Check,
        Tone::Warning => Icon::Warning,
        Tone::Bad => Icon::Cross,
    }
}
