use http::StatusCode;
use maud::{Markup, html};
use qwetty::{KeyPatch, KeyView, ManageError};
use qwetty_storage::Revision;

use super::abilities::Abilities;
use super::channels::KnownChannels;
use super::draft::Draft;
use super::excesses::Excesses;
use super::form::KeyForm;
use super::judged::{Judged, Until};
use super::offers::Offers;
use super::{find, path, wanted};
use crate::fields::FieldsError;
use crate::notice::{Notice, Tone};
use crate::pages::faults::{Faults, label};
use crate::refusal::Refusal;
use crate::reply::Response;
use crate::view::{banner, button};
use crate::visit::Visit;

/// `GET /settings/api-keys/{id}/edit`
pub(crate) async fn show(visit: &mut Visit<'_>) -> Result<Response, Refusal> {
    visit.query.finish()?;
    let key = find(visit).await?;
    Offers::of(visit, &key).edit?;
    let draft = Draft::of(&key);
    let judged = judge(visit, &draft, &mut Faults::default());
    let form = Form { visit, key: &key, draft: &draft, judged: &judged };
    form.page(StatusCode::OK, &Faults::default(), &[]).await
}

/// `POST /settings/api-keys/{id}/edit`. What was not changed is not sent to the engine, so that it stays as it is.
pub(crate) async fn submit(visit: &mut Visit<'_>) -> Result<Response, Refusal> {
    visit.query.finish()?;
    let shown = visit.form.choice("revision", |text| text.parse().ok())?.map(Revision::from_u64);
    let shown = shown.ok_or(FieldsError::Value("revision"))?;
    let draft = Draft::read(&mut visit.form)?;
    visit.form.finish()?;
    let key = find(visit).await?;
    let as_it_is = Draft::of(&key);
    let mut faults = Faults::default();
    let judged = judge(visit, &draft, &mut faults);
    let changed = changes(&as_it_is, &draft);
    let form = Form { visit, key: &key, draft: &draft, judged: &judged };
    // Somebody else changed the key since the form was shown: what they did is not to be undone unseen.
    if shown != key.record.revision && !changed.is_empty() {
        return form.page(StatusCode::CONFLICT, &faults, &changed).await;
    }
    let patch = patch(&key, &changed, &draft, &judged);
    let asked = wanted(patch.permissions.as_ref(), patch.channels.as_ref(), judged.until);
    let organization = key.record.organization;
    faults.add_all(visit.manager.faults(organization, &asked).await.map_err(ManageError::from)?);
    let excesses = Excesses { visit, organization, draft: &draft, judged: &judged, as_it_is: Some(&key) };
    if !faults.is_empty() {
        excesses.tell(&mut faults).await?;
        return form.page(StatusCode::UNPROCESSABLE_ENTITY, &faults, &[]).await;
    }
    if changed.is_empty() {
        let text = "Nothing was changed: the form was as the key is.".into();
        return Ok(visit.done(&path(key.record.id), Notice { tone: Tone::Neutral, text }));
    }
    let status = match visit.manager.update(&visit.caller, key.record.id, patch).await {
        Ok(_) => {
            let notice = Notice::done("The changes are saved. They hold from now on.");
            return Ok(visit.done(&path(key.record.id), notice));
        }
        Err(error) => {
            excesses.tell(&mut faults).await?;
            faults.add_refusal(error)?
        }
    };
    form.page(status, &faults, &[]).await
}

fn judge(visit: &Visit<'_>, draft: &Draft, faults: &mut Faults) -> Judged {
    Judged::of(draft, visit.now, visit.key.expires_at(), faults)
}

/// The fields in which two drafts differ.
fn changes(before: &Draft, after: &Draft) -> Vec<&'static str> {
    let differ = [
        ("name", before.name != after.name.trim()),
        ("description", before.description != after.description),
        ("permissions", sorted(&before.permissions) != sorted(&after.permissions)),
        ("channels", before.reach != after.reach || sorted(&before.channels) != sorted(&after.channels)),
        ("whitelist", lines(&before.whitelist) != lines(&after.whitelist)),
        ("expiry", before.expiry != after.expiry || before.date != after.date),
        ("tier", after.tier.is_some() && before.tier != after.tier),
    ];
    differ.into_iter().filter(|(_, differs)| *differs).map(|(field, _)| field).collect()
}

