use maud::html;

use super::offers::Offers;
use super::{find, path};
use crate::notice::{Notice, Tone};
use crate::refusal::Refusal;
use crate::reply::Response;
use crate::view::{banner, button, time};
use crate::visit::Visit;

/// `GET /settings/api-keys/{id}/reactivate`
pub(crate) async fn show(visit: &mut Visit<'_>) -> Result<Response, Refusal> {
    visit.query.finish()?;
    let key = find(visit).await?;
    Offers::of(visit, &key).reactivate?;
    let key_path = path(key.record.id);
    let content = html! {
        p { a href=(key_path) { bdi { (key.record.name) } } }
        h1 { "Reactivate the key" }
        p.lead {
            "Its value, which begins with " code { (key.record.lifecycle.current().start) }
            ", works again at once, for whoever has it."
        }
        @if let Some(revocation) = key.record.lifecycle.revocation() {
            (banner::banner(Tone::Warning, &html! {
                p { "It was revoked " (time::relative(revocation.at, visit.now)) "." }
                @if let Some(reason) = &revocation.reason { p.prose { "Reason: " bdi { (reason) } } }
                p { "If the value may have leaked, regenerate the key afterwards." }
            }))
        }
        form.card.narrow method="post" action={ (key_path) "/reactivate" } {
            (visit.frame.form_token())
            div.actions {
                (button::submit("Reactivate key"))
                a href=(key_path) { "Cancel" }
            }
        }
    };
    Ok(visit.page("Reactivate the key", &content))
}

/// `POST /settings/api-keys/{id}/reactivate`
pub(crate) async fn submit(visit: &mut Visit<'_>) -> Result<Response, Refusal> {
    visit.query.finish()?;
    visit.form.finish()?;
    let key = find(visit).await?;
    visit.manager.reactivate(&visit.caller, key.record.id).await?;
    Ok(visit.done(&path(key.record.id), Notice::done("The key is active again.")))
}
