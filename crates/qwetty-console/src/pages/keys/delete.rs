use http::StatusCode;
use maud::html;
use qwetty::KeyView;

use super::offers::{Offers, is_revocation_undoable};
use super::{find, path};
use crate::fields::FieldsError;
use crate::notice::{Notice, Tone};
use crate::pages::faults::{Faults, confirms};
use crate::refusal::Refusal;
use crate::reply::Response;
use crate::route::HOME;
use crate::view::field::{Field, Kind};
use crate::view::{banner, time};
use crate::visit::Visit;

/// `GET /settings/api-keys/{id}/delete`
pub(crate) async fn show(visit: &mut Visit<'_>) -> Result<Response, Refusal> {
    visit.query.finish()?;
    let key = find(visit).await?;
    Offers::of(visit, &key).delete?;
    Ok(page(visit, StatusCode::OK, &key, "", &Faults::default()))
}

/// `POST /settings/api-keys/{id}/delete`
pub(crate) async fn submit(visit: &mut Visit<'_>) -> Result<Response, Refusal> {
    visit.query.finish()?;
    let typed = visit.form.one("confirmation")?.ok_or(FieldsError::Value("confirmation"))?;
    visit.form.finish()?;
    let key = find(visit).await?;
    if !confirms(&typed, key.record.name.as_str()) {
        let mut faults = Faults::default();
        faults.add("confirmation", "this is another one; type it as it stands above");
        return Ok(page(visit, StatusCode::UNPROCESSABLE_ENTITY, &key, &typed, &faults));
    }
    visit.manager.delete(&visit.caller, key.record.id).await?;
    Ok(visit.done(HOME, Notice::done(format!("The key “{}” is deleted.", key.record.name))))
}

fn page(visit: &Visit<'_>, status: StatusCode, key: &KeyView, typed: &str, faults: &Faults) -> Response {
    let key_path = path(key.record.id);
    let errors = faults.of("confirmation");
    let field = Field {
        hint: Some("Type it as it stands above."),
        errors: &errors,
        is_required: true,
        ..Field::new("confirmation", "Name of the key, to confirm")
    };
    let content = html! {
        p { a href=(key_path) { bdi { (key.record.name) } } }
        h1 { "Delete the key" }
        p.lead { "Nothing brings a deleted key back. Its history stays in the audit log; its usage goes." }
        (faults.banner())
        (banner::banner(Tone::Warning, &html! {
            p {
                "You are about to delete " strong { bdi { (key.record.name) } } ", "
                code { (key.record.lifecycle.current().start) "…" } ", "
                @match key.usage.last_used_at {
                    Some(at) => { "last used " (time::relative(at, visit.now)) ". Whatever uses it stops working." },
                    None => "which has never been used.",
                }
            }
            @if key.record.lifecycle.revocation().is_none() && is_revocation_undoable(visit, key) {
                p { "To stop it for a while, " a href={ (key_path) "/revoke" } { "revoke it" } " instead: that can be undone." }
            }
        }))
        form.card.narrow method="post" action={ (key_path) "/delete" } {
            (visit.frame.form_token())
            (field.line(Kind::Text, typed))
            div.actions {
                button.danger type="submit" { "Delete key" }
                a href=(key_path) { "Cancel" }
            }
        }
    };
    visit.page_of(status, "Delete the key", &content)
}
