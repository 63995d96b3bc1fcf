use maud::{Markup, PreEscaped, html};

/// A small drawing beside a word; it never stands for the word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Icon {
    Key,
    SignOut,
    Plus,
    Search,
    Check,
    Clock,
    Stop,
    Cross,
    Warning,
    Info,
    Channel,
    Log,
    Organization,
    Previous,
    Next,
}

/// The drawing, hidden from those who hear a page.
pub(crate) fn of(icon: Icon) -> Markup {
    html! {
        svg.icon aria-hidden="true" focusable="false" viewBox="0 0 20 20" width="20" height="20" fill="none"
            stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round" {
            (PreEscaped(shape(icon)))
        }
    }
}

/// The product's mark.
pub(crate) fn mark() -> Markup {
    html! {
        svg.mark aria-hidden="true" focusable="false" viewBox="0 0 24 24" width="24" height="24" fill="none"
            stroke="currentColor" stroke-width="2.4" stroke-linecap="round" {
            circle cx="10.5" cy="10.5" r="6.5" {}
            path d="m14 14 6.5 6.5M18 18l1.8-1.8" {}
        }
    }
}

const fn shape(icon: Icon) -> &'static str {
    match icon {
        Icon::Key => r#"<circle cx="6.5" cy="13.5" r="3.5"/><path d="m9 11 7.5-7.5M13 7l2.5 2.5"/>"#,
        Icon::SignOut => r#"<path d="M8 3.5H4.5v13H8M12.5 6.5 16 10l-3.5 3.5M16 10H8"/>"#,
        Icon::Plus => r#"<path d="M10 4v12M4 10h12"/>"#,
        Icon::Search => r#"<circle cx="9" cy="9" r="5.5"/><path d="m13 13 4 4"/>"#,
        Icon::Check => r#"<circle cx="10" cy="10" r="7"/><path d="m6.8 10.2 2.2 2.2 4.2-4.6"/>"#,
        Icon::Clock => r#"<circle cx="10" cy="10" r="7"/><path d="M10 6v4l2.5 2"/>"#,
        Icon::Stop => r#"<circle cx="10" cy="10" r="7"/><path d="m5.2 5.2 9.6 9.6"/>"#,
        Icon::Cross => r#"<circle cx="10" cy="10" r="7"/><path d="m7.5 7.5 5 5m0-5-5 5"/>"#,
        Icon::Warning => r#"<path d="M10 3 2.5 16.5h15zM10 8.5v3.5M10 14.3v.1"/>"#,
        Icon::Info => r#"<circle cx="10" cy="10" r="7"/><path d="M10 9.2v4M10 6.6v.1"/>"#,
        Icon::Channel => r#"<path d="M3.5 4.5h13v9H9L5.5 16.5v-3h-2z"/>"#,
        Icon::Log => r#"<path d="M4.5 3h11v14h-11zM7.5 7h5M7.5 10h5M7.5 13h3"/>"#,
        Icon::Organization => r#"<path d="M3.5 17V3.5h8V17M11.5 8h5v9M2 17h16M6.5 7h2M6.5 10h2M6.5 13h2"/>"#,
        Icon::Previous => r#"<path d="M12 4.5 6.5 10l5.5 5.5"/>"#,
        Icon::Next => r#"<path d="M8 4.5 13.5 10 8 15.5"/>"#,
    }
}
