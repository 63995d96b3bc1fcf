use maud::{Markup, html};
use qwetty::IssuedKey;

use super::path;
use crate::notice::Tone;
use crate::refusal::Refusal;
use crate::reply::Response;
use crate::view::{banner, status, time};
use crate::visit::Visit;

/// Why there is a value to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Occasion {
    Created,
    Regenerated,
}

/// The one page that shows a key value: the answer to the very request that made it.
pub(super) fn page(visit: &Visit<'_>, issued: &IssuedKey, occasion: Occasion) -> Result<Response, Refusal> {
    let record = &issued.key.record;
    let title = match occasion {
        Occasion::Created => "Store your new key",
        Occasion::Regenerated => "Store the new value",
    };
    let content = html! {
        h1 { (title) }
        p.lead { bdi { (record.name) } " " (status::badge(issued.key.status)) }
        (banner::banner(Tone::Warning, &html! {
            p {
                strong { "This is the only time that the value is shown." }
                " Put it where your program keeps its secrets. Nobody can look it up later, not even who runs this server."
            }
        }))
        section.card {
            h2 #value-label { "Key value" }
            div.secret role="group" tabindex="0" aria-labelledby="value-label" {
                code #key-value translate="no" { (issued.value.expose()) }
            }
            div.actions {
                button type="button" data-copy="key-value" data-script hidden { "Copy" }
            }
        }
        @if occasion == Occasion::Regenerated { (old_value(visit, issued)) }
        section.card {
            h2 #try-label { "Try it" }
            p { "This call asks the server for the key itself, and counts as its use." }
            pre.wrap role="group" tabindex="0" aria-labelledby="try-label" { code #curl translate="no" { (curl(visit, issued)) } }
            @if !record.access.networks.allows(visit.address) {
                p.hint { "Your own address is not in the key's IP whitelist. Run it on a machine that is." }
            }
            div.actions {
                button.quiet type="button" data-copy="curl" data-script hidden { "Copy the command" }
            }
        }
        p { a.button href=(path(record.id)) data-leave-guard { "I have stored it" } }
    };
    Ok(visit.page(title, &content))
}

fn old_value(visit: &Visit<'_>, issued: &IssuedKey) -> Markup {
    let lifecycle = &issued.key.record.lifecycle;
    html! {
        section.card {
            h2 { "The old value" }
            @match lifecycle.previous(issued.key.at) {
                // Nobody is told to reload this page: the new value is on it only once.
                Some(previous) => p data-when-over="It has ended. Programs that still send it are refused." {
                    code { (previous.value.start) "…" }
                    " works until " (time::exact(previous.ends_at)) ", for another "
                    (time::countdown(previous.ends_at, visit.now))
                    ". Bring the new value to every program that uses the key before then."
                },
                None => p { "It does not work any more. Programs that still send it are refused." },
            }
            @if issued.key.record.id == visit.key.id() {
                p {
                    "It is the value that you signed in with. Your session ends with it; sign in with the new value then."
                }
            }
        }
    }
}

/// What stands in quotes is of characters that mean nothing to a shell: see `Arrival::base` and the form of key values.
fn curl(visit: &Visit<'_>, issued: &IssuedKey) -> String {
    let value = issued.value.expose();
    format!("curl '{}/api/v1/me' \\\n  -H 'Authorization: Bearer {value}'", visit.base)
}