fn sorted(texts: &[String]) -> Vec<&str> {
    let mut texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    texts.sort_unstable();
    texts
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
}

fn patch(key: &KeyView, changed: &[&str], draft: &Draft, judged: &Judged) -> KeyPatch {
    let is_changed = |field: &&str| changed.contains(field);
    let changes = |field: &'static str| Some(field).filter(is_changed);
    KeyPatch {
        name: changes("name").and(judged.name.clone()),
        description: changes("description").and(judged.description.clone()),
        permissions: changes("permissions").and(judged.permissions.clone()),
        channels: changes("channels").and(judged.channels.clone()),
        networks: changes("whitelist").and(judged.networks.clone()),
        expires_at: match judged.until {
            Some(Until::At(at)) => Some(Some(at)),
            Some(Until::Never) => Some(None),
            Some(Until::Kept) | None => None,
        },
        tier: draft.tier.filter(|tier| *tier != key.record.tier),
    }
}

/// The form, with what was typed.
struct Form<'a> {
    visit: &'a Visit<'a>,
    key: &'a KeyView,
    draft: &'a Draft,
    judged: &'a Judged,
}

impl Form<'_> {
    /// `outdated` is what saving would change of a key that somebody else changed meanwhile.
    async fn page(
        &self,
        status: StatusCode,
        faults: &Faults,
        outdated: &[&'static str],
    ) -> Result<Response, Refusal> {
        let (visit, key) = (self.visit, self.key);
        let channels = KnownChannels::of(visit, key.record.organization).await?;
        let quota = visit.engine.quotas().get(self.draft.tier.unwrap_or(key.record.tier));
        let abilities = Abilities::of_draft(self.judged, Some(key), quota, visit, &channels);
        let fields = KeyForm {
            visit,
            draft: self.draft,
            faults,
            channels: &channels,
            abilities: &abilities,
            kept: Some(key.record.lifecycle.expires_at()),
            is_review: false,
        };
        let key_path = path(key.record.id);
        let content = html! {
            p { a href=(key_path) { bdi { (key.record.name) } } }
            h1 { "Edit the key" }
            (faults.banner())
            (self.outdated_banner(outdated))
            form.stack method="post" action={ (key_path) "/edit" } {
                (visit.frame.form_token())
                input type="hidden" name="revision" value=(key.record.revision.as_u64());
                (fields.fields())
                div.actions {
                    (button::submit("Save changes"))
                    a href=(key_path) { "Cancel" }
                }
            }
        };
        Ok(visit.page_of(status, "Edit the key", &content))
    }

    fn outdated_banner(&self, outdated: &[&'static str]) -> Markup {
        let fields: Vec<&str> = outdated.iter().map(|field| label(field)).collect();
        html! {
            @if !fields.is_empty() {
                (banner::banner(Tone::Warning, &html! {
                    p { strong { "The key was changed after you opened this form." } " Nothing of yours is saved yet." }
                    p { "If you save now, this is changed: " (fields.join(", ")) ". "
                        a href=(path(self.key.record.id)) { "See the key as it is" } "." }
                }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_the_same_is_no_change() {
        let before = Draft {
            name: "CRM".to_owned(),
            permissions: vec!["a".to_owned(), "b".to_owned()],
            whitelist: "10.0.0.1\n10.0.0.2".to_owned(),
            ..Draft::default()
        };
        let same = Draft {
            name: " CRM ".to_owned(),
            permissions: vec!["b".to_owned(), "a".to_owned()],
            whitelist: "10.0.0.1\n\n 10.0.0.2 \n".to_owned(),
            ..Draft::default()
        };
        assert!(changes(&before, &same).is_empty());
        let other = Draft { name: "CRM 2".to_owned(), whitelist: String::new(), ..before.clone() };
        assert_eq!(changes(&before, &other), ["name", "whitelist"]);
    }
}
