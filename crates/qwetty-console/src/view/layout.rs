use maud::{DOCTYPE, Markup, html};
use qwetty::VerifiedKey;
use qwetty_authz::Catalogue;
use qwetty_authz::administration::{API_KEYS_READ, AUDIT_READ, ORGANIZATIONS_MANAGE};

use super::banner;
use super::icon::{self, Icon};
use crate::assets::Assets;
use crate::notice::Notice;
use crate::route::{AUDIT_LOG, CHANNELS, HOME, ORGANIZATIONS, SIGN_OUT};
use crate::token::FormToken;

/// What stands around every page.
#[derive(Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) assets: &'a Assets,
    /// The path that was asked for; it tells which entry of the navigation is the current one.
    pub(crate) path: &'a str,
    /// Who is signed in; `None` for nobody.
    pub(crate) visitor: Option<Visitor>,
    /// What is to be said once.
    pub(crate) notice: Option<Notice>,
}

/// Who is signed in, as the frame shows it.
#[derive(Debug)]
pub(crate) struct Visitor {
    name: String,
    start: String,
    /// The organization whose things are shown; only operators are told.
    organization: Option<String>,
    sections: Vec<&'static Section>,
    form_token: FormToken,
}

/// An entry of the navigation.
#[derive(Debug)]
struct Section {
    label: &'static str,
    path: &'static str,
    icon: Icon,
    /// It is offered to keys that hold one of these.
    any_of: &'static [&'static str],
}

const SECTIONS: [Section; 4] = [
    Section { label: "API keys", path: HOME, icon: Icon::Key, any_of: &[API_KEYS_READ] },
    Section { label: "Channels", path: CHANNELS, icon: Icon::Channel, any_of: &[API_KEYS_READ] },
    Section { label: "Audit log", path: AUDIT_LOG, icon: Icon::Log, any_of: &[AUDIT_READ] },
    Section {
        label: "Organizations",
        path: ORGANIZATIONS,
        icon: Icon::Organization,
        any_of: &[ORGANIZATIONS_MANAGE],
    },
];

impl Visitor {
    pub(crate) fn new(
        key: &VerifiedKey,
        catalogue: &Catalogue,
        organization: Option<String>,
        form_token: FormToken,
    ) -> Self {
        let held = |name: &&str| key.access().permissions.allows(catalogue, name);
        Self {
            name: key.name().to_string(),
            start: key.start().to_string(),
            organization,
            sections: SECTIONS.iter().filter(|section| section.any_of.iter().any(held)).collect(),
            form_token,
        }
    }
}

impl Frame<'_> {
    /// The hidden field without which no form is taken. For pages of somebody who is signed in; empty for others.
    pub(crate) fn form_token(&self) -> Markup {
        html! {
            @if let Some(visitor) = &self.visitor { (hidden_token(&visitor.form_token)) }
        }
    }
}

/// The hidden field of a form that was given to the holder of this token.
pub(crate) fn hidden_token(token: &FormToken) -> Markup {
    html! { input type="hidden" name=(crate::console::FORM_TOKEN) value=(token); }
}

/// A whole page: `content` begins with its one `h1`.
pub(crate) fn page(frame: &Frame<'_>, title: &str, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { (title) " · Qwetty" }
                link rel="icon" href=(frame.assets.icon.path()) type="image/svg+xml";
                link rel="stylesheet" href=(frame.assets.style.path());
                script type="module" src=(frame.assets.script.path()) {}
            }
            body class=[frame.visitor.is_none().then_some("signed-out")] {
                a.skip href="#content" { "Skip to content" }
                header.top {
                    a.brand href=(HOME) { (icon::mark()) span { "Qwetty" } }
                    @if let Some(visitor) = &frame.visitor { (identity(visitor)) }
                }
                @if let Some(visitor) = &frame.visitor { (navigation(visitor, frame.path)) }
                main #content tabindex="-1" {
                    @if let Some(notice) = &frame.notice { (banner::notice(notice)) }
                    (content)
                }
                // What the script has to say to those who do not see it.
                div.visually-hidden #announcer role="status" {}
            }
        }
    }
}

fn identity(visitor: &Visitor) -> Markup {
    html! {
        div.identity {
            p {
                span.visually-hidden { "Signed in as " }
                bdi.identity-name { (visitor.name) }
                " "
                code { (visitor.start) "…" }
            }
            form method="post" action=(SIGN_OUT) {
                (hidden_token(&visitor.form_token))
                button.quiet type="submit" { (icon::of(Icon::SignOut)) "Sign out" }
            }
        }
    }
}

fn navigation(visitor: &Visitor, path: &str) -> Markup {
    html! {
        nav.sections aria-label="Settings" {
            @if let Some(organization) = &visitor.organization {
                p.organization { span.label { "Organization" } " " bdi { (organization) } }
            }
            ul {
                @for section in &visitor.sections {
                    li {
                        a href=(section.path) aria-current=[is_within(path, section.path).then_some("page")] {
                            (icon::of(section.icon))
                            (section.label)
                        }
                    }
                }
            }
        }
    }
}

fn is_within(path: &str, section: &str) -> bool {
    path.strip_prefix(section).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
