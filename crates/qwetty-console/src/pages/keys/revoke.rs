use http::StatusCode;
use maud::html;
use qwetty::KeyView;
use qwetty_keys::RevocationReason;

use super::offers::{Offers, is_revocation_undoable};
use super::{find, path};
use crate::notice::{Notice, Tone};
use crate::pages::faults::Faults;
use crate::refusal::Refusal;
use crate::reply::Response;
use crate::view::field::Field;
use crate::view::{banner, time};
use crate::visit::Visit;

/// `GET /settings/api-keys/{id}/revoke`
pub(crate) async fn show(visit: &mut Visit<'_>) -> Result<Response, Refusal> {
    visit.query.finish()?;
    let key = find(visit).await?;
    Offers::of(visit, &key).revoke?;
    Ok(page(visit, StatusCode::OK, &key, "", &Faults::default()))
}

/// `POST /settings/api-keys/{id}/revoke`
pub(crate) async fn submit(visit: &mut Visit<'_>) -> Result<Response, Refusal> {
    visit.query.finish()?;
    let typed = visit.form.one("reason")?.unwrap_or_default();
    visit.form.finish()?;
    let key = find(visit).await?;
    let mut faults = Faults::default();
    let reason: Option<RevocationReason> = match typed.trim() {
        "" => None,
        reason => reason.parse().map_err(|error| faults.add("reason", error)).ok(),
    };
    if !faults.is_empty() {
        return Ok(page(visit, StatusCode::UNPROCESSABLE_ENTITY, &key, &typed, &faults));
    }
    visit.manager.revoke(&visit.caller, key.record.id, reason).await?;
    let notice = Notice::done("The key is revoked. Every call with it is refused from now on.");
    Ok(visit.done(&path(key.record.id), notice))
}

fn page(visit: &Visit<'_>, status: StatusCode, key: &KeyView, reason: &str, faults: &Faults) -> Response {
    let key_path = path(key.record.id);
    let errors = faults.of("reason");
    let field = Field {
        hint: Some("For those who look at the key later. Up to 500 characters."),
        errors: &errors,
        ..Field::new("reason", "Reason (optional)")
    };
    let content = html! {
        p { a href=(key_path) { bdi { (key.record.name) } } }
        h1 { "Revoke the key" }
        p.lead {
            "Every call with it is refused from now on."
            @if is_revocation_undoable(visit, key) { " You can reactivate it later." }
        }
        (faults.banner())
        (last_used(visit, key))
        @if key.record.id == visit.key.id() {
            (banner::banner(Tone::Warning, &html! {
                p { "You are signed in with this key. Your session ends with it, and it cannot reactivate itself." }
            }))
        }
        form.card.narrow method="post" action={ (key_path) "/revoke" } {
            (visit.frame.form_token())
            (field.lines(2, reason))
            div.actions {
                button.danger type="submit" { "Revoke key" }
                a href=(key_path) { "Cancel" }
            }
        }
    };
    visit.page_of(status, "Revoke the key", &content)
}

/// Who takes a key away wants to know whether a program still needs it.
fn last_used(visit: &Visit<'_>, key: &KeyView) -> maud::Markup {
    match key.usage.last_used_at {
        Some(at) => banner::banner(
            Tone::Warning,
            &html! {
                p { strong { "Last used " (time::relative(at, visit.now)) "." } " Whatever uses it stops working." }
            },
        ),
        None => banner::banner(Tone::Neutral, &html! { p { "It has never been used." } }),
    }
}
