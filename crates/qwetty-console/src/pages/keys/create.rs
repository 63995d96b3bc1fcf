use http::StatusCode;
use maud::html;
use qwetty::{ManageError, NewKey, Wanted};
use qwetty_authz::ChannelScope;

use super::abilities::Abilities;
use super::channels::KnownChannels;
use super::draft::{Draft, Expiry, Reach, whitelist};
use super::excesses::Excesses;
use super::form::KeyForm;
use super::judged::{Judged, Until};
use super::{once, value, wanted};
use crate::fields::FieldsError;
use crate::notice::Tone;
use crate::once::Once;
use crate::pages::faults::Faults;
use crate::refusal::Refusal;
use crate::reply::Response;
use crate::route::{HOME, NEW_KEY};
use crate::view::banner;
use crate::visit::Visit;

/// What the form is sent for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Create,
    /// To see what the key would be able to do.
    Review,
}

/// `GET /settings/api-keys/new`
pub(crate) async fn show(visit: &mut Visit<'_>) -> Result<Response, Refusal> {
    visit.query.finish()?;
    let mut faults = Faults::default();
    let draft = blank(visit);
    let judged = judge(visit, &draft, &mut faults);
    page(visit, StatusCode::OK, &draft, &judged, &Faults::default(), false).await
}

/// `POST /settings/api-keys/new`
pub(crate) async fn submit(visit: &mut Visit<'_>) -> Result<Response, Refusal> {
    visit.query.finish()?;
    let once = Once::read(&mut visit.form)?;
    let step = visit.form.choice("step", Step::parse)?.unwrap_or(Step::Create);
    let draft = Draft::read(&mut visit.form)?;
    visit.form.finish()?;
    if draft.expiry == Some(Expiry::Kept) {
        return Err(FieldsError::Value("expiry").into());
    }
    let mut faults = Faults::default();
    let judged = judge(visit, &draft, &mut faults);
    faults.add_all(
        visit.manager.faults(visit.organization, &wanted_of(&judged)).await.map_err(ManageError::from)?,
    );
    let new = new_key(visit, &draft, &judged).filter(|_| faults.is_empty());
    let excesses =
        Excesses { visit, organization: visit.organization, draft: &draft, judged: &judged, as_it_is: None };
    let Some(new) = new else {
        excesses.tell(&mut faults).await?;
        return page(visit, StatusCode::UNPROCESSABLE_ENTITY, &draft, &judged, &faults, false).await;
    };
    if step == Step::Review {
        excesses.tell(&mut faults).await?;
        let (status, is_review) =
            if faults.is_empty() { (StatusCode::OK, true) } else { (StatusCode::FORBIDDEN, false) };
        return page(visit, status, &draft, &judged, &faults, is_review).await;
    }
    if !visit.is_first(&once) {
        return Ok(once::already_sent(visit, HOME));
    }
    let error = match visit.manager.create(&visit.caller, new).await {
        Ok(issued) => return value::page(visit, &issued, value::Occasion::Created),
        Err(error) => error,
    };
    visit.not_done(&once, &error);
    excesses.tell(&mut faults).await?;
    let status = faults.add_refusal(error)?;
    page(visit, status, &draft, &judged, &faults, false).await
}

/// What the form begins with: nothing that the visitor's key could not grant.
fn blank(visit: &Visit<'_>) -> Draft {
    let is_free = visit.key.access().channels == ChannelScope::All;
    let mine = visit.key.expires_at();
    Draft {
        reach: Some(if is_free { Reach::Every } else { Reach::Ticked }),
        whitelist: whitelist(&visit.key.access().networks),
        expiry: Some(if mine.is_some() { Expiry::Mine } else { Expiry::Days(90) }),
        ..Draft::default()
    }
}

fn judge(visit: &Visit<'_>, draft: &Draft, faults: &mut Faults) -> Judged {
    Judged::of(draft, visit.now, visit.key.expires_at(), faults)
}

fn wanted_of(judged: &Judged) -> Wanted {
    wanted(judged.permissions.as_ref(), judged.channels.as_ref(), judged.until)
}

fn new_key(visit: &Visit<'_>, draft: &Draft, judged: &Judged) -> Option<NewKey> {
    Some(NewKey {
        organization: Some(visit.organization),
        name: judged.name.clone()?,
        description: judged.description.clone()?,
        permissions: judged.permissions.clone()?,
        channels: judged.channels.clone()?,
        networks: judged.networks.clone()?,
        expires_at: match judged.until? {
            Until::At(at) => Some(at),
            Until::Kept | Until::Never => None,
        },
        tier: draft.tier.unwrap_or_default(),
    })
}

async fn page(
    visit: &Visit<'_>,
    status: StatusCode,
    draft: &Draft,
    judged: &Judged,
    faults: &Faults,
    is_review: bool,
) -> Result<Response, Refusal> {
    let channels = KnownChannels::of(visit, visit.organization).await?;
    let quota = visit.engine.quotas().get(draft.tier.unwrap_or_default());
    let abilities = Abilities::of_draft(judged, None, quota, visit, &channels);
    let form =
        KeyForm { visit, draft, faults, channels: &channels, abilities: &abilities, kept: None, is_review };
    let content = html! {
        p { a href=(HOME) { "API keys" } }
        h1 { "Create an API key" }
        p.lead { "Give each program a key of its own, with what it needs and nothing more." }
        (faults.banner())
        @if is_review {
            (banner::banner(Tone::Neutral, &html! {
                p {
                    "Nothing is created yet. Read "
                    a href="#summary" { "what this key will be able to do" }
                    ", then create it."
                }
            }))
        }
        form.stack method="post" action=(NEW_KEY) {
            (visit.frame.form_token())
            (visit.once()?.field())
            (form.fields())
            div.actions {
                button type="submit" name="step" value="create" { "Create key" }
                button.quiet type="submit" name="step" value="review" { "Review" }
                a href=(HOME) { "Cancel" }
            }
        }
    };
    Ok(visit.page_of(status, "Create an API key", &content))
}

impl Step {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "create" => Some(Self::Create),
            "review" => Some(Self::Review),
            _ => None,
        }
    }
}
