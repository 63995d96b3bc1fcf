use http::StatusCode;
use maud::html;
use qwetty::KeyView;
use qwetty_keys::Overlap;

use super::offers::Offers;
use super::{find, once, path, value};
use crate::fields::FieldsError;
use crate::notice::Tone;
use crate::once::Once;
use crate::refusal::Refusal;
use crate::reply::Response;
use crate::view::field::{Choice, Field, Picks};
use crate::view::{banner, button, time};
use crate::visit::Visit;

/// How long the old value may go on, in seconds.
const OVERLAPS: [(&str, &str); 4] =
    [("0", "Now"), ("3600", "In 1 hour"), ("86400", "In 24 hours"), ("604800", "In 7 days")];

/// `GET /settings/api-keys/{id}/regenerate`
pub(crate) async fn show(visit: &mut Visit<'_>) -> Result<Response, Refusal> {
    visit.query.finish()?;
    let key = find(visit).await?;
    Offers::of(visit, &key).regenerate?;
    page(visit, &key)
}

/// `POST /settings/api-keys/{id}/regenerate`
pub(crate) async fn submit(visit: &mut Visit<'_>) -> Result<Response, Refusal> {
    visit.query.finish()?;
    let once = Once::read(&mut visit.form)?;
    let overlap = visit.form.choice("overlap", overlap)?.ok_or(FieldsError::Value("overlap"))?;
    visit.form.finish()?;
    let key = find(visit).await?;
    if !visit.is_first(&once) {
        return Ok(once::already_sent(visit, &path(key.record.id)));
    }
    match visit.manager.regenerate(&visit.caller, key.record.id, overlap).await {
        Ok(issued) => value::page(visit, &issued, value::Occasion::Regenerated),
        Err(error) => {
            visit.not_done(&once, &error);
            Err(error.into())
        }
    }
}

fn overlap(text: &str) -> Option<Overlap> {
    let (seconds, _) = OVERLAPS.into_iter().find(|(seconds, _)| *seconds == text)?;
    Overlap::from_seconds(seconds.parse().ok()?).ok()
}

fn page(visit: &Visit<'_>, key: &KeyView) -> Result<Response, Refusal> {
    let record = &key.record;
    let key_path = path(record.id);
    let choices = OVERLAPS.map(|(value, label)| Choice {
        value,
        label,
        hint: (value == "0").then_some(
            "Programs that use it are refused until they have the new one. For a value that leaked.",
        ),
        is_chosen: value == "0",
    });
    let ends = Field::new("overlap", "When does the old value stop working?");
    let content = html! {
        p { a href=(key_path) { bdi { (record.name) } } }
        h1 { "Regenerate the key" }
        p.lead {
            "The key gets a new value, which is shown once. Its id, settings, usage and quota stay. The value that works now begins with "
            code { (record.lifecycle.current().start) } "."
        }
        @if let Some(previous) = record.lifecycle.previous(key.at) {
            (banner::banner(Tone::Warning, &html! {
                p {
                    "An older value, " code { (previous.value.start) "…" } ", still works until " (time::exact(previous.ends_at))
                    ". It ends now if you regenerate again: only one older value lives at a time."
                }
            }))
        }
        @if record.id == visit.key.id() {
            (banner::banner(Tone::Neutral, &html! {
                p { "You are signed in with this key. Your session ends with its old value; sign in with the new one then." }
            }))
        }
        form.card.narrow method="post" action={ (key_path) "/regenerate" } {
            (visit.frame.form_token())
            (visit.once()?.field())
            (ends.boxes(Picks::One, &choices))
            @if let Some(at) = record.lifecycle.expires_at() {
                p.hint { "Never later than the key itself, which expires " (time::relative(at, visit.now)) "." }
            }
            div.actions {
                (button::submit("Regenerate key"))
                a href=(key_path) { "Cancel" }
            }
        }
    };
    Ok(visit.page_of(StatusCode::OK, "Regenerate the key", &content))
}
